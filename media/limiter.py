"""A look-ahead limiter for true peaks, computed for any stretch of sound by itself."""

import numpy as np

from media.audio import Samples
from media.loudness import PEAK_REACH, db_to_gain, peaks

CEILING_DBTP = -1.0
HEADROOM_DB = 0.05  # a moving gain shifts what lies between the samples a little
REACH_S = 0.02


class Limiter:
    """Keeps peaks under the ceiling with a gain that moves over 20 ms to either side of them."""

    def __init__(self, sample_rate_hz: int, ceiling_dbtp: float = CEILING_DBTP) -> None:
        self._reach = max(1, round(REACH_S * sample_rate_hz))
        self._ceiling = db_to_gain(ceiling_dbtp - HEADROOM_DB)
        window = np.hanning(2 * self._reach + 3)[1:-1]
        self._window = (window / window.sum()).astype(np.float32)

    @property
    def margin(self) -> int:
        """How many samples it must see before and after those whose gain is asked."""
        return 2 * self._reach + 16

    def gains(self, samples: Samples) -> Samples | None:
        """Return the gain of every sample but `margin` ones at either end; None: all are 1.

        Args:
            samples: (channels, samples), with `margin` extra samples before and after.
        """
        if float(np.abs(samples).max(initial=0.0)) * PEAK_REACH <= self._ceiling:
            return None
        highest = peaks(samples)
        if float(highest.max(initial=0.0)) <= self._ceiling:
            return None
        from scipy import ndimage, signal  # noqa: PLC0415 - slow to import

        # A peak between two samples must lower both, so the later one of each pair sees it too.
        highest[1:] = np.maximum(highest[1:], highest[:-1].copy())
        allowed = np.minimum(1.0, self._ceiling / np.maximum(highest, 1e-9))
        lowest = np.empty_like(allowed)
        ndimage.minimum_filter1d(allowed, 2 * self._reach + 1, output=lowest)
        smooth = np.asarray(signal.oaconvolve(1.0 - lowest, self._window, "same"))
        gains = 1.0 - np.maximum(smooth, 0.0)
        inner = gains[self.margin : len(gains) - self.margin]
        return np.minimum(inner, 1.0).astype(np.float32, copy=False)
