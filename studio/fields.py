"""A request's fields as people see them: from these the command line and the documents are made."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from studio.artefacts import Artefact
from studio.characters import Character

Kind = Literal["file", "character", "switch", "choice", "number", "text", "data"]

UNITS: Mapping[str, str] = {
    "s": "seconds",
    "ms": "milliseconds",
    "hours": "hours",
    "hz": "Hz",
    "db": "dB",
    "lufs": "LUFS",
    "px": "pixels",
    "percent": "%",
    "bpm": "beats per minute",
    "fps": "frames per second",
    "bytes": "bytes",
    "mb": "MB",
    "gb": "GB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field of a request."""

    name: str
    kind: Kind
    many: bool  # a tuple of such values
    required: bool
    default: Any  # None where it is required
    choices: tuple[Any, ...]
    unit: str  # "seconds", or ""
    limits: str  # "0 to 12", "at least 1", or ""
    help: str
    extra: Mapping[str, Any]  # json_schema_extra

    @property
    def title(self) -> str:
        """Its name in words, without the unit; another where the model says so."""
        if "title" in self.extra:
            return str(self.extra["title"])
        words = self.name.rpartition("_")[0] if self.unit else self.name
        return words.replace("_", " ").capitalize()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return f"--{self.name.replace('_', '-')}"


def fields_of(model: type[BaseModel]) -> tuple[FieldView, ...]:
    """Return the fields of `model` that it uses, its own before those of its base classes."""
    base = next((each for each in model.__bases__ if issubclass(each, BaseModel)), BaseModel)
    inherited = [name for name in model.model_fields if name in base.model_fields]
    own = [name for name in model.model_fields if name not in base.model_fields]
    views = (_view(name, model.model_fields[name]) for name in own + inherited)
    return tuple(each for each in views if not each.extra.get("unused"))


def unit_of(name: str) -> str:
    """Return the unit that ends a field's name, in words; empty where it has none."""
    return UNITS.get(name.rpartition("_")[2], "") if "_" in name else ""


def _view(name: str, info: FieldInfo) -> FieldView:
    kind, many, choices = _kind(info.annotation)
    extra = info.json_schema_extra
    return FieldView(
        name=name,
        kind=kind,
        many=many,
        required=info.is_required(),
        default=None
        if info.is_required()
        else _known(info.get_default()),  # what is made anew each time is told nowhere
        choices=choices,
        unit=unit_of(name),
        limits=_limits(info),
        help=" ".join((info.description or "").split()),
        extra=cast("Mapping[str, Any]", extra) if isinstance(extra, dict) else {},
    )


def _known(default: Any) -> Any:
    return None if default is PydanticUndefined else default


def _kind(annotation: Any) -> tuple[Kind, bool, tuple[Any, ...]]:
    """Return what a field takes, whether it takes several, and its choices."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        present = [each for each in get_args(annotation) if each is not type(None)]
        return _kind(present[0]) if len(present) == 1 else ("data", False, ())
    if origin is Literal:
        return "choice", False, get_args(annotation)
    if origin is tuple and get_args(annotation)[1:] == (Ellipsis,):
        kind, many, choices = _kind(get_args(annotation)[0])
        return ("data", False, ()) if many or kind == "data" else (kind, True, choices)
    plain: dict[Any, Kind] = {
        Artefact: "file",
        Character: "character",
        bool: "switch",
        int: "number",
        float: "number",
        str: "text",
    }
    return plain.get(annotation, "data"), False, ()


def _limits(info: FieldInfo) -> str:
    found = {
        name: getattr(each, name)
        for each in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(each, name, None) is not None
    }
    low = found.get("ge", found.get("gt"))
    high = found.get("le", found.get("lt"))
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{'more than' if 'gt' in found else 'at least'} {low}"
    if high is not None:
        return f"{'less than' if 'lt' in found else 'at most'} {high}"
    return ""
