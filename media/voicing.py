"""Is this speech? Silero's network asked frame by frame, run by onnxruntime; no torch.

The wheel of silero-vad carries a form of it that takes a whole sequence of frames in one call; its
state is handed from block to block, so hours need no more memory than twenty seconds.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFile
from media.listen import Wave, mono_blocks, speech_level
from studio.errors import MissingWeights

RATE_HZ = 16_000
FRAME = 512  # samples judged at once
FRAME_S = FRAME / RATE_HZ  # 32 ms
CONTEXT = 64  # samples before them that the network also sees
STATE = (1, 1, 128)
BLOCK_S = 20.0
QUIET_LEVEL, TARGET_LEVEL, MOST_GAIN = 0.02, 0.08, 300.0  # full scale is 1
Probabilities: TypeAlias = NDArray[np.float32]
"""(frames,), one every 32 ms, 0..1."""


def speech_probabilities(audio: AudioFile, on_seconds: Callable[[float], None]) -> Probabilities:
    """Return how probably each frame is speech; a very quiet recording is raised first.

    Args:
        audio: any rate and number of channels.
        on_seconds: told how many seconds are done, at least once for 20 s of sound.

    Raises:
        MissingWeights: if the wheel of silero-vad is not installed.
    """
    level = speech_level(audio)
    if level == 0.0:
        return np.zeros(int(audio.duration_s / FRAME_S), np.float32)
    gain = min(MOST_GAIN, TARGET_LEVEL / level) if level < QUIET_LEVEL else 1.0
    found: list[Probabilities] = []
    frames = 0
    for part in _judged(mono_blocks(audio, RATE_HZ, BLOCK_S), gain):
        found.append(part)
        frames += part.size
        on_seconds(min(audio.duration_s, frames * FRAME_S))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _judged(waves: Iterator[Wave], gain: float) -> Iterator[Probabilities]:
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
    onnxruntime: Any = import_module("onnxruntime")  # takes a fifth of a second, has no types
    package = find_spec("silero_vad")  # found, not imported: the package itself imports torch
    places = package.submodule_search_locations if package else None
    path = Path(next(iter(places or ["."]))) / "data" / "silero_vad_16k_sequence.onnx"
    if not path.exists():
        raise MissingWeights(f"{path.name} is missing", remedy="pip install 'silero-vad>=6.2.3'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
