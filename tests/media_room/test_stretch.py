"""Lines fitted to the sample: exact length, same pitch, pauses before speed, nothing cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import Audio, open_audio
from media.stretch import fit, fit_to_samples, stretch
from tests.media import shared

RATE = 16000


def bursts(*lengths_s, rate=RATE):
    """Return voice and pause by turns."""
    parts = []
    for index, length_s in enumerate(lengths_s):
        time = np.arange(round(length_s * rate)) / rate
        voiced = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 8))
        parts.append(0.2 * voiced if index % 2 == 0 else np.zeros_like(time))
    return Audio(np.concatenate(parts)[None].astype(np.float32), rate)


def pitch_hz(audio):
    wave = audio.samples[0].astype(np.float64)
    wave = wave[len(wave) // 4 : len(wave) // 4 + RATE // 2]
    likeness = np.correlate(wave, wave, "full")[len(wave) - 1 :]
    low, high = RATE // 300, RATE // 70
    return RATE / (low + int(likeness[low:high].argmax()))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 30000),
    speed=st.floats(0.7, 2.0),
    channels=st.integers(1, 2),
    rate=st.sampled_from([8000, 16000, 24000]),
)
def test_every_length_is_met_to_the_sample(n, speed, channels, rate):
    rng = np.random.default_rng(n)
    audio = Audio(rng.standard_normal((channels, n)).astype(np.float32) * 0.1, rate)
    wanted = round(n / speed)
    fitted = fit_to_samples(audio, wanted)
    assert fitted.samples.shape == (channels, wanted)
    assert fitted.samples.dtype == np.float32
    assert np.isfinite(fitted.samples).all()


@pytest.mark.parametrize("speed", [0.92, 1.06, 1.2, 1.35])
def test_the_pitch_and_the_level_stay(speed):
    audio = bursts(2.0)
    faster = stretch(audio, round(2.0 * RATE / speed))
    assert pitch_hz(faster) == pytest.approx(120, rel=0.02)
    ours, theirs = (float(np.sqrt(np.square(a.samples).mean())) for a in (faster, audio))
    assert ours == pytest.approx(theirs, rel=0.05)


def test_pauses_give_before_the_voice_does():
    audio = bursts(1.0, 0.6, 1.0, 0.4, 1.0)
    fitted = fit(audio, round(3.5 * RATE))
    assert fitted.pauses_s == pytest.approx(0.5, abs=0.002)
    assert fitted.speed == pytest.approx(1.0, abs=0.001)
    tighter = fit(audio, round(3.0 * RATE))
    assert tighter.pauses_s == pytest.approx(0.48 + 0.28, abs=0.05)
    assert tighter.speed == pytest.approx((4.0 - tighter.pauses_s) / 3.0, abs=0.001)


def test_short_pauses_are_left_alone():
    audio = bursts(1.0, 0.2, 1.0)
    assert fit(audio, round(2.0 * RATE)).pauses_s == 0


def test_a_line_is_never_slower_than_it_may_be():
    fitted = fit(bursts(1.0), round(2.0 * RATE))
    assert fitted.speed == pytest.approx(0.9, abs=0.001)
    assert fitted.padded_s == pytest.approx(2.0 - 1.0 / 0.9, abs=0.001)
    assert not fitted.audio.samples[:, -100:].any()


def test_real_speech_sounds_the_same_when_faster():
    import librosa

    line = open_audio(shared("speech/en_LJ001-0001.flac")).read()
    n = round(line.samples.shape[1] / 1.15)
    theirs = np.interp(
        np.linspace(0, 1, n), np.linspace(0, 1, line.samples.shape[1]), line.samples[0]
    )
    ours = stretch(line, n).samples[0]

    def spectrum(wave):
        mel = librosa.feature.melspectrogram(
            y=np.asarray(wave, np.float32), sr=line.sample_rate_hz, n_mels=40
        )
        return librosa.power_to_db(mel, top_db=60).mean(axis=1)

    original = spectrum(line.samples[0])
    assert np.abs(spectrum(ours) - original).mean() < 0.5
    assert np.abs(spectrum(theirs) - original).mean() > 1.0  # resampling shifts the voice
