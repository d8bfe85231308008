"""AAC in pieces: nobody hears where they were joined, and not a sample is lost."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media.aac import encode_piece, join_pieces
from media.audio import Audio, Samples, open_audio, write_audio
from media.decode import decode_audio
from media.mux import MuxPlan, mux
from media.probe import choose_audio, probe
from media.score import FRAME, LEAD_FRAMES, TAIL_FRAMES, borders
from tests.media import shared

RATE = 48_000


def whole(sound: Samples, folder: Path) -> list[Path]:
    path = folder / "whole.aac"
    encode_piece(sound, RATE, path, lead=0, size=sound.shape[1], is_last=True)
    return [path]


def pieces(sound: Samples, edges: list[tuple[int, int]], folder: Path) -> list[Path]:
    paths, n = [], sound.shape[1]
    for number, (start, stop) in enumerate(edges):
        low, high = max(0, start - LEAD_FRAMES * FRAME), min(n, stop + TAIL_FRAMES * FRAME)
        paths.append(folder / f"{number}.aac")
        part = sound[:, low:high]
        encode_piece(part, RATE, paths[-1], lead=start - low, size=stop - start, is_last=stop == n)
    return paths


def heard(paths: list[Path], n: int, channels: int, folder: Path) -> Samples:
    out = folder / "joined.m4a"
    join_pieces(paths, out, sample_rate_hz=RATE, channels=channels, n_samples=n)
    info = probe(out)
    result = decode_audio(info, info.audios[0], folder / "joined.flac")
    assert result.start_s == 0 and result.warnings == ()
    return result.file.read().samples


def noise_db(sound: Samples, coded: Samples, at: int) -> float:
    """The coder's noise around a place, against the sound there."""
    near = slice(at - 4 * FRAME, at + 4 * FRAME)
    error = np.square(sound[:, near] - coded[:, near]).sum()
    return float(10 * np.log10(error / np.square(sound[:, near]).sum()))


def test_real_sound_in_pieces_is_coded_as_in_one(tmp_path: Path) -> None:
    music = open_audio(shared("music/made_stems/accompaniment.flac")).read().resampled(RATE)
    sound = np.tile(music.samples, (1, 2))[:, : 12 * RATE + 123]
    n = sound.shape[1]
    edges = borders(n, RATE)
    assert len(edges) == 3
    one = heard(whole(sound, tmp_path), n, len(sound), tmp_path)
    many = heard(pieces(sound, edges, tmp_path), n, len(sound), tmp_path)
    assert one.shape == many.shape == sound.shape
    for start, _ in edges[1:]:
        assert noise_db(sound, many, start) < noise_db(sound, one, start) + 3
        # Nor do the two differ by more than what coding costs.
        assert noise_db(one, many, start) < noise_db(sound, one, start) + 3
    inside = slice(FRAME * 20, FRAME * 60)
    assert np.array_equal(one[:, inside], many[:, inside])


@pytest.mark.parametrize("offset", range(-3 * FRAME, 3 * FRAME + 1, 384))
def test_a_blow_near_the_seam_does_not_tear_it(tmp_path: Path, offset: int) -> None:
    """Loud attacks switch the coder's window: both sides of a seam must have switched alike."""
    rng = np.random.default_rng(7)
    n, cut = 48 * FRAME + 300, 24 * FRAME
    sound = (rng.standard_normal((1, n)) * 0.003).astype(np.float32)
    blow = rng.standard_normal(900) * 0.3 * np.exp(-np.arange(900) / 200)
    sound[0, cut + offset : cut + offset + 900] += blow.astype(np.float32)
    one = heard(whole(sound, tmp_path), n, 1, tmp_path)
    two = heard(pieces(sound, [(0, cut), (cut, n)], tmp_path), n, 1, tmp_path)
    assert one.shape == two.shape == sound.shape
    assert noise_db(sound, two, cut) < noise_db(sound, one, cut) + 1


@pytest.mark.parametrize("n", [1, 500, 1024, 1025, 5 * FRAME])
def test_every_length_is_kept(tmp_path: Path, n: int) -> None:
    sound = np.full((2, n), 0.1, np.float32)
    assert heard(whole(sound, tmp_path), n, 2, tmp_path).shape == (2, n)


def test_same_sound_same_bytes(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).standard_normal((2, 9 * FRAME)).astype(np.float32) * 0.1
    first = whole(sound, tmp_path)[0].read_bytes()
    assert whole(sound, tmp_path)[0].read_bytes() == first


@pytest.mark.parametrize("silence", [0, 14_400, 700])
def test_a_film_gets_the_pieces_sample_for_sample(tmp_path: Path, silence: int) -> None:
    info = probe(shared("video/made_talk_4shots.mp4"))
    stream = choose_audio(info)
    assert stream is not None
    talk = decode_audio(info, stream, tmp_path / "talk.flac").file.read().resampled(RATE)
    dub = open_audio(write_audio(talk, tmp_path / "dub.flac"))
    sound = dub.read().samples
    late = np.pad(sound, ((0, 0), (silence, 0)))
    n = late.shape[1]
    edges = [(0, 240 * FRAME), (240 * FRAME, n)]
    coded = tmp_path / "coded.m4a"
    join_pieces(
        pieces(late, edges, tmp_path),
        coded,
        sample_rate_hz=RATE,
        channels=len(sound),
        n_samples=n,
    )
    plan = MuxPlan(source=info, dub=dub, dub_start_s=silence / RATE, coded=coded)
    mux(plan, tmp_path / "film.mp4")
    made = probe(tmp_path / "film.mp4")
    found = decode_audio(made, made.audios[0], tmp_path / "again.flac")
    assert found.start_s == pytest.approx(0, abs=1e-6)
    ours = found.file.read().samples
    assert ours.shape == late.shape
    one = heard(whole(late, tmp_path), n, len(sound), tmp_path)
    noise = [float(np.square(each - late).sum()) for each in (ours, one)]
    assert noise[0] < 1.1 * noise[1]
    assert 10 * np.log10(np.square(late).sum() / noise[0]) > (30 if silence else 35)
    mux(replace(plan, coded=None), tmp_path / "other.mp4")
    other = probe(tmp_path / "other.mp4")
    assert made.video is not None and other.video is not None
    assert made.video.duration_s == other.video.duration_s
    assert made.duration_s == pytest.approx(other.duration_s, abs=1e-4)


def test_borders_lie_where_packets_end() -> None:
    for offset in (0, 1, 1023, 14_400):
        edges = borders(60 * RATE, RATE, offset)
        assert edges[0][0] == 0 and edges[-1][1] == 60 * RATE
        assert all(a[1] == b[0] for a, b in pairwise(edges))
        assert all((stop + offset) % FRAME == 0 for _, stop in edges[:-1])


def test_a_stretch_of_silence_can_be_coded(tmp_path: Path) -> None:
    path = write_audio(Audio(np.zeros((1, RATE), np.float32), RATE), tmp_path / "z.flac")
    sound = open_audio(path).read().samples
    assert not heard(whole(sound, tmp_path), RATE, 1, tmp_path).any()
