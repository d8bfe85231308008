import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.scores import si_sdr_db
from engines import catalog
from engines.separation.grid import from_grid, to_grid
from media.audio import Audio, open_audio, write_audio
from studio.errors import Cancelled
from studio.progress import silent
from tests.media import shared
from tests.tiny import engine, is_tiny


@pytest.fixture(params=catalog.entries("Separator"))
def separator(request):
    return engine(request.param)


@pytest.fixture
def good_separator(request, separator):
    if is_tiny(request.node.callspec.params["separator"]):
        pytest.skip("its weights are random here")
    return separator


def stems(separator, audio, tmp_path):
    """Separate; return mixture, vocals and other, (channels, samples) each."""
    file = open_audio(write_audio(audio, tmp_path / "mixture.flac"))
    blocks = list(separator.separate(file, silent))
    joined = [
        np.concatenate([block[name].samples for block in blocks], axis=1)
        for name in ("vocals", "other")
    ]
    assert all(each.sample_rate_hz == audio.sample_rate_hz for b in blocks for each in b.values())
    assert all(each.duration_s < 60 for block in blocks for each in block.values())
    return file.read().samples, *joined


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_stems_add_up_at_every_rate(separator, rate_hz, channels, tmp_path, request):
    speech = open_audio(shared("speech/en_LJ001-0004.flac")).read().resampled(rate_hz)
    both = np.repeat(speech.samples, channels, axis=0)
    mixture, vocals, other = stems(separator, Audio(both, rate_hz), tmp_path)
    assert vocals.shape == other.shape == mixture.shape
    assert vocals.dtype == other.dtype == np.float32
    assert np.abs(vocals + other - mixture).max() <= 1e-4
    if not is_tiny(request.node.callspec.params["separator"]):
        assert si_sdr_db(mixture, vocals) > 10  # clean speech stays


@pytest.mark.parametrize("samples", [1, 479, 44_100])
def test_short_and_silent_sound_passes(separator, samples, tmp_path):
    silence = Audio(np.zeros((2, samples), np.float32), 44_100)
    mixture, vocals, other = stems(separator, silence, tmp_path)
    assert vocals.shape == mixture.shape and not vocals.any() and not other.any()


def mixed(music_db):
    """Two people in the middle over music in stereo: mixture, speech, music."""
    speech = open_audio(shared("conversation/made_dialogue_2spk.flac")).cut(0, 9).resampled(44_100)
    music = open_audio(shared("music/made_stems/accompaniment.flac")).read().samples
    voice = np.repeat(speech.samples, 2, axis=0)
    size = min(voice.shape[1], music.shape[1])
    voice, music = voice[:, :size], music[:, :size]
    music = (
        music * np.sqrt(np.square(voice).mean() / np.square(music).mean()) * 10 ** (music_db / 20)
    )
    return Audio(0.5 * (voice + music), 44_100), 0.5 * voice, 0.5 * music


@pytest.mark.parametrize("channels", [1, 2])
def test_speech_over_music_comes_apart(good_separator, channels, tmp_path):
    audio, voice, music = mixed(-3.0)
    if channels == 1:
        audio = audio.mono()
        voice, music = (each.mean(axis=0, keepdims=True) for each in (voice, music))
    mixture, vocals, other = stems(good_separator, audio, tmp_path)
    assert si_sdr_db(voice, vocals) > si_sdr_db(voice, mixture) + 6
    assert si_sdr_db(music, other) > si_sdr_db(music, mixture) + 7
    left = np.vdot(other, voice) / np.sqrt(np.vdot(other, other) * np.vdot(voice, voice))
    assert abs(left) < 0.06  # 0.11 if what moves with the voice were left in the background


@pytest.mark.parametrize("panned", [(1.0, 0.0), (0.2, 1.0)])
def test_a_voice_at_the_side_is_kept(good_separator, panned, tmp_path):
    speech = open_audio(shared("speech/en_LJ001-0004.flac")).read()
    both = np.concatenate([speech.samples * gain for gain in panned])
    mixture, vocals, _ = stems(good_separator, Audio(both, speech.sample_rate_hz), tmp_path)
    assert si_sdr_db(mixture, vocals) > 10


def test_a_song_comes_apart(good_separator, tmp_path):
    parts = [
        open_audio(shared(f"music/made_stems/{name}.flac")).read()
        for name in ("mixture", "vocals", "accompaniment")
    ]
    mixture, vocals, other = stems(good_separator, parts[0], tmp_path)
    assert si_sdr_db(parts[1].samples, vocals) > si_sdr_db(parts[1].samples, mixture) + 6
    assert si_sdr_db(parts[2].samples, other) > si_sdr_db(parts[2].samples, mixture) + 7


@pytest.mark.parametrize("name", ["bed_hungarian_dance.ogg", "made_stems/accompaniment.flac"])
def test_music_without_words_stays_whole(good_separator, name, tmp_path):
    mixture, _, other = stems(good_separator, open_audio(shared(f"music/{name}")).read(), tmp_path)
    assert (other == mixture).mean() > 0.9


def test_speech_that_the_network_takes_for_noise_is_rescued(good_separator, tmp_path):
    film = open_audio(shared("conversation/film_10s_back_down_the_road.flac")).read()
    mixture, vocals, _ = stems(good_separator, film, tmp_path)
    said = slice(round(2.3 * film.sample_rate_hz), round(4.2 * film.sample_rate_hz))
    assert np.square(vocals[:, said]).sum() > 0.5 * np.square(mixture[:, said]).sum()


def test_blocks_have_no_seams_and_progress_ends(separator, tmp_path):
    audio = open_audio(shared("speech/en_sonnet1.mp3"))
    told = []
    file = open_audio(write_audio(audio.cut(0, 25), tmp_path / "x.flac"))
    blocks = list(separator.separate(file, lambda done, total: told.append((done, total))))
    assert len(blocks) >= 3 and told == sorted(told) and told[-1][0] == told[-1][1]
    whole = np.concatenate([block["vocals"].samples for block in blocks], axis=1)
    steps = np.abs(np.diff(whole, axis=1)).max()
    at = np.cumsum([block["vocals"].samples.shape[1] for block in blocks])[:-1]
    assert all(np.abs(whole[:, i] - whole[:, i - 1]).max() <= 0.5 * steps for i in at)


def test_it_can_be_stopped(separator, tmp_path):
    audio = Audio(np.zeros((1, 16_000 * 60), np.float32), 16_000)
    file = open_audio(write_audio(audio, tmp_path / "x.flac"))

    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(separator.separate(file, stop))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 5000), st.sampled_from([64, 256, 1024]), st.integers(0, 2**32 - 1))
def test_the_grid_gives_back_what_it_took(samples, window, seed):
    wave = np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)
    again = from_grid(to_grid(wave, window), window, samples)
    assert again.shape == wave.shape and (samples == 0 or np.abs(again - wave).max() < 1e-5)
