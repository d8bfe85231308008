"""How many threads suit this machine."""

import os
from contextlib import suppress
from pathlib import Path

MOST = 8  # more make small models slower, and far slower where the processors are shared
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_here(quota: Path = QUOTA) -> int:
    """Return how many threads numeric libraries shall take: what this process is granted, at most `MOST`.

    Args:
        quota: where a container's share of the processors is written (cgroup v2).
    """
    can_ask = hasattr(os, "sched_getaffinity")  # Linux alone
    cores = len(os.sched_getaffinity(0)) if can_ask else os.cpu_count() or 2
    with suppress(OSError, ValueError):  # no container, or one of another kind, or without a limit
        granted, period = map(int, quota.read_text(encoding="ascii").split())
        cores = min(cores, granted // period)
    return max(1, min(cores, MOST))
