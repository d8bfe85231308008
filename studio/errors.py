"""Every error the studio raises on purpose.

* StudioError
  x BadInput (ValueError): a file or a setting of the user cannot be used
    + NotFound (LookupError): no such job, artefact or page for this user
    + LimitReached: a queue, a day's allowance or a size is full
  x BadPreset (LookupError): no such preset, or its text is wrong
  x MissingWeights (RuntimeError): weights, a package or a program are not here
  x LicenceRefused (PermissionError): terms were not accepted without which weights are not given
  x OutOfMemory (MemoryError): the model does not fit, even alone
  x StorageFailed (OSError): the disk is full or the folder cannot be written
  x ToolFailed (OSError): ffmpeg or another program stopped with an error
  x Busy (RuntimeError): another process owns the data folder
  x Cancelled: the user pressed Stop; never an error in the log
  x Waiting: a person is asked to look; the job is parked, not failed
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class StudioError(Exception):
    """Base class: `except StudioError` catches every failure we foresaw.

    Args:
        message: What happened, with the value that was seen; a sentence without its full stop.
        remedy: What the user can do, a whole sentence; empty where there is nothing to do.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    @property
    def sentence(self) -> str:
        """Message and remedy as the user reads them, on one line."""
        return f"{' '.join(str(self).split()).rstrip('.')}. {self.remedy}".strip()


def first_said(error: "ValidationError") -> str:
    """Return the first thing that pydantic found wrong, without what it puts before our own words."""
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def capital(sentence: str) -> str:
    """Return a sentence with a capital letter, unless it begins with the name of a file."""
    first = sentence.split(" ", 1)[0].rstrip(".,:")
    return sentence if "." in first else sentence[:1].upper() + sentence[1:]


class BadInput(StudioError, ValueError):
    """A file or a setting of the user cannot be used."""


class NotFound(BadInput, LookupError):
    """There is no such thing, or it is not this user's."""


class LimitReached(BadInput):
    """A queue, a day's allowance or a size is full."""


class BadPreset(StudioError, LookupError):
    """There is no such preset, or its text is wrong."""


class MissingWeights(StudioError, RuntimeError):
    """Weights, a package or a program are not here."""


class LicenceRefused(StudioError, PermissionError):
    """Terms were not accepted, without which weights are not given."""


class OutOfMemory(StudioError, MemoryError):
    """The model does not fit on the device, even with nothing else loaded."""


class StorageFailed(StudioError, OSError):
    """The disk is full, or the folder cannot be written."""


class ToolFailed(StudioError, OSError):
    """Another program stopped with an error."""


class Busy(StudioError, RuntimeError):
    """Another process owns the data folder."""


class Cancelled(StudioError):
    """The user pressed Stop."""


class Waiting(StudioError):
    """A person is asked to look at `shown` (JSON); the job is parked until they answer."""

    def __init__(self, review: str, shown: str) -> None:
        super().__init__(f"waiting for you to look at the {review}")
        self.review = review
        self.shown = shown
