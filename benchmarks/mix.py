"""The mix against what ffmpeg offers: ducking, stretching; and its speed and memory on three hours.

Run from the repository root: `python -m benchmarks.mix [folder with the test media]`.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from media.audio import Audio, open_audio, write_audio
from media.duck import RELEASE_S
from media.levels import PlacedLine
from media.loudness import db_to_gain, loudness_lufs
from media.mix import mix
from media.score import MixPlan
from media.speech import Span
from media.stretch import stretch
from media.tools import find_ffmpeg
from tests.media import SHARED

RATE = 16_000
SPEECHES = ("en_LJ001-0001.flac", "en_libri_1089-134686-0000.flac", "de_rhasspy-0007.flac")
BED_S, VOICE_START_S, VOICE_S = 20.0, 2.0, 7.0


def main() -> None:
    """Print the tables as Markdown."""
    media = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    with tempfile.TemporaryDirectory() as folder:
        duck_table(media, Path(folder))
        stretch_table(media, Path(folder))
        long_table(Path(folder))


def duck_table(media: Path, folder: Path) -> None:
    """Compare how deep and how long the bed is ducked, by level of the voice."""
    print("\n| voice, LUFS | ours: depth, dB | sidechaincompress: depth, dB | ours: length, s "
          "| sidechaincompress: length, s |\n|---|---|---|---|---|")  # fmt: skip
    music = open_audio(media / "music/made_stems/accompaniment.flac").read().mono().resampled(RATE)
    repeats = int(np.ceil(BED_S * RATE / music.samples.shape[1]))
    bed = np.tile(music.samples, (1, repeats))[:, : round(BED_S * RATE)]
    bed = bed * np.float32(db_to_gain(-34 - loudness_lufs(Audio(bed, RATE))))
    bed_file = open_audio(write_audio(Audio(bed, RATE), folder / "bed.flac"))
    speech = open_audio(media / "speech/en_LJ001-0001.flac").read().resampled(RATE)
    speech = speech.cut(0, VOICE_S)
    for level in (-16.0, -20.0, -24.0, -28.0, -32.0):
        gain = np.float32(db_to_gain(level - loudness_lufs(speech)))
        voice = open_audio(write_audio(Audio(speech.samples * gain, RATE), folder / "voice.flac"))
        line = PlacedLine(VOICE_START_S, voice, Span(VOICE_START_S, 9.0), target_lufs=level)
        report = mix(MixPlan(bed_file, (line,), bed=bed_file), folder / "out.flac")
        theirs = sidechained(bed_file.path, voice.path, folder / "theirs.wav")
        inside = slice(round(2.5 * RATE), round(8.5 * RATE))
        depth = 10 * np.log10(np.square(bed[0, inside]).mean() / np.square(theirs[inside]).mean())
        ours_s = open_audio(folder / "out.flac").duration_s
        print(f"| {level:.0f} | {report.lines[0].duck_db:.1f} | {depth:.1f} | {ours_s:.2f} "
              f"| {len(theirs) / RATE:.2f} |")  # fmt: skip


def sidechained(bed: Path, voice: Path, out: Path) -> np.ndarray:
    """Duck as the field does: `sidechaincompress=threshold=-30dB:ratio=8`."""
    delay = round(VOICE_START_S * 1000)
    graph = f"[1]adelay={delay}[k];[0][k]sidechaincompress=threshold=-30dB:ratio=8:attack=20:release={RELEASE_S * 1000:.0f}"
    ffmpeg("-i", bed, "-i", voice, "-filter_complex", graph, "-ac", "1", out)
    return soundfile.read(out)[0]


def stretch_table(media: Path, folder: Path) -> None:
    """Compare length, spectrum and time of three ways to change the speed of speech."""
    print("\n| way | speed | length error, samples (largest) | spectral distance, dB | s per line |"
          "\n|---|---|---|---|---|")  # fmt: skip
    lines = [open_audio(media / "speech" / name).read() for name in SPEECHES]
    for speed in (0.92, 1.06, 1.15, 1.3):
        for way in ("ours", "rubberband", "atempo"):
            errors, distances = [], []
            started = time.perf_counter()
            made = [stretched(line, speed, way, folder) for line in lines]
            spent_s = (time.perf_counter() - started) / len(lines)
            for line, new in zip(lines, made, strict=True):
                errors.append(abs(len(new) - round(line.samples.shape[1] / speed)))
                distances.append(distance_db(line.samples[0], new, line.sample_rate_hz))
            print(f"| {way} | {speed} | {max(errors)} | {np.mean(distances):.2f} | {spent_s:.2f} |")


def stretched(line: Audio, speed: float, way: str, folder: Path) -> np.ndarray:
    """Return the line at another speed, (samples,)."""
    if way == "ours":
        return stretch(line, round(line.samples.shape[1] / speed)).samples[0]
    source = write_audio(line, folder / "line.flac")
    ffmpeg("-i", source, "-af", f"{way}=tempo={speed}", folder / "line.wav")
    return soundfile.read(folder / "line.wav", dtype="float32")[0]


def distance_db(before: np.ndarray, after: np.ndarray, rate: int) -> float:
    """Return the RMS difference of the mel spectra, frame by frame at the same place of the text."""
    import librosa  # noqa: PLC0415

    a, b = (
        librosa.power_to_db(
            librosa.feature.melspectrogram(
                y=x, sr=rate, n_mels=64, n_fft=1024, hop_length=rate // 200
            ),
            top_db=60,
        )
        for x in (before, after)
    )
    at = np.clip(np.round(np.arange(b.shape[1]) * a.shape[1] / b.shape[1]), 0, a.shape[1] - 1)
    return float(np.sqrt(np.square(a[:, at.astype(int)] - b).mean()))


def long_table(folder: Path) -> None:
    """Mix tracks of 10 minutes and of 3 hours, each in a process of its own."""
    print("\n| track (16 kHz, mono, half of it dubbed) | CPU, s | real-time factor | peak memory, MB "
          "| exact outside |\n|---|---|---|---|---|")  # fmt: skip
    for hours in (1 / 6, 3.0):
        command = [sys.executable, "-m", "benchmarks.mix", "--long", str(hours), str(folder)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def mix_long(hours: float, folder: Path) -> None:
    """Mix a synthetic track: three seconds of voice every six."""
    rng = np.random.default_rng(1)
    n = round(hours * 3600 * RATE)
    minute = (rng.standard_normal(60 * RATE) * 0.02).astype(np.float32)
    voice = (rng.standard_normal(60 * RATE) * 0.05).astype(np.float32)
    voice[np.arange(len(voice)) % (6 * RATE) > 3 * RATE] = 0
    for name, sound in {"o": minute + voice, "b": minute, "v": voice}.items():
        with soundfile.SoundFile(folder / f"{name}.wav", "w", RATE, 1, "PCM_16") as file:
            for _ in range(n // len(minute)):
                file.write(sound)
    write_audio(Audio(voice[None, : 3 * RATE], RATE), folder / "line.flac")
    original, bed, vocals = (open_audio(folder / f"{name}.wav") for name in "obv")
    line = open_audio(folder / "line.flac")
    lines = tuple(
        PlacedLine(float(at) + 0.2, line, Span(at, at + 3.0), "S1")
        for at in range(0, round(hours * 3600) - 6, 6)
    )
    started_s = time.process_time()
    report = mix(MixPlan(original, lines, bed=bed, vocals=vocals), folder / "out.flac")
    cpu_s = time.process_time() - started_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {hours * 60:.0f} min, {len(lines)} lines | {cpu_s:.1f} | {cpu_s / (hours * 3600):.4f} "
          f"| {peak_mb:.0f} | {'yes' if report.is_exact_outside else 'NO'} |")  # fmt: skip


def ffmpeg(*args: object) -> None:
    """Run ffmpeg on files of our own."""
    command = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", *map(str, args)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--long"]:
        mix_long(float(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
