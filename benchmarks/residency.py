"""Who waits for weights how long: 58 stages of a production under the field's rules and ours.

Everything is computed on a virtual clock (`engines.residency.replay`), nothing is loaded. The sizes,
speeds and times are a published study's: fp8 networks, 18 GB for weights on the device, 40 GB of
host memory, 2.5 GB/s from the disk, 24 GB/s pinned and 8 GB/s pageable.

    python -m benchmarks.residency [--json]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from engines.residency.chunks import Model, even
from engines.residency.order import Piece, batched
from engines.residency.plan import Plan, Stage
from engines.residency.replay import Machine, replayed

GB = 1_000_000_000
PAGEABLE = 8 * GB
PINNED = 24 * GB
MACHINE = Machine(18 * GB, 40 * GB, 2.5 * GB, PINNED)
SLOW = Machine(18 * GB, 40 * GB, 0.5 * GB, PINNED)
TALKING, BROLL = 4, 6
PASSES = 4  # denoising and the like use each block so often, at least
SIZES = {  # GB, blocks
    "voice": (2.0, 4),
    "head": (3.0, 6),
    "t5": (4.9, 12),
    "flux": (11.9, 57),
    "umt5": (6.7, 24),
    "wan-high": (14.3, 40),
    "wan-low": (14.3, 40),
    "wan-vae": (0.3, 1),
    "flux-vae": (0.2, 1),
    "music": (3.0, 12),
    "listener": (1.6, 6),
}
TALK = (("voice", 4.0), ("head", 20.0))
SHOT = (
    ("voice", 4.0),
    ("t5", 0.4),
    ("flux", 10.0),
    ("flux-vae", 0.4),
    ("umt5", 0.6),
    ("wan-high", 20.0),
    ("wan-low", 20.0),
    ("wan-vae", 5.0),
)
END = (("listener", 4.0), ("music", 15.0))


@dataclass(frozen=True, slots=True)
class Row:
    """What one rule costs in one order."""

    rule: str
    order: str
    disk_gb_per_s: float
    stall_s: float
    read_gb: float
    copied_gb: float
    back_gb: float  # from the device to the host


def models() -> list[Model]:
    """Return the networks of the production."""
    return [even(key, int(size * GB), blocks) for key, (size, blocks) in SIZES.items()]


def stage(key: str, compute_s: float) -> Stage:
    """Return a stage with one network."""
    return Stage(key, (key,), compute_s, 0, PASSES if compute_s >= PASSES else 1)


def interleaved() -> list[Piece]:
    """Return the production scene by scene."""
    pieces: list[Piece] = []
    for number in range(max(TALKING, BROLL)):
        for kind, count, stages in ((0, TALKING, TALK), (1, BROLL, SHOT)):
            if number < count:
                pieces += [
                    Piece("film", 2 * number + kind, rank(key), stage(key, seconds))
                    for key, seconds in stages
                ]
    return pieces + [Piece("film", 99, 100 + n, stage(*each)) for n, each in enumerate(END)]


def rank(key: str) -> int:
    """Return a stage's place in the workflow."""
    return list(SIZES).index(key) if key != "head" else 50


class Simple:
    """A manager of whole networks, on two tiers, that knows nothing of the future."""

    def __init__(self, rule: str, machine: Machine) -> None:
        self.rule, self.machine = rule, machine
        self.pinned = rule.endswith("pinned")
        self.device: dict[str, int] = {}  # the least recently used first
        self.host: dict[str, int] = {}
        self.read = self.copied = self.back = 0
        self.stall_s = 0.0

    def use(self, key: str, nbytes: int) -> None:
        """Bring a network to the device."""
        if key in self.device:
            self.device[key] = self.device.pop(key)
            return
        self._read(key, nbytes)
        self._make_room(nbytes)
        speed = PINNED if self.pinned else PAGEABLE
        self.copied += nbytes
        self.stall_s += nbytes / speed
        self.device[key] = nbytes

    def _read(self, key: str, nbytes: int) -> None:
        if key in self.host:
            self.host[key] = self.host.pop(key)
            return
        while sum(self.host.values()) + nbytes > self.machine.host_bytes:
            del self.host[next(iter(self.host))]
        self.host[key] = nbytes
        self.read += nbytes
        self.stall_s += nbytes / self.machine.read_bytes_per_s

    def _make_room(self, nbytes: int) -> None:
        lacking = sum(self.device.values()) + nbytes - self.machine.device_bytes
        if lacking <= 0:
            return
        if self.rule.startswith("ComponentsManager"):
            for key in self._least(lacking):
                size = self.device.pop(key)
                self.back += size
                self.stall_s += size / PAGEABLE
            return
        by_size = self.rule.startswith("smallest")
        order = sorted(self.device, key=self.device.__getitem__) if by_size else list(self.device)
        for key in order:
            if lacking <= 0:
                return
            lacking -= self.device.pop(key)

    def _least(self, lacking: int) -> tuple[str, ...]:
        sets = (
            each for n in range(1, len(self.device) + 1) for each in combinations(self.device, n)
        )
        enough = (each for each in sets if sum(self.device[key] for key in each) >= lacking)
        return min(enough, key=lambda each: sum(self.device[key] for key in each))


def simple(rule: str, order: str, plan: Plan, machine: Machine) -> Row:
    """Return what a rule of the field costs."""
    manager, sizes = Simple(rule, machine), {each.key: each.nbytes for each in models()}
    for each in plan.stages:
        for key in each.needs:
            manager.use(key, sizes[key])
    return _row(rule, order, machine, manager.stall_s, (manager.read, manager.copied, manager.back))


def ours(order: str, plan: Plan, machine: Machine, rule: str, *, ahead: bool, hand: bool) -> Row:
    """Return what the planner of the studio costs."""
    replay = replayed(machine, prefetch=ahead)
    replay.hand_off = hand
    cost = replay.run(plan, models())
    moved = (cost.read_bytes, cost.copied_bytes, replay.device.back_bytes)
    return _row(rule, order, machine, cost.stall_s, moved)


def _row(rule: str, order: str, machine: Machine, stall_s: float, moved: tuple[int, ...]) -> Row:
    read, copied, back = (round(each / GB, 1) for each in moved)
    disk = machine.read_bytes_per_s / GB
    return Row(rule, order, disk, round(stall_s, 2), read, copied, back)


def measure() -> list[Row]:
    """Return every rule in both orders, on two volumes."""
    scenes = interleaved()
    sizes = {each.key: each.nbytes for each in models()}
    rows: list[Row] = []
    for order, pieces in (("interleaved", scenes), ("batched", batched(scenes, sizes))):
        plan = Plan(tuple(each.stage for each in pieces))
        for machine in (MACHINE, SLOW):
            rows += [
                simple(rule, order, plan, machine)
                for rule in (
                    "ComponentsManager's rule",
                    "smallest first",
                    "LRU, pageable",
                    "LRU, pinned",
                )
            ]
            rows += [
                ours(order, plan, machine, "farthest next use, chunks", ahead=False, hand=False),
                ours(order, plan, machine, "+ prefetch", ahead=True, hand=False),
                ours(order, plan, machine, "+ hand-off (ours)", ahead=True, hand=True),
            ]
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| rule | order | disk, GB/s | stall, s | read, GB | to the device, GB | back, GB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.rule} | {each.order} | {each.disk_gb_per_s} | {each.stall_s} | {each.read_gb} |"
        f" {each.copied_gb} | {each.back_gb} |"
        for each in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    rows = measure()
    if parser.parse_args().json:
        print(json.dumps([asdict(each) for each in rows], indent=1))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
