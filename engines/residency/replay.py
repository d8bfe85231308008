"""Runs a plan on a virtual clock: the manager's own books, on devices that only count.

`Simulated` places keep a checksum for each buffer, so that tests see whether every stage finds the
right bytes. Times are seconds, speeds bytes per second.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from engines.residency.books import Books, Move
from engines.residency.chunks import Chunk, ChunkId, Model
from engines.residency.plan import Plan, Stage
from studio.errors import OutOfMemory

Fault = Callable[[str, ChunkId], None]
"""Called at each step of a transfer; raises what shall go wrong there."""


def _no_fault(_step: str, _chunk: ChunkId) -> None:
    return


def checksum(chunk: ChunkId) -> int:
    """Return the stand-in for a chunk's bytes."""
    return hash((chunk.model, chunk.index, "bytes"))


@dataclass(slots=True)
class Buffer:
    """Room for bytes; `content` stands for them."""

    nbytes: int
    content: int = 0
    live: bool = True


@dataclass(slots=True)
class Simulated:
    """Memory that only counts, reached at `bytes_per_s`."""

    name: str
    capacity: int
    bytes_per_s: float
    fault: Fault = _no_fault
    live_bytes: int = 0
    peak_bytes: int = 0
    back_bytes: int = 0  # copied from the device: never

    def capacity_bytes(self) -> int:
        """Return its size."""
        return self.capacity

    def alloc(self, nbytes: int) -> Buffer:
        """Return a buffer.

        Raises:
            MemoryError: if there is no room.
        """
        self.fault(f"alloc {self.name}", ChunkId("", nbytes))
        if self.live_bytes + nbytes > self.capacity:
            raise MemoryError(f"{self.name}: {nbytes} bytes do not fit")
        self.live_bytes += nbytes
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        return Buffer(nbytes)

    def free(self, buffer: Buffer) -> None:
        """Take a buffer back."""
        if not buffer.live:
            raise ValueError("freed twice")
        buffer.live, buffer.content = False, 0
        self.live_bytes -= buffer.nbytes

    def fill(self, buffer: Buffer, chunk: Chunk, source: Any) -> None:
        """Bring in the chunk's bytes, from `source` or from the files."""
        self.fault(f"fill {self.name}", chunk.id)
        buffer.content = checksum(chunk.id) if source is None else source.content

    def seconds(self, nbytes: int) -> float:
        """Return what a transfer into it takes."""
        return nbytes / self.bytes_per_s


