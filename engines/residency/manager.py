"""Lends engines: one at a time on the device, its weights there, and the next ones on their way.

One mutex guards the books; two loader threads move bytes; who leases waits without holding the
mutex. Engines without networks are made and kept, and let go as a whole.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import Any

from engines.catalog import Entry, entry
from engines.residency.ahead import Ahead
from engines.residency.books import Books
from engines.residency.chunks import SMALLEST, Model, even
from engines.residency.device import Device, HostMemory
from engines.residency.forecast import forecast, replayed_here
from engines.residency.guests import (
    GIB,
    Expected,
    Guest,
    key_of,
    nothing,
    plain_bytes,
    unheard,
)
from engines.residency.intake import Intake
from engines.residency.lent import Lent
from engines.residency.loader import Loader, held
from engines.residency.lodging import Lodging
from engines.residency.measured import Measured
from engines.residency.plan import NEVER, Plan, Stage
from engines.residency.replay import Estimate
from studio.errors import Busy, StudioError
from studio.holdings import Forecast, Holding, Holdings, Spent

CHUNK_GUESS = 400_000_000  # bytes of a chunk of what was never loaded
LATEST = 1e9  # stages: what is needed later than that, or never, may go


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
    smaller_engines: bool = False  # may take over from those that do not fit
    vram_idle_s: float = 0.0
    ram_idle_s: float = 0.0
    books: Books = field(init=False)
    loader: Loader = field(init=False)
    _turn: Any = field(default_factory=RLock, init=False)
    _keys: dict[str, str] = field(default_factory=dict[str, str], init=False)
    _making: Any = field(default_factory=RLock, init=False)
    _jobs: dict[str, Expected] = field(default_factory=dict[str, Expected], init=False)
    _intake: Intake = field(init=False)
    _lodging: Lodging = field(init=False)
    _ahead: Ahead = field(init=False)
    _lent: Lent | None = field(default=None, init=False)
    _used_s: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self.books = Books(self.host, self.device)
        self.loader = Loader(self.books, self.device)
        self._intake = Intake(self.loader, self.device, self.host, self.measured, self.smallest)
        self._lodging = Lodging(self.loader, self.host, self._intake)
        self.host.reader = self._intake.read
        self._ahead = Ahead(self, self.loader)

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
        keys = frozenset(map(self._key, engines))
        with self.loader.changed:
            self._jobs[job] = Expected(tuple(engines), keys, tell)
        self._weigh()

    def withdraw(self, job: str) -> None:
        """Hear that a job ended: nothing is fetched for it any more."""
        with self.loader.changed:
            self._jobs.pop(job, None)
        self._weigh()

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

    def last_item(self, engine: str) -> None:
        """Hear that no item comes after the next one in this engine's lease."""
        if self._lent is not None and self._lent.guest.entry.id == engine:
            self._lent.final = True

    def smaller(self, engine: str, job: str) -> str:
        """Return the engine that takes over from one that does not fit; "" if there is or may be none."""
        big = self.find(engine)
        if not (self.smaller_engines and big.smaller):
            return ""
        small = self.find(big.smaller)
        if small.role != big.role or small.missing():
            return ""
        with self.loader.changed:
            expected = self._jobs.get(job)
            if expected is not None:
                expected.change(engine, small.id, self._key(small.id))
        if expected is not None:
            expected.tell(f"{big.title} does not fit into memory: {small.title} did the rest.")
        self._weigh()
        return small.id

    # -- looking and freeing ----------------------------------------------------------------------

    def holdings(self) -> Holdings:
        """Return what is held where."""
        with self.loader.changed:
            held = tuple(self._holding(each) for each in self._lodging.guests.values())
            plain = sum(
                each.host_bytes for each in held if not self._lodging.guests[each.engine].hosted
            )
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
        return forecast(
            self._replayed(engines),
            [self.find(each) for each in dict.fromkeys(engines)],
            self.measured,
            in_place=self.device.in_place,
        )

    def _replayed(self, engines: Sequence[str]) -> Estimate:
        """Return what those engines, one after the other, take: the planner on a virtual clock."""
        with self.loader.changed:
            models = {each: self.model_of(each) for each in engines}
            here = {id_.model for id_ in self.books.ram.held}
        return replayed_here(
            self.device, self.host, self.measured, engines, models=models, held=here
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
                for guest in self._lodging.idle():
                    freed += plain_bytes(guest)
                    self._lodging.let_go(guest)
                freed += before - self.books.ram.used_bytes
        self.device.empty_cache()
        return freed

    def idle_s(self) -> float:
        """Return for how long nothing has been lent; 0 while something is."""
        with self.loader.changed:
            if any(each.leased for each in self._lodging.guests.values()):
                return 0.0
            return time.monotonic() - self._used_s

    def tend(self) -> None:
        """Free what has been idle for as long as the settings say."""
        idle_s = self.idle_s()
        if self.ram_idle_s and idle_s >= self.ram_idle_s and self._lodging.guests:
            self.free()
        elif self.vram_idle_s and idle_s >= self.vram_idle_s and self.books.vram.used_bytes:
            self.free(host=False)

    def close(self) -> None:
        """End the loader threads."""
        self.loader.close()
        self._ahead.join()

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
        self._load(guest, check)
        tell = self._jobs[job].tell if job in self._jobs else unheard
        lent = self._lent = Lent(self.loader, self.measured, guest, tell)
        with self.loader.changed:
            self._replan()
        try:
            if not self.device.in_place:
                lent.arrive(check, streamed=self.measured.of(guest.entry.id).streamed)
            if lent.streamed:
                tell(f"{guest.entry.title} is on the device in parts only, which takes longer.")
            self.device.activation_peak_bytes()
            self._count(job, wait_s=time.monotonic() - began)
            with self.loader.changed:
                self._ahead.look()
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
            with held(self._turn if guest.on_device else guest.lock, check):
                with self.loader.changed:
                    here = self._lodging.guests.get(engine) is guest
                    guest.leased += here
                if here:
                    yield guest
                    return

    def _load(self, guest: Guest, check: Callable[[], None]) -> None:
        """Let the engine read its files, if it has not, and take its networks over."""
        if guest.networks is None:
            self._lodging.make_room(self._size(guest.entry), guest)
            room = partial(self._lodging.make_room, but=guest)
            self._intake.load(guest, room, check, partial(self._lodging.twin, guest))

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
        self._ahead.renew()
        if lent is None:  # else it waits until what was asked for is there
            self._ahead.look()
        self.loader.changed.notify_all()

    def _stage(self, engine: str) -> Stage:
        known = self.measured.of(engine)
        return Stage(engine, (self._key(engine),), known.lease_s, known.activation_bytes)

    def _weigh(self) -> None:
        """Put the plan together anew, and let reading ahead be thrifty where it would do harm."""
        with self.loader.changed:
            jobs = list(self._jobs.values())
            order = [engine for each in jobs for engine in each.engines[each.at :]]
        harmful = len(order) > 1 and self._replayed(order).thrifty
        with self.loader.changed:
            self.books.thrifty = harmful
            self._replan()

    # -- engines that were never loaded ---------------------------------------------------------------

    def next_unbuilt(self, skip: set[str]) -> str | None:
        """Return the next engine of the plan that is not loaded; the caller holds the mutex."""
        ids = dict.fromkeys(each.id for each in self.books.plan.stages)
        return next((each for each in ids if each not in skip and self._may_come(each)), None)

    def promise(self, engine: str) -> Guest | None:
        """Make room for an engine without harm and keep it free; None: there is none, or no need."""
        with self.loader.changed:
            known = engine in self._lodging.guests
        guest = self._guest(engine)
        size = self._size(guest.entry)
        if not (guest.hosted and size) or guest.entry.missing():
            with self.loader.changed:
                if not (known or guest.leased):  # what is only made takes no memory yet
                    self._lodging.guests.pop(engine, None)
            return None
        with self.loader.changed:
            use = self.books.plan.next_use(guest.key, self.books.at)
            if guest.leased or not self._may_come(engine) or use == NEVER:
                return None
            if not self._lodging.make_room(size, guest, use):
                return None
            guest.coming = True
            self.books.promised_bytes += size
        return guest

    def build(self, guest: Guest) -> None:
        """Load what was promised room; where it is larger than it was thought, it must fit as well.

        Raises:
            MemoryError: if it does not, without harm; it is forgotten again.
        """

        def room(nbytes: int) -> None:
            with self.loader.changed:
                self.books.promised_bytes = 0
                use = self.books.plan.next_use(guest.key, self.books.at)
                if not guest.leased and not self._lodging.make_room(
                    nbytes, guest, min(use, LATEST)
                ):
                    raise MemoryError(f"{guest.entry.id} takes {nbytes:,} bytes")
                self.books.promised_bytes = nbytes

        self._intake.load(guest, room, twin=partial(self._lodging.twin, guest))

    def settle(self, guest: Guest) -> None:
        """The room that was promised is in the books now, or not needed any more."""
        guest.coming, self.books.promised_bytes = False, 0
        if guest.hosted and guest.networks is None and not guest.leased:
            self._lodging.guests.pop(guest.entry.id, None)  # it was not built, or only in part
        self.loader.changed.notify_all()

    def _may_come(self, engine: str) -> bool:
        """Tell whether it would have to be loaded, and may be: not again where that does harm."""
        key = self._key(engine)
        again = self.books.thrifty and key in self._intake.built
        return key not in self.books.models and not again

    # -- small things -----------------------------------------------------------------------------------

    def _guest(self, engine: str) -> Guest:
        with self._making:  # importing a class takes seconds: not under the mutex
            with self.loader.changed:
                guest = self._lodging.guests.get(engine)
            if guest is not None:
                return guest
            found = self.find(engine)
            made = Guest(found, found.build(), RLock(), used_s=time.monotonic())
            with self.loader.changed:
                self._lodging.guests[engine] = made
            return made

    def _key(self, engine: str) -> str:
        """Return by what its networks are known."""
        if engine not in self._keys:
            self._keys[engine] = key_of(self.find(engine))
        return self._keys[engine]

    def _size(self, found: Entry) -> int:
        """Return the bytes an engine will take, as far as it is known."""
        learned = self.measured.of(found.id).nbytes
        parts = found.weights.parts() if found.weights else ()
        listed = sum(file.bytes for each in parts for file in each.files)
        here = found.held() if not (learned or listed) else None
        return learned or listed or (here.bytes if here else 0) or int(found.needs.memory_gb * GIB)

    def model_of(self, engine: str) -> Model:
        """Return an engine's chunks: the real ones, or a guess from what is known of it."""
        key = self._key(engine)
        if key in self.books.models:
            return self.books.models[key]
        size, known = self._size(self.find(engine)), self.measured.of(engine)
        return even(key, size, known.chunks if known.nbytes else max(1, size // CHUNK_GUESS))

    def _holding(self, guest: Guest) -> Holding:
        sizes = [
            sum(slot.chunk.nbytes for id_, slot in shelf.held.items() if id_.model == guest.key)
            for shelf in (self.books.vram, self.books.ram)
        ]
        plain = 0 if guest.hosted else plain_bytes(guest)
        return Holding(
            guest.entry.id, guest.entry.title, sizes[0], sizes[1] + plain, bool(guest.leased)
        )
