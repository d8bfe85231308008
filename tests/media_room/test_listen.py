import numpy as np
import pytest

from media.audio import Audio, open_audio, write_audio
from media.listen import mono_blocks, mono_cut, put_together, speech_level
from studio.errors import Cancelled

RATE_HZ = 16_000


def written(samples, path, rate_hz=RATE_HZ):
    return open_audio(write_audio(Audio(samples.astype(np.float32), rate_hz), path))


def noise(level, seconds=2.0, channels=2, seed=0):
    size = (channels, round(seconds * RATE_HZ))
    return level * np.random.default_rng(seed).standard_normal(size)


@pytest.mark.parametrize(("bed_level", "left"), [(0.005, 1.0), (0.05, 0.3)])
def test_a_clear_voice_keeps_its_background_another_a_little(bed_level, left, tmp_path):
    voice, bed = noise(0.1), noise(bed_level, seed=1)
    files = [written(voice, tmp_path / "v.flac"), written(bed, tmp_path / "b.flac")]
    both = put_together(*files, tmp_path / "x.flac", lambda: None).read().samples
    assert np.abs(both - (voice + left * bed)).max() < 1e-5


def test_music_where_nobody_speaks_does_not_count(tmp_path):
    voice, bed = noise(0.1, 4.0), noise(0.3, 4.0, seed=1)
    voice[:, voice.shape[1] // 2 :] = 0
    bed[:, : voice.shape[1] // 2] = 0
    files = [written(voice, tmp_path / "v.flac"), written(bed, tmp_path / "b.flac")]
    both = put_together(*files, tmp_path / "x.flac", lambda: None).read().samples
    assert np.abs(both - np.clip(voice + bed, -1, 1)).max() < 1e-5


def test_it_can_be_stopped(tmp_path):
    file = written(noise(0.1), tmp_path / "v.flac")

    def stop():
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        put_together(file, file, tmp_path / "x.flac", stop)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_blocks_are_the_whole_at_another_rate(rate_hz, tmp_path):
    time_s = np.arange(rate_hz * 5) / rate_hz
    file = written(0.5 * np.sin(2 * np.pi * 440 * time_s)[None], tmp_path / "x.flac", rate_hz)
    wave = np.concatenate(list(mono_blocks(file, RATE_HZ, 0.7)))
    assert abs(wave.size - 5 * RATE_HZ) <= 1
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(wave.size) / RATE_HZ)
    assert np.abs(wave - wanted)[800:-800].max() < 2e-3
    part = mono_cut(file, RATE_HZ, 1.0, 2.0)
    assert (
        part.size == RATE_HZ and np.abs(part - wanted[RATE_HZ : 2 * RATE_HZ])[800:-800].max() < 2e-3
    )


def test_the_level_is_that_of_the_loud_moments(tmp_path):
    wave = noise(0.1, 2.0, channels=1)
    wave[:, : RATE_HZ // 2] = 0
    assert speech_level(written(wave, tmp_path / "x.flac")) == pytest.approx(0.1, rel=0.15)
    assert speech_level(written(np.zeros((1, 999)), tmp_path / "y.flac")) == 0.0
