"""From surround to stereo: every channel keeps its side, the centre goes into both.

Source: ITU-R BS.775-3, annex 4 (3/2 to 2/0). The low-frequency channel is left out, as there. All is
scaled by one factor so that no input can exceed full scale.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media.audio import Samples

HALF_POWER = 0.5**0.5
FULL = frozenset({"FL", "FR", "DL", "DR"})
LEFT_OUT = frozenset({"LFE", "LFE2"})
BY_COUNT: dict[int, tuple[str, ...]] = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
"""What channels without names are taken for (the order of WAVE_FORMAT_EXTENSIBLE)."""


def to_channels(samples: Samples, names: Sequence[str], channels: int) -> Samples:
    """Return `samples` with one or two channels.

    Args:
        samples: (channels, samples).
        names: libav's name of each channel, "FL", "FC" …
        channels: 1 or 2.
    """
    count = samples.shape[0]
    if count == channels:
        return samples
    if count > 2:
        samples = stereo_matrix(names) @ samples
    if channels == 1:
        return samples.mean(axis=0, keepdims=True, dtype=np.float32)
    return samples if samples.shape[0] == 2 else np.repeat(samples, 2, axis=0)


def stereo_matrix(names: Sequence[str]) -> NDArray[np.float32]:
    """Return the weights (2, channels) of each channel in left and right."""
    if any(_side(name) is None for name in names):
        names = BY_COUNT.get(len(names), ("FC",) * len(names))
    matrix = np.zeros((2, len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        matrix[:, column] = _side(name) or (0.0, 0.0)
    return matrix / max(1.0, float(matrix.sum(axis=1).max()))


def _side(name: str) -> tuple[float, float] | None:
    """Return the weight in left and right; None for a name that says no side."""
    if name in LEFT_OUT:
        return 0.0, 0.0
    weight = 1.0 if name in FULL else HALF_POWER
    if name == "BC":
        return 0.5, 0.5  # half power into each surround, which go in with half power
    match name[-1:]:
        case "L":
            return weight, 0.0
        case "R":
            return 0.0, weight
        case "C":
            return (0.0, 0.0) if name.startswith(("LF", "NONE")) else (weight, weight)
        case _:
            return None
