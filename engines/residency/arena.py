"""The host's memory for weights: one mapping, registered once, given out first-fit.

Registering (pinning) memory costs about a second per GB, so it is done once for all, and never
again for single tensors. Where it cannot be had the arena is smaller or unpinned, and says why.
"""

import ctypes
import mmap
from bisect import insort
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from engines.residency.chunks import aligned

GIB = 1 << 30
SHARE = 0.6  # of the memory that this process may use
LEFT_BYTES = 6 * GIB  # for everything else
PREFAULT_THREADS = 4

Pin = Callable[[int, int], str]
"""Registers (address, bytes) with the device; returns why it could not, or ""."""


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """A stretch of the arena."""

    start: int
    nbytes: int


def memory_limit_bytes(root: Path = Path("/")) -> int:
    """Return what this process may use: the machine's memory or its control group's, the smaller.

    Args:
        root: where `proc` and `sys` are.
    """
    limits = [_total(root / "proc/meminfo")]
    fs = root / "sys/fs/cgroup"
    limits += [_number(fs / "memory/memory.limit_in_bytes")]  # version 1
    group = root / "proc/self/cgroup"
    lines = group.read_text().splitlines() if group.is_file() else []
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers in {"", "memory"}:
            base = fs if not controllers else fs / "memory"
            name = "memory.max" if not controllers else "memory.limit_in_bytes"
            inside = base / path.strip("/")
            limits += [
                _number(each / name)
                for each in (inside, *inside.parents)
                if base in {each, *each.parents}
            ]
    limits.append(_number(fs / "memory.max"))
    return min(each for each in limits if each)


def host_budget_bytes(configured_gb: float = 0.0, root: Path = Path("/")) -> int:
    """Return how much of the host's memory weights may take.

    Args:
        configured_gb: what the user allows; 0: what the machine has to spare.
        root: where `proc` and `sys` are.
    """
    limit = memory_limit_bytes(root)
    if configured_gb:
        return min(int(configured_gb * GIB), limit)
    return max(min(int(limit * SHARE), limit - LEFT_BYTES), limit // 4)


@dataclass(slots=True)
class Arena:
    """One anonymous mapping.

    Args:
        nbytes: its size; 0 is a size like any other: everything is refused.
        pin: registers it with the device.
    """

    nbytes: int
    pin: Pin | None = None
    pinned: bool = field(default=False, init=False)
    why: str = field(default="", init=False)  # it is smaller, or unpinned
    memory: mmap.mmap | None = field(default=None, init=False)
    _free: list[Run] = field(default_factory=list[Run], init=False)
    _taken: dict[int, Run] = field(default_factory=dict[int, Run], init=False)

    def __post_init__(self) -> None:
        self.nbytes = self.nbytes // mmap.PAGESIZE * mmap.PAGESIZE
        if self.nbytes <= 0:
            self.nbytes, self.why = 0, self.why or "no memory was set aside"
            return
        try:
            self.memory = mmap.mmap(-1, self.nbytes)
        except (OSError, ValueError, OverflowError) as error:
            self.why, self.nbytes = f"no mapping of {self.nbytes:,} bytes: {error}", 0
            return
        self._free = [Run(0, self.nbytes)]
        if self.pin is None:
            self.why = "this device needs no pinned memory"
            return
        self._prefault(self.memory)
        self.why = self.pin(self.address, self.nbytes)
        self.pinned = not self.why

    @property
    def address(self) -> int:
        """Where it begins."""
        if self.memory is None:
            return 0
        return ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    @property
    def free_runs(self) -> tuple[Run, ...]:
        """What is free, in order; neighbours are one."""
        return tuple(self._free)

    @property
    def used_bytes(self) -> int:
        """What is taken."""
        return sum(each.nbytes for each in self._taken.values())

    def take(self, nbytes: int) -> Run | None:
        """Return the first free stretch that is long enough, or None."""
        need = max(aligned(nbytes), aligned(1))
        for index, run in enumerate(self._free):
            if run.nbytes >= need:
                taken = Run(run.start, need)
                rest = Run(run.start + need, run.nbytes - need)
                self._free[index : index + 1] = [rest] if rest.nbytes else []
                self._taken[taken.start] = taken
                return taken
        return None

    def give(self, run: Run) -> None:
        """Take a stretch back.

        Raises:
            KeyError: if it is not taken.
        """
        del self._taken[run.start]
        insort(self._free, run)
        merged: list[Run] = []
        for each in self._free:
            last = merged[-1] if merged else None
            if last is not None and last.start + last.nbytes == each.start:
                merged[-1] = Run(last.start, last.nbytes + each.nbytes)
            else:
                merged.append(each)
        self._free = merged

    def _prefault(self, memory: mmap.mmap) -> None:
        part = -(-self.nbytes // PREFAULT_THREADS)
        address = self.address

        def touch(start: int) -> None:  # memset lets other threads run
            ctypes.memset(address + start, 0, max(0, min(part, len(memory) - start)))

        with ThreadPoolExecutor(PREFAULT_THREADS) as pool:
            list(pool.map(touch, range(0, self.nbytes, part)))


def _total(meminfo: Path) -> int:
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _number(path: Path) -> int:
    """Return the number in a file; 0 where there is none, or "max"."""
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
