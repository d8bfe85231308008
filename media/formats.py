"""Sizes of finished films: a file in `presets/formats/` for each place where people watch them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from studio.errors import BadPreset

PRESETS = Path(__file__).parents[1] / "presets" / "formats"

Side = Annotated[int, Field(ge=64, le=7680, multiple_of=2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One file of `presets/formats/`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    title: str
    width_px: Side
    height_px: Side
    about: str = ""
    covered_px: Annotated[int, Field(ge=0)] = 0  # at the bottom, where the app writes over the film


def formats(root: Path = PRESETS) -> dict[str, Format]:
    """Return all formats by id, which is the file's name.

    Raises:
        BadPreset: if a file is not a format.
    """
    adapter = TypeAdapter(Format)
    found: dict[str, Format] = {}
    for path in sorted(root.glob("*.toml")):
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            found[path.stem] = adapter.validate_python({"id": path.stem, **values})
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise BadPreset(f"{path.name}: {error}") from error
    return found


def format_of(id_: str, root: Path = PRESETS) -> Format:
    """Return one format.

    Raises:
        BadPreset: if there is none of that name.
    """
    known = formats(root)
    if id_ not in known:
        raise BadPreset(f"there is no format {id_!r}", remedy=f"Choose {', '.join(known)}.")
    return known[id_]
