import numpy as np
import pytest

from media.audio import Audio
from media.pitch import track_pitch
from media.voiceprint import distance, mel_bands, voiceprint
from studio.errors import BadInput


def voice(pitch_hz, tilt=1.0, seconds=1.5, rate=16_000):
    """A buzz of harmonics: a voice with a known pitch and spectrum."""
    t = np.arange(round(seconds * rate)) / rate
    wave = sum(
        np.sin(2 * np.pi * pitch_hz * k * t) / k**tilt
        for k in range(1, int(0.45 * rate / pitch_hz))
    )
    return Audio((0.2 * wave / np.abs(wave).max()).astype(np.float32)[None], rate)


@pytest.mark.parametrize("pitch_hz", [90, 140, 220, 330])
def test_measures_pitch(pitch_hz):
    assert voiceprint(voice(pitch_hz)).pitch_hz == pytest.approx(pitch_hz, rel=0.02)


def test_distance_is_zero_to_itself_and_grows_with_the_difference():
    low = voiceprint(voice(110))
    assert distance(low, low) == 0
    assert distance(low, voiceprint(voice(120))) < distance(low, voiceprint(voice(220)))
    assert distance(low, voiceprint(voice(110, tilt=1.2))) < distance(
        low, voiceprint(voice(110, tilt=2))
    )
    high = voiceprint(voice(200))
    assert distance(low, high) == pytest.approx(distance(high, low))


def test_loudness_and_rate_do_not_matter():
    plain = voice(130, seconds=2)
    quiet = Audio(plain.samples * 0.1, plain.sample_rate_hz)
    assert distance(voiceprint(plain), voiceprint(quiet)) < 0.05
    assert distance(voiceprint(plain), voiceprint(plain.resampled(48_000))) < 0.2


@pytest.mark.parametrize("samples", [np.zeros((1, 16_000)), np.ones((1, 100))])
def test_silence_has_no_print(samples):
    with pytest.raises(BadInput):
        voiceprint(Audio(samples.astype(np.float32), 16_000))


def test_no_pitch_in_silence_or_next_to_nothing():
    for size in (0, 100, 16_000):
        track = track_pitch(Audio(np.zeros((1, size), np.float32), 16_000))
        assert track.median_hz == 0 and track.spread == 0


@pytest.mark.parametrize(
    ("count", "bins", "nyquist_hz"), [(24, 257, 8000), (32, 513, 24_000), (32, 257, 4000)]
)
def test_mel_bands_weigh_one(count, bins, nyquist_hz):
    bands = mel_bands(count, bins, nyquist_hz)
    assert bands.shape == (count, bins) and np.allclose(bands.sum(axis=1), 1) and (bands >= 0).all()
