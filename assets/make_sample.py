"""Make assets/sample.mp4 and assets/sample.en.srt anew: `python -m assets.make_sample`.

Everything in it is the studio's own: drawing, music, text, and two of its voices. Same code and
same versions of flite, ffmpeg and Pillow, same film.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from assets.sample_music import RATE_HZ, compose
from assets.sample_scene import FPS, HEIGHT, WIDTH, Pose, Scene
from engines.speech.flite import Flite
from media.tools import find_ffmpeg

FOLDER = Path(__file__).parent
# Bear and fox: a Flite voice and what it says. Chosen with the embedded recogniser, which hears
# one of the 57 words wrong in the finished film.
LINES = (
    ("rms", "What are you doing here, my friend?"),
    ("slt", "I can hear the music from the village."),
    ("rms", "My grandfather had a small house on the moon."),
    ("slt", "Why did he come back?"),
    ("rms", "He wanted to come back to his family."),
    ("slt", "Nobody can live on the moon."),
    ("rms", "Tomorrow we can go to the village."),
    ("slt", "Good night, my friend. See you tomorrow."),
)
FIRST_S, GAP_S, LAST_S = 3.0, 0.55, 3.0
VOICE_RMS, MUSIC_RMS = 0.085, 0.018
BLINK_S = (1.1, 4.3, 7.2, 9.9, 13.1, 16.4, 19.2, 22.3, 25.6)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line in its place."""

    voice: str
    text: str
    start_s: float
    sound: NDArray[np.float64]  # (samples,) at 48 kHz

    @property
    def end_s(self) -> float:
        """When it is said."""
        return self.start_s + self.sound.size / RATE_HZ


def main() -> None:
    """Write the clip and its subtitles."""
    lines = _speak()
    duration_s = round((lines[-1].end_s + LAST_S) * FPS) / FPS
    sound = _mix(lines, duration_s)
    (FOLDER / "sample.en.srt").write_text(_srt(lines), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "sound.wav"
        soundfile.write(wave, sound.T, RATE_HZ, subtype="PCM_24")
        _film(lines, duration_s, wave, FOLDER / "sample.mp4")


def _speak() -> list[Spoken]:
    flite, lines, at_s = Flite(), list[Spoken](), FIRST_S
    for voice, text in LINES:
        take = flite.speak(text, voice, "en", 1.0, 0).audio.resampled(RATE_HZ)
        wave = take.samples[0].astype(np.float64)
        wave *= VOICE_RMS / np.sqrt(np.square(wave).mean())
        lines.append(Spoken(voice, text, at_s, wave))
        at_s = lines[-1].end_s + GAP_S
    return lines


def _mix(lines: Sequence[Spoken], duration_s: float) -> NDArray[np.float64]:
    """Put the dialogue in the centre over the music, (2, samples)."""
    music = compose(duration_s)
    out = music * (MUSIC_RMS / np.sqrt(np.square(music).mean()))
    for line in lines:
        start = round(line.start_s * RATE_HZ)
        out[:, start : start + line.sound.size] += line.sound
    return np.clip(out, -0.99, 0.99)


def _mouth(lines: Sequence[Spoken], voice: str, time_s: float) -> float:
    """Return how far a mouth is open: the level of its voice around `time_s`."""
    for line in lines:
        if line.voice == voice and line.start_s - 0.05 <= time_s <= line.end_s:
            middle = round((time_s + 0.02 - line.start_s) * RATE_HZ)
            around = line.sound[max(0, middle - 1200) : max(1, middle + 1200)]
            level = float(np.sqrt(np.square(around).mean())) / (1.9 * VOICE_RMS)
            return min(1.0, level) ** 0.8
    return 0.0


def _pose(lines: Sequence[Spoken], voice: str, frame: int, before: float) -> Pose:
    time_s = frame / FPS
    mouth = 0.55 * _mouth(lines, voice, time_s) + 0.45 * before
    late_s = 0.0 if voice == "rms" else 0.7
    shut = any(0 <= time_s - late_s - blink_s < 0.13 for blink_s in BLINK_S)
    sway = float(np.sin(2 * np.pi * (time_s + 2 * late_s) / 3.6))
    speaks = mouth > 0.05
    to_other = 1.0 if voice == "rms" else -1.0
    return Pose(
        mouth,
        5 * mouth + (1.5 * sway if speaks else 0.0),
        sway,
        shut,
        to_other if speaks else 0.4 * to_other,
    )


def _film(lines: Sequence[Spoken], duration_s: float, wave: Path, target: Path) -> None:
    command = [
        str(find_ffmpeg()), "-y", "-loglevel", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0",
        "-i", str(wave), "-map", "0:v", "-map", "1:a",
        "-c:v", "libx264", "-preset", "slow", "-crf", "23", "-pix_fmt", "yuv420p", "-threads", "1",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-vf", "scale=out_color_matrix=bt709:out_range=tv",
        "-c:a", "aac", "-b:a", "160k", "-map_metadata", "-1", "-fflags", "+bitexact",
        "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-metadata:s:a:0", "language=eng",
        "-movflags", "+faststart", str(target),
    ]  # fmt: skip
    scene = Scene(duration_s)
    bear = fox = Pose(0.0, 0.0, 0.0, False, 0.0)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        if ffmpeg.stdin is None:
            raise OSError("ffmpeg has no input")
        for frame in range(round(duration_s * FPS)):
            bear = _pose(lines, "rms", frame, bear.mouth)
            fox = _pose(lines, "slt", frame, fox.mouth)
            ffmpeg.stdin.write(scene.frame(frame / FPS, bear, fox).tobytes())
        ffmpeg.stdin.close()
    if ffmpeg.returncode:
        raise OSError(f"ffmpeg stopped with code {ffmpeg.returncode}")


def _srt(lines: Sequence[Spoken]) -> str:
    cues = [
        f"{n}\n{_clock(line.start_s)} --> {_clock(line.end_s)}\n{line.text}\n"
        for n, line in enumerate(lines, 1)
    ]
    return "\n".join(cues)


def _clock(time_s: float) -> str:
    ms = round(time_s * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


if __name__ == "__main__":
    main()
