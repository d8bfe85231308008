"""A waveform and its clock; and sound files on disk, read in blocks so that hours fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from studio.errors import BadInput

Samples: TypeAlias = NDArray[np.float32]
"""(channels, samples) float32, nominal range -1..1."""


FULL_SCALE = 1 << 23  # levels of 24-bit sound


@dataclass(frozen=True, slots=True)
class Audio:
    """A waveform and its clock."""

    samples: Samples
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[-1] / self.sample_rate_hz

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[0]

    def mono(self) -> "Audio":
        """Return one channel, (1, samples); in opposite phase the louder channel stands for both."""
        if self.channels == 1 or not self.samples.size:
            return Audio(self.samples[:1], self.sample_rate_hz)
        mean = self.samples.mean(axis=0, keepdims=True)
        power = np.square(self.samples).mean(axis=1)
        if float(np.square(mean).mean()) < 0.05 * float(power.max(initial=0.0)):
            loudest = int(power.argmax())
            mean = self.samples[loudest : loudest + 1]
        return Audio(mean.astype(np.float32, copy=False), self.sample_rate_hz)

    def resampled(self, sample_rate_hz: int) -> "Audio":
        """Return the same sound at another rate (soxr, very high quality)."""
        if sample_rate_hz == self.sample_rate_hz:
            return self
        frames = soxr.resample(self.samples.T, self.sample_rate_hz, sample_rate_hz, quality="VHQ")
        return Audio(np.ascontiguousarray(frames.T, dtype=np.float32), sample_rate_hz)

    def cut(self, start_s: float, end_s: float) -> "Audio":
        """Return the part from `start_s` up to `end_s`, (channels, samples) as before."""
        start, end = (round(max(0.0, t) * self.sample_rate_hz) for t in (start_s, end_s))
        return Audio(self.samples[:, start:end], self.sample_rate_hz)


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A sound file in the store (FLAC or WAV), with random access; nothing is held in memory."""

    path: Path
    sample_rate_hz: int
    channels: int
    n_samples: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate_hz

    def read(self, start: int = 0, stop: int | None = None) -> Audio:
        """Decode the samples from `start` up to `stop`, (channels, samples)."""
        stop = self.n_samples if stop is None else min(stop, self.n_samples)
        frames = soundfile.read(
            self.path, start=start, stop=max(start, stop), dtype="float32", always_2d=True
        )[0]
        return Audio(np.ascontiguousarray(frames.T, dtype=np.float32), self.sample_rate_hz)

    def cut(self, start_s: float, end_s: float) -> Audio:
        """Decode the part from `start_s` up to `end_s`."""
        start, stop = (round(max(0.0, t) * self.sample_rate_hz) for t in (start_s, end_s))
        return self.read(start, stop)

    def blocks(self, block_s: float) -> Iterator[Audio]:
        """Decode from start to end in blocks of `block_s` (the last may be shorter)."""
        size = max(1, round(block_s * self.sample_rate_hz))
        for start in range(0, self.n_samples, size):
            yield self.read(start, start + size)


def open_audio(path: Path) -> AudioFile:
    """Open a FLAC or WAV file of the store.

    Raises:
        BadInput: if it cannot be read.
    """
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise BadInput(
            f"{path.name} is not a sound file that can be read ({error})",
            remedy="Choose another file.",
        ) from error
    return AudioFile(path, info.samplerate, info.channels, info.frames)


def to_levels(samples: Samples) -> NDArray[np.int32]:
    """Round to 24-bit levels, the inverse of reading them; libsndfile's own rounding is not."""
    levels = np.rint(samples * np.float32(FULL_SCALE))
    return np.clip(levels, -FULL_SCALE, FULL_SCALE - 1).astype(np.int32)


class AudioWriter:
    """Writes FLAC, 24 bit, block by block; a context manager. Beyond full scale is clipped."""

    def __init__(self, path: Path, sample_rate_hz: int, channels: int) -> None:
        self._file = soundfile.SoundFile(
            path, "w", sample_rate_hz, channels, subtype="PCM_24", format="FLAC"
        )

    def __enter__(self) -> "AudioWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, audio: Audio) -> None:
        """Append a block, (channels, samples); what was read from a 24-bit file stays bit for bit."""
        self.write_levels(to_levels(audio.samples))

    def write_levels(self, levels: NDArray[np.int32]) -> None:
        """Append a block of 24-bit levels, (channels, samples), -2^23..2^23 - 1."""
        self._file.write(np.ascontiguousarray((levels << 8).T))


def write_audio(audio: Audio, path: Path) -> Path:
    """Write `audio` as FLAC, 24 bit."""
    with AudioWriter(path, audio.sample_rate_hz, audio.channels) as writer:
        writer.write(audio)
    return path
