"""One lease of an engine with networks: its weights arrive, are shown, and are shown no more."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from engines.networks import HANDING
from engines.residency.chunks import Chunk, ChunkId
from engines.residency.guests import Guest, nothing
from engines.residency.loader import Loader
from engines.residency.measured import Measured
from engines.residency.networks import Networks
from engines.residency.oom import Ladder, Rung, tile
from studio.errors import Busy, OutOfMemory


class Lent:
    """One lease of an engine with networks."""

    def __init__(
        self, loader: Loader, measured: Measured, guest: Guest, tell: Callable[[str], None]
    ) -> None:
        self.guest, self._loader, self._measured = guest, loader, measured
        self._books, self._device = loader.books, loader.device
        self.streamed = self._entered = False
        self._shown: Chunk | None = None  # the streamed chunk that is attached
        self._check: Callable[[], None] = nothing
        self._handed: dict[ChunkId, Chunk] = {}  # used for the last time, as the engine says
        self.final = False  # no item comes after the one at work
        self.ladder = Ladder(self._rungs(), tell)

    @property
    def _networks(self) -> Networks:
        if self.guest.networks is None:
            raise Busy(f"{self.guest.entry.title} is not loaded")
        return self.guest.networks

    def arrive(self, check: Callable[[], None], *, streamed: bool = False) -> None:
        """Wait until the weights are there, and let the networks use them."""
        self._check = check
        with self._loader.changed:
            self._books.enter(0, streamed=streamed)
            self._entered = True
            ring = self._books.streamed
            if any(not each.block for each in ring):
                raise OutOfMemory(
                    f"{self.guest.entry.title} does not fit on the device, and has no blocks that"
                    " could come one by one",
                    remedy="Choose a smaller quality, or raise UNDERSTUDY_VRAM_BUDGET_GB.",
                )
            self._loader.wait(self._books.ready, check)
            moving = {each.id for each in ring}
            for chunk in self._networks.model.chunks:
                if chunk.id not in moving:
                    self._networks.attach(chunk, self._books.vram.held[chunk.id].buffer)
                else:
                    self._networks.detach(chunk, self._device.torch_device())
        self._networks.stream({each.id: each for each in ring}, self._use)
        self.streamed = bool(ring)
        for network in self._networks.modules.values():
            setattr(network, HANDING, self._handing)

    def depart(self) -> None:
        """Let the networks show nothing; their weights stay as long as nobody needs the room."""
        if not self._entered:
            return
        self._networks.unstream()
        self._handed.clear()
        for network in self._networks.modules.values():
            vars(network).pop(HANDING, None)
        for chunk in self._networks.model.chunks:
            self._networks.detach(chunk)
        self._shown, self._entered = None, False
        with self._loader.changed:
            self._books.leave()

    def _use(self, chunk: Chunk) -> None:
        """A block will compute: its chunk must be there."""
        if self._shown is not None and self._shown.id == chunk.id:
            return
        with self._loader.changed:
            if self._shown is not None:
                self._networks.detach(self._shown, self._device.torch_device())
                self._shown = None
            self._loader.failed = None
            self._loader.wait(lambda: self._books.use(chunk.id), self._check)
            self._networks.attach(chunk, self._books.vram.held[chunk.id].buffer)
            self._shown = chunk
            self._loader.changed.notify_all()

    @contextmanager
    def _handing(self) -> Generator[None, None, None]:
        """Hand chunks on as their blocks have computed; see `engines.networks.last_pass`."""
        if not self.final or self.streamed:
            yield
            return
        moving = {each.id: each for each in self._networks.model.chunks if each.block}
        self._networks.unstream()  # those of an earlier pass that was not the last after all
        self._networks.stream(moving, self._take_back)
        with self._networks.handing(self._hand_on):
            yield

    def _hand_on(self, chunk: Chunk) -> None:
        """A chunk is not needed any more: what comes next may have its room."""
        with self._loader.changed:
            self._networks.detach(chunk, self._device.torch_device())
            self._books.hand_on(chunk.id)
            self._handed[chunk.id] = chunk
            self._loader.changed.notify_all()

    def _take_back(self, chunk: Chunk) -> None:
        """A block will compute: if its chunk was handed on, it must come back."""
        if chunk.id not in self._handed:
            return
        with self._loader.changed:
            self._loader.failed = None
            self._books.take_back(chunk.id)
            self._loader.wait(lambda: self._books.is_here(chunk.id), self._check)
            self._networks.attach(chunk, self._books.vram.held[chunk.id].buffer)
            del self._handed[chunk.id]

    def _rungs(self) -> Mapping[Rung, Callable[[], bool]]:

        def drop_others() -> bool:
            with self._loader.changed:
                return self._books.trim(self._books.vram) > 0

        def empty_cache() -> bool:
            self._device.empty_cache()
            return True

        def tile_networks() -> bool:
            return tile(list(self._networks.modules.values()))

        def stream() -> bool:
            if self.streamed or self._device.in_place:
                return False
            if not any(each.block for each in self._networks.model.chunks):
                return False
            check = self._check
            self.depart()
            self.arrive(check, streamed=True)
            self._measured.learn(self.guest.entry.id, streamed=True)
            return True

        return {
            Rung.DROP_OTHERS: drop_others,
            Rung.EMPTY_CACHE: empty_cache,
            Rung.TILE: tile_networks,
            Rung.STREAM: stream,
        }
