"""Spoken lines laid on silence: one track a speaker, for people who mix elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from media.audio import Audio, AudioFile, AudioWriter
from media.tools import Check, unchecked

BLOCK_S = 30.0


def lay_on_silence(
    lines: Sequence[tuple[float, AudioFile]],
    like: AudioFile,
    out: Path,
    *,
    check: Check = unchecked,
) -> None:
    """Write a mono FLAC as long as `like`, at its rate, with each line at its time.

    Args:
        lines: (start_s, mono sound).
        like: gives rate and length.
        out: file to write.
        check: called for every block; may raise `Cancelled`.
    """
    rate, size = like.sample_rate_hz, round(BLOCK_S * like.sample_rate_hz)
    waiting = sorted(lines, key=lambda line: line[0])
    playing: list[tuple[int, np.ndarray]] = []
    with AudioWriter(out, rate, 1) as writer:
        for begin in range(0, like.n_samples, size):
            check()
            end = min(begin + size, like.n_samples)
            while waiting and round(waiting[0][0] * rate) < end:
                start_s, file = waiting.pop(0)
                playing.append((round(start_s * rate), file.read().resampled(rate).samples[0]))
            block = np.zeros((1, end - begin), np.float32)
            for start, samples in playing:
                low, high = max(start, begin), min(start + samples.size, end)
                if low < high:
                    block[0, low - begin : high - begin] += samples[low - start : high - start]
            playing = [each for each in playing if each[0] + each[1].size > end]
            writer.write(Audio(block, rate))