@dataclass(frozen=True, slots=True)
class StageCost:
    """What became of one stage."""

    id: str
    wait_s: float  # of the device, for weights
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan costs."""

    compute_s: float
    stall_s: float  # the device waits for weights
    read_bytes: int  # from the files
    copied_bytes: int  # to the device
    peak_bytes: int  # on the device, activations included
    stages: tuple[StageCost, ...] = ()
    thrifty: bool = False  # nothing was read ahead that had been read before: that would do harm

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.compute_s + self.stall_s


@dataclass(slots=True)
class Replay:
    """A device and host memory on a virtual clock, with books that decide."""

    device: Simulated
    host: Simulated
    books: Books
    hand_off: bool = True
    now_s: float = 0.0
    peak_bytes: int = 0
    watch: Callable[["Replay"], None] = lambda _: None  # called at every event
    _flying: list[tuple[float, int, Move]] = field(default_factory=list[tuple[float, int, Move]])
    _count: int = 0

    def run(self, plan: Plan, models: Sequence[Model] = ()) -> Estimate:
        """Run a whole plan.

        Raises:
            OutOfMemory: if a stage does not fit in any way.
        """
        for each in models:
            self.books.register(each)
        self.books.replan(plan, 0)
        costs = [self.stage(index) for index in range(len(plan.stages))]
        return Estimate(
            compute_s=sum(each.compute_s for each in plan.stages),
            stall_s=sum(each.wait_s for each in costs),
            read_bytes=self.books.ram.moved_bytes,
            copied_bytes=self.books.vram.moved_bytes,
            peak_bytes=self.peak_bytes,
            stages=tuple(costs),
            thrifty=self.books.thrifty,
        )

    def stage(self, index: int) -> StageCost:
        """Run one stage of the plan."""
        stage, began = self.books.plan.stages[index], self.now_s
        self.books.enter(index)
        try:
            self.until(inf, self.books.ready)
            wait_s = self.now_s - began
            if self.books.streamed:
                wait_s += self._stream(stage)
            else:
                self._compute(stage)
        finally:
            self.books.leave()
        self._event()
        return StageCost(stage.id, wait_s, began, self.now_s)

    def until(self, end_s: float, met: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, with transfers going on, until `end_s` or until `met`.

        Raises:
            OutOfMemory: if it would take for ever.
        """
        while True:
            self._begin()
            self._event()
            if met():
                return
            if not self._flying or self._flying[0][0] > end_s:
                break
            self.now_s, _, move = heapq.heappop(self._flying)
            self._land(move)
        if end_s == inf:
            raise OutOfMemory(f"{self.books.plan.stages[self.books.at].id} does not fit")
        self.now_s = max(self.now_s, end_s)

    def _begin(self) -> None:
        for ask in (self.books.next_read, self.books.next_copy):
            move = ask()
            if move is not None:
                place = self.host if move.kind == "read" else self.device
                self._count += 1
                ends = self.now_s + place.seconds(move.chunk.nbytes)
                heapq.heappush(self._flying, (ends, self._count, move))

    def _land(self, move: Move) -> None:
        try:
            move.place.fill(move.buffer, move.chunk, move.source)
        except (OSError, MemoryError):
            self.books.fail(move)
            raise
        self.books.settle(move)

    def _compute(self, stage: Stage) -> None:
        chunks = self.books.chunks_of(stage)
        last_s = stage.compute_s / max(1, stage.passes) if self.hand_off and chunks else 0.0
        end_s = self.now_s + stage.compute_s
        self.until(end_s - last_s)
        for number, chunk in enumerate(chunks if last_s else (), start=1):
            self.until(end_s - last_s + last_s * number / len(chunks))
            self.books.hand_on(chunk.id)
        self.until(end_s)

    def _stream(self, stage: Stage) -> float:
        """Use every chunk in turn, `passes` times; return the seconds that were waited."""
        waited, part_s = 0.0, stage.compute_s / stage.passes / len(self.books.streamed)
        for _ in range(stage.passes):
            for chunk in self.books.streamed:
                began = self.now_s
                self.until(inf, lambda chunk=chunk: self.books.use(chunk.id))
                waited += self.now_s - began
                self.until(self.now_s + part_s)
        return waited

    def _event(self) -> None:
        busy = self.books.entered and self.books.ready()
        extra = self.books.plan.stages[self.books.at].activation_bytes if busy else 0
        self.peak_bytes = max(self.peak_bytes, self.books.vram.used_bytes + extra)
        self.watch(self)


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes and speeds: bytes, and bytes per second."""

    device_bytes: int
    host_bytes: int
    read_bytes_per_s: float
    copy_bytes_per_s: float


def replayed(machine: Machine, **how: Any) -> Replay:
    """Return an empty replay of that machine; `how` goes to `Books`."""
    device = Simulated("device", machine.device_bytes, machine.copy_bytes_per_s)
    host = Simulated("host", machine.host_bytes, machine.read_bytes_per_s)
    return Replay(device, host, Books(host, device, **how))


def estimate(
    machine: Machine,
    plan: Plan,
    models: Sequence[Model],
    held: Mapping[str, bool] | None = None,
) -> Estimate:
    """Return what a plan will cost, by the planner that would run it.

    Args:
        machine: what it runs on.
        plan: the stages.
        models: what they need.
        held: models that are in host memory already (True: on the device too).

    Raises:
        OutOfMemory: if it cannot run.
    """
    tries: list[Estimate] = []
    for thrifty in (False, True):  # do no harm: reading ahead must pay
        replay = replayed(machine, thrifty=thrifty)
        for each in models:
            replay.books.register(each)
            if held and each.key in held:
                _begin_with(replay, each)
        tries.append(replay.run(plan))
    return min(tries, key=lambda each: (each.stall_s, each.read_bytes))


def _begin_with(replay: Replay, model: Model) -> None:
    for chunk in model.chunks:
        if replay.host.live_bytes + chunk.nbytes <= replay.host.capacity:
            buffer = replay.host.alloc(chunk.nbytes)
            replay.host.fill(buffer, chunk, None)
            replay.books.adopt(chunk, buffer)
