"""What makes two pieces of work the same: sha256 over canonical JSON (RFC 8785 in spirit).

Everything that can change the output is in the key; names, paths and times are not.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from pydantic import BaseModel

from studio.artefacts import Artefact


def digest(value: Any) -> str:
    """Return the sha256, in hex, of `value` in canonical form.

    Args:
        value: plain data, artefacts, frozen dataclasses and pydantic models of those, nested.

    Raises:
        TypeError: if `value` holds something whose identity is unclear, such as a path.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one line a kind
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Artefact):
        return {"artefact": value.sha256}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {str(name): _plain(each) for name, each in members.items()}
    if isinstance(value, frozenset):
        members = cast("frozenset[Any]", value)
        return sorted(json.dumps(_plain(each), sort_keys=True) for each in members)
    if isinstance(value, Sequence):
        return [_plain(each) for each in cast("Sequence[Any]", value)]
    raise TypeError(f"{type(value).__name__} has no place in a key: {value!r}")
