"""Promises in seconds of the clock, on a machine that may be busy with other things at any moment."""

from collections.abc import Callable

import pytest


def keeps(promised_s: float, once: Callable[[], float], tries: int = 4) -> None:
    """Do it again until it keeps the promise; fail if it never does.

    Args:
        promised_s: how long it takes at most.
        once: does it, afresh, and returns the seconds that it took.
        tries: how often, at most.
    """
    took_s: list[float] = []
    while len(took_s) < tries:
        took_s.append(once())
        if took_s[-1] < promised_s:
            return
    pytest.fail(f"it took {took_s} s instead of {promised_s}")
