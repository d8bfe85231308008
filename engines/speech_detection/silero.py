"""Speech detection with Silero VAD: its own ONNX file, run by onnxruntime; no torch.

The wheel carries a network that takes a whole sequence of frames in one call; its state is handed
from block to block, so hours need no more memory than half a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFile
from media.listen import Wave, mono_blocks, speech_level
from media.speech import Span
from studio.errors import MissingWeights
from studio.progress import Progress

RATE_HZ = 16_000
FRAME = 512  # samples judged at once, 32 ms
CONTEXT = 64  # samples before them that the network also sees
STATE = (1, 1, 128)
BLOCK_S = 20.0
QUIET_LEVEL, TARGET_LEVEL, MOST_GAIN = 0.02, 0.08, 300.0  # full scale is 1


@dataclass(frozen=True, slots=True)
class Rules:
    """How probabilities become stretches of speech."""

    on: float = 0.5  # probability at which speech begins
    off: float = 0.35  # probability below which it may end
    shortest_s: float = 0.25
    gap_s: float = 0.35  # shorter pauses belong to the speech
    pad_s: float = 0.08  # kept on both sides


class Silero:
    """Silero VAD.

    Args:
        on: probability at which speech begins.
        off: probability below which it may end.
        pad_s: how much is kept before and after.
    """

    def __init__(self, on: float = 0.5, off: float = 0.35, pad_s: float = 0.08) -> None:
        self._rules = Rules(on=on, off=off, pad_s=pad_s)

    def detect(self, audio: AudioFile, progress: Progress) -> tuple[Span, ...]:
        """Return the stretches of speech. See `engines.roles.SpeechDetector`."""
        whole_s = int(audio.duration_s)
        progress(0, whole_s)
        level = speech_level(audio)
        if level == 0.0:
            return ()
        gain = min(MOST_GAIN, TARGET_LEVEL / level) if level < QUIET_LEVEL else 1.0
        found: list[NDArray[np.float32]] = []
        frames = 0
        for part in _probabilities(mono_blocks(audio, RATE_HZ, BLOCK_S), gain):
            found.append(part)
            frames += part.size
            progress(min(whole_s, frames * FRAME // RATE_HZ), whole_s)
        if not found:
            return ()
        return spans(np.concatenate(found), audio.duration_s, self._rules)


def spans(probability: NDArray[np.float32], duration_s: float, rules: Rules) -> tuple[Span, ...]:
    """Turn the probability of speech, one per frame, into stretches inside 0..`duration_s`."""
    frame_s = FRAME / RATE_HZ
    found: list[Span] = []
    for start, end in _runs(probability, rules):
        span = Span(
            max(0.0, start * frame_s - rules.pad_s), min(duration_s, end * frame_s + rules.pad_s)
        )
        if found and span.start_s - found[-1].end_s < rules.gap_s:
            found[-1] = Span(found[-1].start_s, span.end_s)
        else:
            found.append(span)
    # A single frame with its padding is a click, not a word.
    least_s = rules.shortest_s + rules.pad_s
    whole = [each for each in found if each.duration_s >= min(least_s, duration_s)]
    return tuple(each for each in whole if each.duration_s >= rules.shortest_s)


def _runs(probability: NDArray[np.float32], rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield (first, after last) frame of each run: it begins at `on` and ends below `off`."""
    start: int | None = None
    for index, value in enumerate(probability.tolist()):
        if start is None and value >= rules.on:
            start = index
        elif start is not None and value < rules.off:
            yield start, index
            start = None
    if start is not None:
        yield start, probability.size


def _probabilities(waves: Iterator[Wave], gain: float) -> Iterator[NDArray[np.float32]]:
    """Yield the probability of speech of each 32 ms frame, block by block."""
    network = _network()
    h, c = np.zeros(STATE, np.float32), np.zeros(STATE, np.float32)
    rest = np.zeros(CONTEXT, np.float32)  # always begins with the context of its first frame
    for wave in waves:
        rest = np.concatenate([rest, np.clip(wave * gain, -1.0, 1.0, dtype=np.float32)])
        count = (rest.size - CONTEXT) // FRAME
        if count:
            part, h, c = network.run(None, {"input": _frames(rest, count), "h": h, "c": c})
            yield part
            rest = rest[count * FRAME :]
    if rest.size > CONTEXT:
        padded = np.concatenate([rest, np.zeros(CONTEXT + FRAME - rest.size, np.float32)])
        yield network.run(None, {"input": _frames(padded, 1), "h": h, "c": c})[0]


def _frames(wave: Wave, count: int) -> Wave:
    """Cut into frames with their context, (count, CONTEXT + FRAME)."""
    windows = np.lib.stride_tricks.sliding_window_view(wave, CONTEXT + FRAME)
    return np.ascontiguousarray(windows[: count * FRAME : FRAME])


@cache
def _network() -> Any:
    """Load the network on one thread: more threads wait for each other longer than they work."""
    import onnxruntime  # noqa: PLC0415 - takes a fifth of a second

    package = find_spec("silero_vad")  # found, not imported: the package itself imports torch
    places = package.submodule_search_locations if package else None
    path = Path(next(iter(places or ["."]))) / "data" / "silero_vad_16k_sequence.onnx"
    if not path.exists():
        raise MissingWeights(f"{path.name} is missing", remedy="pip install 'silero-vad>=6.2.3'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
