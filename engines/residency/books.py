"""The books: what is held where, and which transfer comes next. The one planner of the manager.

Nothing here waits, reads a clock or starts a thread. Whoever runs it (the manager with real
threads, `replay` on a virtual clock) asks `next_read` and `next_copy` for transfers, carries them
out, and reports with `settle` or `fail`. There is at most one transfer of a kind at a time, so what
a stage waits for is delayed by no more than one chunk of a prefetch.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from engines.residency.chunks import Chunk, ChunkId, Model
from engines.residency.plan import Plan, Stage, victims
from studio.errors import OutOfMemory

LOGGED = 10_000  # transfers and drops that are told to whoever looks: the latest
RING = 2  # chunks of a streamed stage that come and go: one in use, one arriving


class Place(Protocol):
    """Memory of one kind: the device's, or the host's."""

    def capacity_bytes(self) -> int:
        """Return how much weights and activations may take."""
        ...

    def alloc(self, nbytes: int) -> Any:
        """Return a buffer.

        Raises:
            MemoryError: if there is none.
        """
        ...

    def free(self, buffer: Any) -> None:
        """Take a buffer back; its bytes are lost."""
        ...

    def fill(self, buffer: Any, chunk: Chunk, source: Any) -> None:
        """Bring the chunk's bytes into the buffer, and return when they are there.

        Raises:
            OSError: if they cannot be read.
        """
        ...


@dataclass(slots=True)
class Slot:
    """A chunk that is held, or arrives."""

    chunk: Chunk
    buffer: Any
    settled: bool = False
    pins: int = 0  # transfers that read from it


@dataclass(slots=True)
class Shelf:
    """The book of one place."""

    place: Place
    held: dict[ChunkId, Slot] = field(default_factory=dict[ChunkId, Slot])
    counts: Counter[str] = field(default_factory=Counter[str])  # chunks of each model
    used_bytes: int = 0
    moved_bytes: int = 0  # brought in since the beginning
    busy: bool = False  # a transfer into it is under way

    def put(self, slot: Slot) -> None:
        """Enter a slot."""
        self.held[slot.chunk.id] = slot
        self.counts[slot.chunk.id.model] += 1
        self.used_bytes += slot.chunk.nbytes

    def drop(self, id_: ChunkId) -> None:
        """Strike a slot out and free its buffer."""
        slot = self.held.pop(id_)
        self.counts[id_.model] -= 1
        self.used_bytes -= slot.chunk.nbytes
        self.place.free(slot.buffer)


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer to be carried out: `place.fill(buffer, chunk, source)`."""

    kind: Literal["read", "copy"]
    chunk: Chunk
    place: Place
    buffer: Any
    source: Any


