import shutil
import subprocess
import tracemalloc
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import open_audio
from media.decode import DecodedAudio, decode_audio
from media.downmix import stereo_matrix, to_channels
from media.probe import choose_audio, probe
from media.tools import run_ffmpeg
from studio.errors import BadInput, Cancelled
from tests.media import shared

RATE_HZ = 48_000


def decoded(path: Path, out: Path, language: str = "") -> DecodedAudio:
    info = probe(path)
    stream = choose_audio(info, language)
    assert stream is not None
    return decode_audio(info, stream, out)


def tone(n_samples: int, hz: float = 440.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(n_samples) / rate_hz)).astype(np.float32)


def write_mkv(path: Path, pieces: list[tuple[float, np.ndarray]], rate_hz: int = RATE_HZ) -> None:
    """PCM in Matroska: each piece with the time stamp that is given, whatever comes before it."""
    with av.open(str(path), "w", format="matroska") as file:
        stream = file.add_stream("pcm_s16le", rate=rate_hz, layout="mono")
        for start_s, samples in pieces:
            for at in range(0, samples.size, 1000):
                block = np.round(samples[at : at + 1000] * 32767).astype("<i2")
                packet = av.Packet(block.tobytes())
                packet.stream = stream
                packet.time_base = Fraction(1, rate_hz)
                packet.pts = round(start_s * rate_hz) + at
                packet.dts = 0  # the muxer wants an order; Matroska stores only the other one
                packet.duration = block.size
                file.mux(packet)


