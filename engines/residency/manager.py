"""Lends engines: one at a time on the device, its weights there, and the next ones on their way.

One mutex guards the books; two loader threads move bytes; who leases waits without holding the
mutex. Engines without networks are made and kept, and let go as a whole.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from engines.catalog import Entry, entry
from engines.residency.books import Books
from engines.residency.chunks import SMALLEST, Chunk, Model, even
from engines.residency.device import Device, HostMemory
from engines.residency.files import Files
from engines.residency.forecast import forecast
from engines.residency.guests import GIB, Expected, Guest, nothing, plain_bytes, unheard
from engines.residency.lent import Lent
from engines.residency.loader import LOOK_S, Loader
from engines.residency.measured import Measured
from engines.residency.networks import Networks
from engines.residency.plan import Plan, Stage
from studio.errors import Busy, StudioError
from studio.holdings import Forecast, Holding, Holdings, Spent

CHUNK_GUESS = 400_000_000  # bytes of a chunk of what was never loaded


@dataclass(slots=True, kw_only=True)
class Manager:
    """The lender of the studio.

    Args:
        device: where networks compute.
        host: where their weights wait.
        measured: what was learned before.
        find: returns the catalog's entry of an engine.
        smallest: bytes of a chunk that is worth its own transfer.
    """

    device: Device
    host: HostMemory
    measured: Measured = field(default_factory=Measured)
    find: Callable[[str], Entry] = entry
    smallest: int = SMALLEST
    vram_idle_s: float = 0.0
    ram_idle_s: float = 0.0
    books: Books = field(init=False)
    loader: Loader = field(init=False)
    _turn: Any = field(default_factory=RLock, init=False)
    _guests: dict[str, Guest] = field(default_factory=dict[str, Guest], init=False)
    _jobs: dict[str, Expected] = field(default_factory=dict[str, Expected], init=False)
    _files: dict[str, Files] = field(default_factory=dict[str, Files], init=False)
    _lent: Lent | None = field(default=None, init=False)
    _used_s: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self.books = Books(self.host, self.device)
        self.loader = Loader(self.books, self.device)
        self.host.reader = self._read

    # -- the Lender -----------------------------------------------------------------------------

    def identity(self, engine: str) -> str:
        """Return what the engine's output depends on, as a digest."""
        return self.find(engine).identity()

    def expect(
        self, job: str, engines: Sequence[str], tell: Callable[[str], None] = unheard
    ) -> None:
        """Hear which engines a job will use, in order: the next ones are fetched ahead.

        Args:
            job: its id.
            engines: ids, one for each step that needs one.
            tell: is told what happens to the job's memory, for its report.
        """
        with self.loader.changed:
            self._jobs[job] = Expected(tuple(engines), tell)
            self._replan()

    def withdraw(self, job: str) -> None:
        """Hear that a job ended: nothing is fetched for it any more."""
        with self.loader.changed:
            self._jobs.pop(job, None)
            self._replan()

    @contextmanager
    def lease(
        self, engine: str, job: str = "", check: Callable[[], None] = nothing
    ) -> Generator[Any, None, None]:
        """Lend an engine, its weights where it computes, until the `with` block ends.

        Args:
            engine: its id.
            job: for which it works.
            check: called while it waits; raises `Cancelled`.

        Raises:
            Busy: if the same thread holds another engine of the device.
            MissingWeights: if a file of its weights is not there.
            OutOfMemory: if it does not fit, even alone and in parts.
        """
        with self._taken(engine, check) as guest:
            self._reach(job, engine)
            try:
                if guest.hosted:
                    with self._on_device(guest, job, check):
                        yield guest.engine
                else:
                    yield guest.engine
            finally:
                with self.loader.changed:
                    guest.leased -= 1
                    guest.used_s = self._used_s = time.monotonic()
                    if job in self._jobs:
                        self._jobs[job].pass_by(engine)
                    self._replan()

    def relieve(self, engine: str, error: BaseException) -> bool:
        """Make room after `error` in a lease that still goes on; tell whether to try again.

        Returns:
            False where the error is none of memory.

        Raises:
            OutOfMemory: if everything was tried.
        """
        lent = self._lent
        if isinstance(error, StudioError) or not self.device.is_out_of_memory(error):
            return False
        if lent is None or lent.guest.entry.id != engine:
            return False
        capacity = self.device.capacity_bytes()
        lent.ladder.climb(lent.guest.entry.title, f"the device has {capacity / GIB:.1f} GB")
        activation = self.device.activation_peak_bytes()
        if activation:
            self.measured.learn(engine, activation_bytes=activation)
        return True

    # -- looking and freeing ----------------------------------------------------------------------

    def holdings(self) -> Holdings:
        """Return what is held where."""
        with self.loader.changed:
            held = tuple(self._holding(each) for each in self._guests.values())
            plain = sum(each.host_bytes for each in held if not self._guests[each.engine].hosted)
            arena = self.host.arena
            return Holdings(
                device=self.device.name,
                in_place=self.device.in_place,
                device_bytes=self.books.vram.used_bytes,
                device_budget_bytes=self.device.capacity_bytes(),
                host_bytes=self.books.ram.used_bytes + plain,
                host_budget_bytes=self.host.capacity_bytes(),
                pinned_bytes=arena.nbytes if arena.pinned else 0,
                pinning=arena.why,
                engines=held,
            )

    def forecast(self, engines: Sequence[str]) -> Forecast:
        """Return what those engines, one after the other, will cost: the plan replayed."""
        with self.loader.changed:
            models = {each: self.model_of(each) for each in engines}
            held = {id_.model for id_ in self.books.ram.held}
        return forecast(
            self.device,
            self.host,
            self.measured,
            engines=[self.find(each) for each in engines],
            models=models,
            held=held,
        )

    def spent(self, job: str) -> Spent:
        """Return what an expected job took since it was announced."""
        with self.loader.changed:
            known = self._jobs.get(job)
            return Spent(wait_s=known.wait_s, peak_bytes=known.peak_bytes) if known else Spent()

    def free(self, *, host: bool = True) -> int:
        """Drop what is not lent, from the device and (if asked) from host memory; return bytes."""
        with self.loader.changed:
            freed = self.books.trim(self.books.vram)
            if host:
                before = self.books.ram.used_bytes
                for guest in list(self._guests.values()):
                    if not guest.leased:
                        freed += 0 if guest.hosted else plain_bytes(guest)
                        self._let_go(guest)
                freed += before - self.books.ram.used_bytes
        self.device.empty_cache()
        return freed

    def idle_s(self) -> float:
        """Return for how long nothing has been lent; 0 while something is."""
        with self.loader.changed:
            if any(each.leased for each in self._guests.values()):
                return 0.0
            return time.monotonic() - self._used_s

    def tend(self) -> None:
        """Free what has been idle for as long as the settings say."""
        idle_s = self.idle_s()
        if self.ram_idle_s and idle_s >= self.ram_idle_s and self._guests:
            self.free()
        elif self.vram_idle_s and idle_s >= self.vram_idle_s and self.books.vram.used_bytes:
            self.free(host=False)

    def close(self) -> None:
        """End the loader threads."""
        self.loader.close()

    # -- a lease on the device -----------------------------------------------------------------------

    @contextmanager
    def _on_device(
        self, guest: Guest, job: str, check: Callable[[], None]
    ) -> Generator[None, None, None]:
        if self._lent is not None:
            if self._lent.guest is guest:  # the same thread asks again: it has it already
                yield
                return
            raise Busy(f"{self._lent.guest.entry.title} is lent to this step already")
        began = time.monotonic()
        self._load(guest)
        tell = self._jobs[job].tell if job in self._jobs else unheard
        lent = self._lent = Lent(self.loader, self.measured, guest, tell)
        with self.loader.changed:
            self._replan()
        try:
            if not self.device.in_place:
                lent.arrive(check, streamed=self.measured.of(guest.entry.id).streamed)
            self.device.activation_peak_bytes()
            self._count(job, wait_s=time.monotonic() - began)
            began = time.monotonic()
            yield
            activation = self.device.activation_peak_bytes()
            self.measured.learn(
                guest.entry.id, lease_s=time.monotonic() - began, activation_bytes=activation
            )
            self._count(job, beside_bytes=activation)
        finally:
            lent.depart()
            self._lent = None

    def _count(self, job: str, *, wait_s: float = 0.0, beside_bytes: int = 0) -> None:
        """Note what a job waited for, and what its engines hold where they compute."""
        with self.loader.changed:
            if job in self._jobs:
                shelf = self.books.ram if self.device.in_place else self.books.vram
                self._jobs[job].count(shelf.held.values(), wait_s, beside_bytes)

    @contextmanager
    def _taken(self, engine: str, check: Callable[[], None]) -> Generator[Guest, None, None]:
        """Take the engine, when its turn comes; it may have been let go and made anew meanwhile."""
        while True:
            guest = self._guest(engine)
            with _held(self._turn if guest.on_device else guest.lock, check):
                with self.loader.changed:
                    here = self._guests.get(engine) is guest
                    guest.leased += here
                if here:
                    yield guest
                    return

    def _load(self, guest: Guest) -> None:
        """Let the engine read its files, if it has not, and take its networks over."""
        if guest.networks is not None:
            return
        key = guest.entry.id
        self._make_host_room(self._size(guest.entry), guest)
        began = time.monotonic()
        modules = guest.engine.networks()
        load_s = time.monotonic() - began
        networks = Networks(key, modules, self.smallest)
        with self.loader.changed:
            self._make_host_room(networks.model.nbytes, guest)
            self._adopt(guest, networks)
            known = networks.model
            self.measured.learn(
                key, nbytes=known.nbytes, chunks=max(1, len(known.chunks)), load_s=load_s
            )
        if not self.device.in_place:
            self.loader.start()

    def _adopt(self, guest: Guest, networks: Networks) -> None:
        """Enter the networks in the books: their bytes in the arena, or where they lie."""
        files = Files.of(guest.entry) if not self.device.in_place else Files()
        chunks: list[Chunk] = []
        for chunk in networks.model.chunks:
            buffer = None
            entered = files.match(chunk, networks.original)
            if not self.device.in_place:
                buffer = self.host.alloc(chunk.nbytes)
                networks.pack(chunk, buffer.tensor)
            self.books.adopt(entered, buffer)
            chunks.append(entered)
        networks.model = Model(guest.entry.id, tuple(chunks))
        self._files[guest.entry.id] = files
        self.books.register(networks.model)
        guest.networks = networks

    def _make_host_room(self, nbytes: int, but: Guest) -> None:
        """Let engines go, the farthest next use first, until `nbytes` more fit in host memory."""
        with self.loader.changed:
            others = [each for each in self._guests.values() if each is not but and not each.leased]
            others.sort(key=self._next_use, reverse=True)
            for each in others:
                used = self.books.ram.used_bytes + sum(map(plain_bytes, self._guests.values()))
                if used + nbytes <= self.host.capacity_bytes():
                    return
                if each.hosted or plain_bytes(each):
                    self._let_go(each)

    def _next_use(self, guest: Guest) -> tuple[float, float]:
        use = self.books.plan.next_use(guest.entry.id, self.books.at)
        return (use, -guest.used_s)

    def _let_go(self, guest: Guest) -> None:
        """Forget an engine as a whole; the caller holds the mutex."""
        key = guest.entry.id
        while any(self._in_transit(key)):
            self.loader.changed.wait(LOOK_S)
        self.books.forget(key)
        self._files.pop(key, None)
        unload = getattr(guest.engine, "unload", None)
        if callable(unload):
            unload()
        self._guests.pop(key, None)

    def _in_transit(self, key: str) -> Iterator[bool]:
        for shelf in (self.books.ram, self.books.vram):
            for id_, slot in shelf.held.items():
                if id_.model == key and (not slot.settled or slot.pins):
                    yield True

    # -- the plan ------------------------------------------------------------------------------------

    def _reach(self, job: str, engine: str) -> None:
        with self.loader.changed:
            if job in self._jobs:
                self._jobs[job].reach(engine)

    def _replan(self) -> None:
        """Put the future together: this lease, the rest of its job, the other jobs as they came."""
        lent = self._lent
        now = [self._stage(lent.guest.entry.id)] if lent is not None else []
        skip = len(now)
        for expected in self._jobs.values():
            rest = expected.engines[expected.at :]
            if skip and rest[:1] == (now[0].id,):
                rest, skip = rest[1:], 0
            now.extend(map(self._stage, rest))
        self.books.replan(Plan(tuple(now)), 0)
        self.loader.failed = None
        self.loader.changed.notify_all()

    def _stage(self, engine: str) -> Stage:
        known = self.measured.of(engine)
        return Stage(engine, (engine,), known.lease_s, known.activation_bytes)

    def _read(self, chunk: Chunk, buffer: Any) -> None:
        self._files[chunk.id.model].read(chunk, buffer)

    # -- small things -----------------------------------------------------------------------------------

    def _guest(self, engine: str) -> Guest:
        with self.loader.changed:
            guest = self._guests.get(engine)
        if guest is not None:
            return guest
        found = self.find(engine)
        made = Guest(found, found.build(), RLock(), used_s=time.monotonic())
        with self.loader.changed:
            return self._guests.setdefault(engine, made)

    def _size(self, found: Entry) -> int:
        """Return the bytes an engine will take, as far as it is known."""
        learned = self.measured.of(found.id).nbytes
        parts = found.weights.parts() if found.weights else ()
        listed = sum(file.bytes for each in parts for file in each.files)
        return learned or listed or int(found.needs.memory_gb * GIB)

    def model_of(self, engine: str) -> Model:
        """Return an engine's chunks: the real ones, or a guess from what is known of it."""
        if engine in self.books.models:
            return self.books.models[engine]
        size, known = self._size(self.find(engine)), self.measured.of(engine)
        return even(engine, size, known.chunks if known.nbytes else max(1, size // CHUNK_GUESS))

    def _holding(self, guest: Guest) -> Holding:
        key = guest.entry.id
        sizes = [
            sum(slot.chunk.nbytes for id_, slot in shelf.held.items() if id_.model == key)
            for shelf in (self.books.vram, self.books.ram)
        ]
        plain = 0 if guest.hosted else plain_bytes(guest)
        return Holding(key, guest.entry.title, sizes[0], sizes[1] + plain, bool(guest.leased))


@contextmanager
def _held(lock: Any, check: Callable[[], None]) -> Generator[None, None, None]:
    while not lock.acquire(timeout=LOOK_S):
        check()
    try:
        yield
    finally:
        lock.release()