@dataclass(slots=True)
class Books:
    """What is in host memory and on the device, and what shall be.

    Args:
        host: where chunks are read to from the files.
        device: where they are needed.
        prefetch: whether stages that did not begin yet are prepared.
        thrifty: never read a chunk ahead of its stage that was read before: a slow volume's rule.
        spare_bytes: of the device, never used.
        promised_bytes: of the host, kept free for what is loaded as a whole.
    """

    host: Place
    device: Place
    prefetch: bool = True
    thrifty: bool = False
    spare_bytes: int = 0
    promised_bytes: int = 0
    plan: Plan = field(default_factory=Plan)
    at: int = 0
    entered: bool = False
    models: dict[str, Model] = field(default_factory=dict[str, Model])
    leased: Counter[ChunkId] = field(default_factory=Counter[ChunkId])
    seen: set[ChunkId] = field(default_factory=set[ChunkId])  # read at least once
    ram: Shelf = field(init=False)
    vram: Shelf = field(init=False)
    log: deque[tuple[str, ChunkId]] = field(
        default_factory=lambda: deque[tuple[str, ChunkId]](maxlen=LOGGED)
    )
    _ring: tuple[Chunk, ...] = ()  # chunks of a streamed stage that come and go, in order of use
    _place_of: Mapping[ChunkId, int] = field(default_factory=dict[ChunkId, int])
    _cursor: int = 0

    def __post_init__(self) -> None:
        self.ram, self.vram = Shelf(self.host), Shelf(self.device)

    # -- what is known ------------------------------------------------------------------------

    def register(self, model: Model) -> None:
        """Make a model known."""
        self.models[model.key] = model

    def adopt(self, chunk: Chunk, buffer: Any) -> None:
        """Enter a chunk that is in host memory already."""
        self.ram.put(Slot(chunk, buffer, settled=True))
        self.seen.add(chunk.id)

    def forget(self, key: str) -> None:
        """Drop a model from both places; it must not be leased nor in transit."""
        for shelf in (self.vram, self.ram):
            for id_ in [each for each in shelf.held if each.model == key]:
                self._drop(shelf, id_)
        self.models.pop(key, None)

    def replan(self, plan: Plan, at: int) -> None:
        """Put another future in the place of the old one; what is held and leased stays."""
        self.plan, self.at = plan, at

    def chunks_of(self, stage: Stage) -> list[Chunk]:
        """Return what a stage needs, in order of use."""
        keys = dict.fromkeys(stage.needs)
        return [each for key in keys if key in self.models for each in self.models[key].chunks]

    # -- stages -------------------------------------------------------------------------------

    def enter(self, index: int, *, streamed: bool = False) -> None:
        """Stage `index` is wanted now: its chunks come first and stay once they are there.

        Args:
            index: of the plan.
            streamed: keep as little as possible on the device, even if all of it would fit.

        Raises:
            OutOfMemory: if not even a few of its chunks fit.
        """
        self.at, self.entered = index, True
        stage = self.plan.stages[index]
        chunks = self.chunks_of(stage)
        limit = self._limit()
        total = sum(each.nbytes for each in chunks)
        fixed = chunks
        self._ring, self._place_of, self._cursor = (), {}, 0
        if total > limit or streamed:
            fixed, ring = _split(chunks, limit, least=streamed)
            self._ring = tuple(ring)
            self._place_of = {each.id: n for n, each in enumerate(ring)}
            self._check_fits(stage, fixed, ring, limit)
        self.leased.update(each.id for each in fixed)
        self._shrink()

    def ready(self) -> bool:
        """Tell whether the entered stage may begin: all that stays is there, and the rest fits."""
        arrived = all(map(self.is_here, self.leased))
        return arrived and self.vram.used_bytes <= self._limit()

    @property
    def streamed(self) -> tuple[Chunk, ...]:
        """The chunks of the entered stage that come and go."""
        return self._ring

    def use(self, chunk: ChunkId) -> bool:
        """Tell whether a streamed chunk is there, now that it is needed; it stays until the next."""
        previous = self._ring[self._cursor].id
        self._cursor = self._place_of[chunk]
        if previous != chunk:
            self._unlease(previous)
        if self.is_here(chunk):
            self.leased[chunk] = 1
            return True
        return False

    def hand_on(self, chunk: ChunkId) -> None:
        """The entered stage used that chunk for the last time: it may make room for the next stage."""
        self._unlease(chunk)

    def take_back(self, chunk: ChunkId) -> None:
        """The entered stage needs a chunk again that it had handed on."""
        self.leased[chunk] = 1

    def is_here(self, chunk: ChunkId) -> bool:
        """Tell whether a chunk is on the device, whole."""
        slot = self.vram.held.get(chunk)
        return slot is not None and slot.settled

    def leave(self) -> None:
        """The entered stage is over."""
        self.leased.clear()
        self._ring, self._place_of = (), {}
        self.entered = False
        self.at += 1

    # -- transfers ----------------------------------------------------------------------------

    def next_read(self) -> Move | None:
        """Begin the next transfer from the files to host memory, if there is one and room for it."""
        if self.ram.busy:
            return None
        for when, chunk in self._wanted(self.vram.counts):
            if chunk.id in self.vram.held or chunk.id in self.ram.held:
                continue
            ahead = when >= self.at + 1
            if ahead and self.thrifty and chunk.id in self.seen:
                continue
            limit = self.host.capacity_bytes() - self.promised_bytes
            if not self._make_room(self.ram, chunk.nbytes, limit, when):
                return None
            self.seen.add(chunk.id)
            return self._begin("read", self.ram, chunk, None)
        return None

    def next_copy(self) -> Move | None:
        """Begin the next transfer from host memory to the device, if there is one and room for it."""
        if self.vram.busy:
            return None
        for when, chunk in self._wanted(self.vram.counts):
            if chunk.id in self.vram.held:
                continue
            source = self.ram.held.get(chunk.id)
            if source is None or not source.settled:
                return None
            if not self._make_room(self.vram, chunk.nbytes, self._limit(), when):
                return None
            source.pins += 1
            try:
                return self._begin("copy", self.vram, chunk, source.buffer)
            except MemoryError:
                source.pins -= 1
                raise
        return None

    def settle(self, move: Move) -> None:
        """The transfer is done."""
        shelf = self._shelf(move)
        shelf.held[move.chunk.id].settled = True
        shelf.moved_bytes += move.chunk.nbytes
        self._end(move)

    def fail(self, move: Move) -> None:
        """The transfer failed or was given up: as if it had never begun."""
        self._end(move)
        self._drop(self._shelf(move), move.chunk.id)

    def trim(self, shelf: Shelf, to_bytes: int = 0) -> int:
        """Drop what is not in use, the farthest next use first, and return the bytes freed."""
        before = shelf.used_bytes
        for id_, _ in sorted(
            self._free(shelf), key=lambda each: (-self._next_use(each[0]), -each[0].index)
        ):
            if shelf.used_bytes <= to_bytes:
                break
            self._drop(shelf, id_)
        return before - shelf.used_bytes

    # -- inside -------------------------------------------------------------------------------

    def _limit(self) -> int:
        now = self.plan.stages[self.at].activation_bytes if self.entered else 0
        return self.device.capacity_bytes() - self.spare_bytes - now

    def _wanted(self, counts: Mapping[str, int]) -> Iterator[tuple[float, Chunk]]:
        """Yield (when, chunk) of what will be needed, the soonest first; complete models left out."""
        first = self.at
        if self.entered:
            yield from self._wanted_now()
            first += 1
        if not self.prefetch:
            return
        seen = set(self.plan.stages[self.at].needs) if self.entered else set[str]()
        for index in range(first, len(self.plan.stages)):
            for key in self.plan.stages[index].needs:
                if key in seen or key not in self.models:
                    continue
                seen.add(key)
                if counts[key] < len(self.models[key].chunks):
                    for chunk in self.models[key].chunks:
                        yield index, chunk

    def _wanted_now(self) -> Iterator[tuple[float, Chunk]]:
        stage = self.plan.stages[self.at]
        if not self._ring:
            for chunk in self.chunks_of(stage):
                if chunk.id in self.leased:  # not what was handed on
                    yield self.at, chunk
            return
        for chunk in self.chunks_of(stage):
            if chunk.id not in self._place_of:
                yield self.at, chunk
        for step in range(len(self._ring)):
            chunk = self._ring[(self._cursor + step) % len(self._ring)]
            yield self._next_use(chunk.id), chunk

    def _next_use(self, id_: ChunkId) -> float:
        place = self._place_of.get(id_)
        if place is not None:
            distance = (place - self._cursor) % len(self._ring)
            return self.at + distance / len(self._ring)
        if id_ in self.leased:
            return self.at
        return self.plan.next_use(id_.model, self.at + 1 if self.entered else self.at)

    def _free(self, shelf: Shelf) -> list[tuple[ChunkId, int]]:
        """Return what may be dropped: settled, read by no transfer, not leased (on the device)."""
        return [
            (id_, slot.chunk.nbytes)
            for id_, slot in shelf.held.items()
            if slot.settled
            and not slot.pins
            and (id_ not in self.leased if shelf is self.vram else slot.chunk.rereadable)
        ]

    def _make_room(self, shelf: Shelf, nbytes: int, limit: int, when: float) -> bool:
        """Drop what is needed later than `when` until `nbytes` fit; False: nothing was dropped."""
        lacking = shelf.used_bytes + nbytes - limit
        chosen = victims(self._free(shelf) if lacking > 0 else (), lacking, self._keep, when)
        if chosen is None:
            return False
        for id_ in chosen:
            self._drop(shelf, id_)
        return True

    def _keep(self, id_: ChunkId) -> float:
        """Return when a chunk that could be dropped is needed next.

        Host memory's copy of what is on the device for the running stage is not needed now.
        """
        if id_ in self.leased and id_ in self.vram.held and id_ not in self._place_of:
            return self.plan.next_use(id_.model, self.at + 1)
        return self._next_use(id_)

    def _shrink(self) -> None:
        over = self.vram.used_bytes - self._limit()
        for id_ in victims(self._free(self.vram), over, self._next_use, self.at) or ():
            self._drop(self.vram, id_)

    def _begin(
        self, kind: Literal["read", "copy"], shelf: Shelf, chunk: Chunk, source: Any
    ) -> Move:
        buffer = shelf.place.alloc(chunk.nbytes)
        shelf.put(Slot(chunk, buffer))
        shelf.busy = True
        self.log.append((kind, chunk.id))
        return Move(kind, chunk, shelf.place, buffer, source)

    def _end(self, move: Move) -> None:
        self._shelf(move).busy = False
        if move.kind == "copy":
            self.ram.held[move.chunk.id].pins -= 1
            if self.entered:
                self._shrink()

    def _shelf(self, move: Move) -> Shelf:
        return self.ram if move.kind == "read" else self.vram

    def _drop(self, shelf: Shelf, id_: ChunkId) -> None:
        self.log.append(("drop ram" if shelf is self.ram else "drop vram", id_))
        shelf.drop(id_)

    def _unlease(self, id_: ChunkId) -> None:
        self.leased.pop(id_, None)

    def _check_fits(
        self, stage: Stage, fixed: Sequence[Chunk], ring: Sequence[Chunk], limit: int
    ) -> None:
        least = sum(each.nbytes for each in fixed) + max((each.nbytes for each in ring), default=0)
        if least > limit:
            self.entered = False
            self._ring, self._place_of = (), {}
            raise OutOfMemory(
                f"{stage.id} needs at least {least + stage.activation_bytes:,} bytes on the device,"
                f" which has {self.device.capacity_bytes() - self.spare_bytes:,}",
                remedy="Choose a smaller quality, or raise UNDERSTUDY_VRAM_BUDGET_GB.",
            )


def _split(chunks: Sequence[Chunk], limit: int, *, least: bool) -> tuple[list[Chunk], list[Chunk]]:
    """Return what of a stage stays, and what comes and goes through the room that is left.

    What belongs to no block must stay, unless nothing belongs to one (then any chunk may go).
    """
    blocks = any(each.block for each in chunks)
    must = [each for each in chunks if blocks and not each.block]
    may = [each for each in chunks if each not in must]
    room = limit - sum(each.nbytes for each in must)
    room -= RING * max((each.nbytes for each in may), default=0)
    fixed = list(must)
    while may and not least and may[0].nbytes <= room:
        room -= may[0].nbytes
        fixed.append(may.pop(0))
    return fixed, may
