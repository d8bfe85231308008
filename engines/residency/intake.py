"""Takes engines' networks over: their files are read once, their bytes entered in the books.

One engine is built at a time. transformers sets torch's default dtype for the whole process while it
makes modules, and two builds at once would undo each other's.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from engines.residency.chunks import SMALLEST, Chunk, Model
from engines.residency.device import Device, HostMemory
from engines.residency.files import Files
from engines.residency.guests import Guest, nothing
from engines.residency.loader import Loader, held
from engines.residency.measured import Measured
from engines.residency.networks import Networks


@dataclass(slots=True)
class Intake:
    """Builds networks and enters them in the books.

    Args:
        loader: whose mutex guards the books.
        device: where networks compute.
        host: where their weights wait.
        measured: learns sizes and seconds.
        smallest: bytes of a chunk that is worth its own transfer.
    """

    loader: Loader
    device: Device
    host: HostMemory
    measured: Measured
    smallest: int = SMALLEST
    built: set[str] = field(default_factory=set[str])  # keys of what was, whether it stayed
    _files: dict[str, Files] = field(default_factory=dict[str, Files], init=False)
    _building: Any = field(default_factory=RLock, init=False)

    def load(
        self,
        guest: Guest,
        room: Callable[[int], object],
        check: Callable[[], None] = nothing,
        twin: Callable[[], Guest | None] = lambda: None,
    ) -> None:
        """Let the engine read its files, if it has not, and take its networks over.

        Args:
            guest: an engine with networks.
            room: makes room for so many bytes in host memory; called with the true size.
            check: called while another engine is built; raises `Cancelled`.
            twin: returns a loaded engine of the same weights, if there is one: its networks are shared.
        """
        with held(self._building, check):
            if guest.networks is not None:
                return
            loaded = twin()
            if loaded is not None and loaded.networks is not None:
                guest.engine.share(loaded.networks.modules)
                guest.networks = loaded.networks
                self._learn(guest)
                return
            began = time.monotonic()
            modules = guest.engine.networks()
            load_s = time.monotonic() - began
            networks = Networks(guest.key, modules, self.smallest)
            room(networks.model.nbytes)
            self._enter(guest, networks)
            self._learn(guest, load_s=load_s)
        if not self.device.in_place:
            self.loader.start()

    def read(self, chunk: Chunk, buffer: Any) -> None:
        """Bring a chunk's bytes back from its files."""
        self._files[chunk.id.model].read(chunk, buffer)

    def forget(self, key: str) -> None:
        """Forget an engine's files."""
        self._files.pop(key, None)

    def _learn(self, guest: Guest, **facts: float) -> None:
        if guest.networks is not None:
            model = guest.networks.model
            facts = {"nbytes": model.nbytes, "chunks": max(1, len(model.chunks)), **facts}
            with self.loader.changed:
                self.measured.learn(guest.entry.id, **facts)

    def _enter(self, guest: Guest, networks: Networks) -> None:
        """Bring the bytes into the arena, or leave them where they lie, and enter all of them.

        They are compared with the files and copied without the mutex: that takes as long as reading
        them, and what computes meanwhile must not wait for it.
        """
        moves = not self.device.in_place
        files = Files.of(guest.entry) if moves else Files()
        entered: list[tuple[Chunk, Any]] = []
        try:
            for chunk in networks.model.chunks:
                found, buffer = files.match(chunk, networks.original), None
                if moves:
                    with self.loader.changed:
                        buffer = self.host.alloc(chunk.nbytes)
                    networks.pack(chunk, buffer.tensor)
                entered.append((found, buffer))
        except BaseException:
            with self.loader.changed:
                for _, buffer in entered:
                    self.host.free(buffer)
            raise
        networks.model = Model(guest.key, tuple(chunk for chunk, _ in entered))
        with self.loader.changed:
            self._files[guest.key] = files
            for chunk, buffer in entered:
                self.loader.books.adopt(chunk, buffer)
            self.loader.books.register(networks.model)
            self.built.add(guest.key)
            guest.networks = networks
