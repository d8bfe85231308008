"""Which engines copy the voice of a person."""

from collections.abc import Iterable

from engines.catalog import entry


def any_copies(engines: Iterable[str]) -> bool:
    """Tell whether one of those engines can make a copy of a voice."""
    return any("clone" in entry(each).capabilities for each in engines)
