"""A sound file read forwards in overlapping stretches, as exact 24-bit levels."""

import numpy as np
import soundfile
from numpy.typing import NDArray

from media.audio import FULL_SCALE, AudioFile, Samples, to_levels

Levels = NDArray[np.int32]


class Tape:
    """Reads any stretch; what overlaps the one before is not decoded again. Beyond the ends: silence."""

    def __init__(self, audio: AudioFile) -> None:
        self._file = soundfile.SoundFile(audio.path)
        self._is_float = self._file.subtype in {"FLOAT", "DOUBLE"}
        self._n = audio.n_samples
        self._held = np.zeros((audio.channels, 0), np.int32)
        self._start = 0  # first sample held

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def levels(self, start: int, stop: int) -> Levels:
        """Return 24-bit levels from sample `start` up to `stop`, (channels, stop - start)."""
        low, high = min(max(0, start), self._n), min(max(0, stop), self._n)
        held_until = self._start + self._held.shape[1]
        if low < self._start or low > held_until:
            self._held, self._start, held_until = self._held[:, :0], low, low
        if high > held_until:
            more = self._decode(held_until, high)
            self._held = np.concatenate([self._held[:, low - self._start :], more], axis=1)
            self._start = low
        part = self._held[:, low - self._start : high - self._start]
        return np.pad(part, ((0, 0), (low - start, stop - start - (low - start) - part.shape[1])))

    def samples(self, start: int, stop: int) -> Samples:
        """Return the same as float32."""
        return to_samples(self.levels(start, stop))

    def _decode(self, start: int, stop: int) -> Levels:
        if self._file.tell() != start:
            self._file.seek(start)
        if self._is_float:
            frames = self._file.read(stop - start, dtype="float32", always_2d=True)
            return to_levels(np.ascontiguousarray(frames.T, np.float32))
        frames = self._file.read(stop - start, dtype="int32", always_2d=True)
        return np.ascontiguousarray(frames.T, np.int32) >> 8


def to_samples(levels: Levels) -> Samples:
    """Return 24-bit levels as float32, exactly."""
    return levels.astype(np.float32) / np.float32(FULL_SCALE)
