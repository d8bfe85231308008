"""The engines that were made, and who of them leaves host memory for another."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from engines.residency.device import HostMemory
from engines.residency.guests import Guest, plain_bytes
from engines.residency.intake import Intake
from engines.residency.loader import LOOK_S, Loader


@dataclass(slots=True)
class Lodging:
    """Every engine that was made, by id; they leave as a whole.

    Args:
        loader: whose mutex guards everything.
        host: the memory they share.
        intake: knows their files.
    """

    loader: Loader
    host: HostMemory
    intake: Intake
    guests: dict[str, Guest] = field(default_factory=dict[str, Guest])

    def make_room(self, nbytes: int, but: Guest, sooner: float = -1.0) -> bool:
        """Let engines go, the farthest next use first, until `nbytes` more fit in host memory.

        Args:
            nbytes: how much.
            but: for whom.
            sooner: what is needed at that stage or before it stays.

        Returns:
            Whether they fit; where they do not, `sooner` was given and nobody was let go.
        """
        with self.loader.changed:
            if but.coming:  # what was promised to it is counted already
                nbytes -= self.loader.books.promised_bytes
            able = [each for each in self.idle() if each.key != but.key]
            able = [each for each in able if self.next_use(each)[0] > sooner]
            able.sort(key=self.next_use, reverse=True)
            most = sum(map(self._host_bytes, able))
            if sooner >= 0 and self.lacking(nbytes) > most:
                return False
            for each in able:
                if self.lacking(nbytes) <= 0:
                    break
                self.let_go(each)
            return self.lacking(nbytes) <= 0

    def lacking(self, nbytes: int) -> int:
        """Return by how much `nbytes` more are too many for host memory; the caller holds the mutex."""
        plain = sum(map(plain_bytes, self.guests.values()))
        used = self.loader.books.ram.used_bytes + self.loader.books.promised_bytes + plain
        return used + nbytes - self.host.capacity_bytes()

    def _host_bytes(self, guest: Guest) -> int:
        """Return what an engine holds in host memory; the caller holds the mutex."""
        held_ = self.loader.books.ram.held.items()
        own = sum(slot.chunk.nbytes for id_, slot in held_ if id_.model == guest.key)
        return own + plain_bytes(guest)

    def idle(self) -> list[Guest]:
        """Return one engine of each that may be let go: none of the same networks is in use."""
        busy = {each.key for each in self.guests.values() if each.leased or each.coming}
        able = {each.key: each for each in self.guests.values() if each.key not in busy}
        return [each for each in able.values() if each.hosted or plain_bytes(each)]

    def twin(self, guest: Guest) -> Guest | None:
        """Return a loaded engine of the same weights."""
        with self.loader.changed:
            same = (each for each in self.guests.values() if each.key == guest.key)
            return next((each for each in same if each.networks is not None), None)

    def next_use(self, guest: Guest) -> tuple[float, float]:
        """Return the stage that needs it next, and how long ago it was used; the caller holds the mutex."""
        use = self.loader.books.plan.next_use(guest.key, self.loader.books.at)
        return (use, -guest.used_s)

    def let_go(self, guest: Guest) -> None:
        """Forget an engine as a whole, and those of its networks; the caller holds the mutex."""
        key = guest.key
        while any(self._in_transit(key)):
            self.loader.changed.wait(LOOK_S)
        self.loader.books.forget(key)
        self.intake.forget(key)
        for each in [each for each in self.guests.values() if each.key == key]:
            unload = getattr(each.engine, "unload", None)
            if callable(unload):
                unload()
            del self.guests[each.entry.id]

    def _in_transit(self, key: str) -> Iterator[bool]:
        for shelf in (self.loader.books.ram, self.loader.books.vram):
            for id_, slot in shelf.held.items():
                if id_.model == key and (not slot.settled or slot.pins):
                    yield True
