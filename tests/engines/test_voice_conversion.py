import numpy as np
import pytest
import soundfile

from engines import catalog
from media.audio import Audio
from media.pitch import track_pitch
from media.voiceprint import distance, voiceprint
from studio.errors import BadInput
from tests.media import shared


@pytest.fixture(params=catalog.entries("VoiceConverter"), scope="module")
def converter(request):
    entry = catalog.entries("VoiceConverter")[request.param]
    if lacking := entry.missing():
        pytest.skip(f"{request.param}: {lacking[0].what} is missing")
    return entry.build()


def spoken(voice="robert", text="The old house stands at the end of a long and quiet street."):
    preset = catalog.voices()[voice]
    entry = catalog.entry(preset.engine)
    if entry.missing():
        pytest.skip(f"{preset.engine} is missing")
    return entry.build().speak(text, preset.name, "en", 1.0, 0).audio


def recording(name):
    frames, rate = soundfile.read(shared(name), dtype="float32", always_2d=True)
    return Audio(np.ascontiguousarray(frames.T), rate).mono()


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_keeps_length_rate_and_loudness(converter, rate):
    source = spoken().resampled(rate)
    made = converter.convert(source, spoken("sally"))
    assert made.samples.shape == source.samples.shape and made.sample_rate_hz == rate
    assert made.samples.dtype == np.float32 and np.abs(made.samples).max() <= 1
    level = np.square(made.samples).mean() / np.square(source.samples).mean()
    assert 0.4 < level < 1.2  # up to 4 dB less where its peaks would pass full scale


@pytest.mark.parametrize("target", ["sally", "karl", "alba"])
def test_takes_on_the_pitch_and_comes_nearer(converter, target):
    source, model = (
        spoken(),
        spoken(target, "She opened the window and looked out over the green garden."),
    )
    made = converter.convert(source, model)
    assert track_pitch(made).median_hz == pytest.approx(track_pitch(model).median_hz, rel=0.06)
    goal = voiceprint(model)
    assert distance(voiceprint(made), goal) < 0.6 * distance(voiceprint(source), goal)


@pytest.mark.parametrize("name", ["voices/en_enroll_katie.wav", "voices/en_enroll_steve.wav"])
def test_comes_nearer_to_real_people(converter, name):
    source, model = spoken("sally"), recording(name)
    goal = voiceprint(model)
    assert distance(voiceprint(converter.convert(source, model)), goal) < 0.6 * distance(
        voiceprint(source), goal
    )


def test_rhythm_stays(converter):
    source = spoken()
    made = converter.convert(source, spoken("sally"))
    envelopes = [
        np.square(a.samples[0][: a.samples.shape[1] // 800 * 800]).reshape(-1, 800).mean(1) ** 0.5
        for a in (source, made)
    ]
    assert np.corrcoef(*envelopes)[0, 1] > 0.8


def test_same_input_same_bytes(converter):
    made = [converter.convert(spoken(), spoken("sally")).samples for _ in range(2)]
    assert np.array_equal(*made)


@pytest.mark.parametrize("samples", [np.zeros((1, 4000)), np.zeros((1, 200)), np.zeros((1, 0))])
def test_silence_and_snippets_stay_as_they_are(converter, samples):
    source = Audio(samples.astype(np.float32), 16_000)
    assert np.array_equal(converter.convert(source, spoken()).samples, source.samples)


def test_noise_is_not_turned_into_a_voice(converter):
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32), 16_000)
    assert converter.convert(noise, spoken()).samples.shape == noise.samples.shape


@pytest.mark.parametrize("samples", [np.zeros((1, 32_000)), np.zeros((1, 10))])
def test_a_reference_without_a_voice_is_refused(converter, samples):
    with pytest.raises(BadInput) as caught:
        converter.convert(spoken(), Audio(samples.astype(np.float32), 16_000))
    assert caught.value.remedy
