"""A sound file as an engine hears it: one channel, at the engine's rate, block by block."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from media.audio import Audio, AudioFile, AudioWriter, open_audio

Wave = NDArray[np.float32]
"""(samples,) float32, one channel."""
BLOCK_S = 20.0
CLEAR = 25.0  # the voice has so much more energy (14 dB) than what lies under it: nothing disturbs
BACKGROUND_LEFT = 0.3  # of its amplitude


def mono_blocks(file: AudioFile, rate_hz: int, block_s: float) -> Iterator[Wave]:
    """Yield the whole file as one channel at `rate_hz`, seamless from block to block.

    Args:
        file: any rate, any number of channels.
        rate_hz: of what is yielded.
        block_s: how much is read at once; what is yielded may be a little more or less.
    """
    if file.sample_rate_hz == rate_hz:
        for block in file.blocks(block_s):
            yield block.mono().samples[0]
        return
    stream = soxr.ResampleStream(file.sample_rate_hz, rate_hz, 1, dtype="float32", quality="HQ")
    for block in file.blocks(block_s):
        yield stream.resample_chunk(block.mono().samples[0])
    rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    if rest.size:
        yield rest


def mono_cut(file: AudioFile, rate_hz: int, start_s: float, end_s: float) -> Wave:
    """Return one stretch of the file as one channel at `rate_hz`."""
    part = file.cut(start_s, end_s).mono()
    if part.sample_rate_hz == rate_hz or part.samples.shape[1] == 0:
        return part.samples[0]
    return soxr.resample(part.samples[0], part.sample_rate_hz, rate_hz, quality="HQ")


def speech_level(file: AudioFile, block_s: float = 30.0, loud_share: float = 0.9) -> float:
    """Return how loud the loud moments of a file are: a high quantile of the level of 32 ms frames.

    Frames of digital silence do not count; 0 if there are no others.

    Args:
        file: any rate, any number of channels; read once, in blocks.
        block_s: how much is read at once.
        loud_share: the quantile, 0..1.
    """
    width = max(1, round(0.032 * file.sample_rate_hz))
    levels: list[Wave] = []
    for block in file.blocks(block_s):
        wave = block.mono().samples[0]
        frames = wave[: wave.size // width * width].reshape(-1, width)
        levels.append(np.sqrt(np.mean(np.square(frames), axis=1)))
    heard = np.concatenate(levels) if levels else np.zeros(0, np.float32)
    heard = heard[heard > 1e-6]
    return float(np.quantile(heard, loud_share)) if heard.size else 0.0


def put_together(
    voice: AudioFile, bed: AudioFile, path: Path, check: Callable[[], None]
) -> AudioFile:
    """Write what a recogniser understands best of two stems, as FLAC.

    Recognisers stumble over the holes that separation leaves. So a voice that was clear already is
    heard with all its background, another with a little of it (measured: benchmarks/RESULTS.md).

    Args:
        voice: one stem.
        bed: the other, of the same rate, channels and length.
        path: where to write.
        check: called for every 20 s; may raise `Cancelled`.
    """
    spoken = under = 0.0
    for one, other in zip(voice.blocks(BLOCK_S), bed.blocks(BLOCK_S), strict=True):
        check()
        sounds = one.samples.any(axis=0)
        spoken += float(np.square(one.samples).sum(dtype=np.float64))
        under += float(np.square(other.samples[:, sounds]).sum(dtype=np.float64))
    left = 1.0 if spoken > CLEAR * under else BACKGROUND_LEFT
    with AudioWriter(path, voice.sample_rate_hz, voice.channels) as writer:
        for one, other in zip(voice.blocks(BLOCK_S), bed.blocks(BLOCK_S), strict=True):
            check()
            both = (one.samples + left * other.samples).astype(np.float32)
            writer.write(Audio(both, voice.sample_rate_hz))
    return open_audio(path)