@pytest.mark.parametrize(
    "name", ["audio_only.mp4", "alpha_vp9.webm", "interlaced_start10s.ts", "ulaw_8k.wav"]
)
def test_equals_what_ffmpeg_decodes(name: str, tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("no ffmpeg on PATH to compare with")
    path = shared(f"odd/{name}")
    ours = decoded(path, tmp_path / "out.flac").file
    command = [program, "-v", "error", "-i", str(path), "-map", "0:a:0", "-f", "f32le", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = np.frombuffer(raw, dtype="<f4").reshape(-1, ours.channels).T
    assert 0 <= theirs.shape[1] - ours.n_samples < 1024  # the coder's padding is left out
    kept = theirs[:, : ours.n_samples]
    assert np.abs(ours.read().samples - np.clip(kept, -1, 1)).max() < 1e-4


def test_gaps_become_silence_and_overlaps_are_cut(tmp_path: Path) -> None:
    sound = tone(RATE_HZ)
    write_mkv(tmp_path / "gap.mkv", [(0.0, sound), (1.5, sound), (2.3, sound)])
    result = decoded(tmp_path / "gap.mkv", tmp_path / "out.flac")
    samples = result.file.read().samples[0]
    assert samples.size == pytest.approx(3.3 * RATE_HZ, abs=48)  # Matroska counts in milliseconds
    assert np.abs(samples[RATE_HZ : round(1.5 * RATE_HZ)]).max() == 0
    later = samples[round(2.6 * RATE_HZ) :]
    assert np.abs(later - sound[-later.size :]).max() < 1e-3
    assert any("0.50 s" in warning for warning in result.warnings)


def test_trembling_time_stamps_change_nothing(tmp_path: Path) -> None:
    sound = tone(3 * RATE_HZ)
    third = RATE_HZ
    pieces = [(0.0, sound[:third]), (1.015, sound[third : 2 * third]), (1.99, sound[2 * third :])]
    write_mkv(tmp_path / "jitter.mkv", pieces)
    result = decoded(tmp_path / "jitter.mkv", tmp_path / "out.flac")
    assert result.file.n_samples == sound.size
    assert np.abs(result.file.read().samples[0] - sound).max() < 1e-3


def test_a_clock_that_jumps_back_loses_no_sound(tmp_path: Path) -> None:
    sound = tone(RATE_HZ)
    write_mkv(tmp_path / "jump.mkv", [(30.0, sound), (1.0, sound)])
    result = decoded(tmp_path / "jump.mkv", tmp_path / "out.flac")
    assert result.file.n_samples == 2 * RATE_HZ
    assert any("jumps 1 times" in warning for warning in result.warnings)


def test_odd_rates_become_48_khz_of_the_same_length(tmp_path: Path) -> None:
    sound = tone(2 * 37_800, rate_hz=37_800)
    write_mkv(tmp_path / "odd.mkv", [(0.0, sound)], rate_hz=37_800)
    result = decoded(tmp_path / "odd.mkv", tmp_path / "out.flac")
    assert (result.file.sample_rate_hz, result.file.n_samples) == (RATE_HZ, 2 * RATE_HZ)
    expected = tone(2 * RATE_HZ)
    middle = slice(RATE_HZ // 2, -RATE_HZ // 2)
    assert np.abs(result.file.read().samples[0] - expected)[middle].max() < 2e-3


def test_the_offset_of_the_sound_is_kept(tmp_path: Path) -> None:
    late = decoded(shared("odd/av_offset_+300ms.mp4"), tmp_path / "late.flac")
    plain = decoded(shared("odd/rotated_90.mp4"), tmp_path / "plain.flac")
    a, b = (each.file.read().mono().samples[0] for each in (late, plain))
    size = 1 << 18
    product = np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size))
    lag = int(np.argmax(np.fft.irfft(product)))
    lag -= size * (lag > size // 2)
    assert late.start_s + lag / late.file.sample_rate_hz == pytest.approx(0.3, abs=0.002)
    assert decoded(shared("odd/interlaced_start10s.ts"), tmp_path / "ts.flac").start_s == 0


def test_what_is_damaged_keeps_its_time(tmp_path: Path) -> None:
    damaged = decoded(shared("odd/bitflips.mp4"), tmp_path / "bad.flac")
    whole = decoded(shared("odd/rotated_90.mp4"), tmp_path / "good.flac")
    assert damaged.file.n_samples == whole.file.n_samples
    assert any("damaged pieces" in warning for warning in damaged.warnings)
    cut = decoded(shared("odd/truncated.flac"), tmp_path / "cut.flac")
    assert any("5.0 s" in warning and "2.3 s" in warning for warning in cut.warnings)


def test_surround_keeps_the_centre_in_both_sides(tmp_path: Path) -> None:
    result = decoded(shared("odd/audio_5_1.mp4"), tmp_path / "out.flac").file
    assert result.channels == 2
    matrix = stereo_matrix(["FL", "FR", "FC", "LFE", "BL", "BR"])
    assert matrix[0, 2] == matrix[1, 2] == pytest.approx(0.7071 * matrix[0, 0], rel=1e-3)
    assert matrix[:, 3].max() == 0
    assert matrix[1, 4] == matrix[0, 5] == 0


@settings(deadline=None)
@given(st.integers(1, 12), st.sampled_from([1, 2]))
def test_no_downmix_exceeds_full_scale(count: int, channels: int) -> None:
    loud = np.ones((count, 10), dtype=np.float32)
    mixed = to_channels(loud, ["NONE"] * count, channels)
    assert mixed.shape == (channels, 10)
    assert 0 < np.abs(mixed).max() <= 1 + 1e-6


def test_opposite_phase_is_not_added_up(tmp_path: Path) -> None:
    result = decoded(shared("odd/stereo_antiphase.wav"), tmp_path / "out.flac").file
    assert np.abs(result.read().mono().samples).max() > 0.1


def test_stop_leaves_no_open_file(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    info = probe(shared("video/film_tears_of_steel_battle.webm"))
    with pytest.raises(Cancelled):
        decode_audio(info, info.audios[0], tmp_path / "out.flac", check=stop)
    assert open_audio(tmp_path / "out.flac").duration_s < 5


def test_length_costs_no_memory(tmp_path: Path) -> None:
    write_mkv(tmp_path / "long.mkv", [(0.0, tone(600 * 8000, rate_hz=8000))], rate_hz=8000)
    tracemalloc.start()
    audio = decoded(tmp_path / "long.mkv", tmp_path / "out.flac").file
    for _ in audio.blocks(5.0):
        pass
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert audio.duration_s == 600
    assert peak_bytes < 6e6  # ten minutes are 19 MB in float32


@pytest.mark.parametrize(
    ("codec", "kind"), [("aac", "mp4"), ("flac", "flac"), ("pcm_s16le", "wav")]
)
def test_eight_channels(tmp_path: Path, codec: str, kind: str) -> None:
    path = tmp_path / "7.1"
    eight = "pan=7.1|" + "|".join(f"c{channel}=c0" for channel in range(8))
    tone_args = ["-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000", "-af", eight]
    run_ffmpeg([*tone_args, "-c:a", codec, "-f", kind, f"file:{path}"])
    audio = decoded(path, tmp_path / "out.flac").file
    assert (audio.channels, audio.n_samples) == (2, RATE_HZ)
    assert np.abs(audio.read().samples).max() > 0.05


def test_an_unknown_codec_is_said(tmp_path: Path) -> None:
    data = bytearray(shared("odd/ulaw_8k.wav").read_bytes())
    at = data.index(b"fmt ") + 8
    data[at : at + 2] = b"\xee\xee"
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(BadInput, match="neither picture nor sound"):
        probe(tmp_path / "a.wav")


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(
        ["rotated_90.mp4", "alpha_vp9.webm", "interlaced_start10s.ts", "audio_5_1.mp4"]
    ),
    st.lists(st.tuples(st.integers(0, 2999), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_damage_ends_in_sound_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(shared(f"odd/{name}").read_bytes())
    for place, byte in damage:
        data[place] = byte
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a").write_bytes(data)
    with suppress(BadInput):
        info = probe(folder / "a")
        for audio in info.audios:
            decode_audio(info, audio, folder / "out.flac")
