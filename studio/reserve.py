"""Room on the disk for the last word: how a job ended is written even where nothing else fits any more."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 1 << 20  # some pages of the table of jobs
PLENTY_BYTES = 8 * RESERVE_BYTES  # with less free than that, the room is left to the work


@dataclass(frozen=True, slots=True)
class Reserve:
    """A file that only takes room, and gives it back when the disk is full."""

    path: Path

    def take(self) -> None:
        """Set the room aside, where it is not and there is plenty."""
        with suppress(OSError):
            if self.path.exists() or shutil.disk_usage(self.path.parent).free < PLENTY_BYTES:
                return
            self.path.write_bytes(os.urandom(RESERVE_BYTES))  # zeros would be stored in no room

    def give_back(self) -> bool:
        """Free the room; tell whether there was any."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
