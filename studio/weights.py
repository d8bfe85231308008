"""The command `weights`: lists what engines load, and fetches what is missing, as a job."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from studio.console import printable

GB = 1e9
HEADS = ("engine", "role", "repository", "size", "state", "commercial", "licence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How it stands with the weights of one engine."""

    engine: str  # id
    role: str
    repo: str
    state: str  # present, partial, missing, gated (missing, and behind terms)
    bytes: int  # 0: unknown
    to_fetch_bytes: int  # 0: nothing, or unknown
    licence: str
    commercial: str  # yes, no, unknown
    also: str  # what else the engine lacks here, and how to get it


def write_holdings(holdings: Sequence[Holding], out: TextIO) -> None:
    """Write them as a table, and below it their sum and what else their engines lack."""
    if not holdings:
        out.write("No engine of these has weights: everything came with the packages.\n")
        return
    rows = [HEADS, *(_row(each) for each in holdings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        out.write(f"{printable('  '.join([*cells, row[-1]]).rstrip())}\n")
    unknown = [each.engine for each in holdings if not each.bytes]
    rest = f"; the size is not known of {', '.join(unknown)}" if unknown else ""
    total = sum(each.bytes for each in holdings)
    out.write(f"together {'at least ' if unknown and total else ''}{size(total)}{rest}\n")
    for each in holdings:
        if each.also:
            out.write(f"{printable(f'{each.engine} also wants {each.also}')}\n")


def write_summary(holdings: Sequence[Holding], job: str, state: str) -> None:
    """Write the last line: one JSON object."""
    said = {"job": job, "state": state, "weights": [asdict(each) for each in holdings]}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def lacking(holdings: Sequence[Holding]) -> list[Holding]:
    """Return those that are not wholly here; gated ones last, since they may be refused."""
    absent = [each for each in holdings if each.state != "present"]
    return sorted(absent, key=lambda each: each.state == "gated")


def amount(holdings: Sequence[Holding]) -> str:
    """Return how much there is to fetch, in words: "3.2 GB", "at least 1.1 GB"."""
    known = sum(each.to_fetch_bytes for each in holdings)
    unknown = any(not each.to_fetch_bytes for each in holdings)
    if not known:
        return "an unknown amount"
    return f"{'at least ' if unknown else ''}{size(known)}"


def size(count_bytes: int) -> str:
    """Return a size in words: 12.3 MB, 3.2 GB; "unknown" for 0."""
    if not count_bytes:
        return "unknown"
    return (
        f"{count_bytes / GB:.1f} GB" if count_bytes >= 0.1 * GB else f"{count_bytes / 1e6:.1f} MB"
    )


def _row(each: Holding) -> tuple[str, ...]:
    kind = (each.engine, each.role, each.repo, size(each.bytes))
    return (*kind, each.state, each.commercial, each.licence)
