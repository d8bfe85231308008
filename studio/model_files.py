"""Files of trained models that a character may bring: known by their first bytes, never opened as models.

What would run code when it is read (a `.pth` is a pickle) is only recognised here; who loads it later
does so through `engines.checkpoints`. Formats: https://github.com/huggingface/safetensors#format;
torch.save (https://docs.pytorch.org/docs/stable/notes/serialization.html); faiss/impl/index_write.cpp.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from studio.artefacts import Artefact
from studio.characters import Character
from studio.errors import BadInput

Kind = Literal["safetensors", "checkpoint", "index"]

MEDIA_TYPES: dict[Kind, str] = {
    "safetensors": "application/x-safetensors",
    "checkpoint": "application/x-pytorch",
    "index": "application/x-faiss-index",
}
HEADER_BYTES = 16_000_000  # of a safetensors file; those of models have 1 MB at most
LORA = re.compile(r"lora|lokr|loha|hada|glora|oft_|ia3", re.IGNORECASE)
ZIPPED = re.compile(rb"[^/\0]{1,200}/data\.pkl")  # what torch.save writes first
BEFORE_ZIPS = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's number, in files before 1.6
DIMENSIONS = range(1, 4097)  # RVC's features have 256 or 768


def check_look(path: Path, name: str) -> Kind:
    """See that a file is a LoRA in safetensors.

    Raises:
        BadInput: if it is anything else, or damaged.
    """
    kind, tensors = _read(path)
    if kind != "safetensors":
        raise _refused(name, "is no safetensors file", "Give the LoRA as .safetensors.")
    if not any(map(LORA.search, tensors)):
        raise _refused(name, "holds no LoRA", "Give the LoRA alone, not a whole model.")
    return kind


def check_voice(path: Path, name: str) -> Kind:
    """See that a file is an RVC voice's model or index.

    Raises:
        BadInput: if it is anything else, or damaged.
    """
    kind, _ = _read(path)
    if not kind:
        raise _refused(
            name,
            "is no voice of RVC, or damaged",
            "Give the model as .pth or .safetensors, and its .index if there is one.",
        )
    return kind


def checks(character: Character) -> Iterator[tuple[Artefact, Callable[[Path, str], Kind]]]:
    """Yield the model files of a character, each with what checks it."""
    yield from ((each.weights, check_look) for each in character.loras)
    yield from ((each, check_voice) for each in character.voice.models)


def is_index(file: Artefact) -> bool:
    """Tell whether a stored file is an index, which is of no use without a model."""
    return file.media_type == MEDIA_TYPES["index"]


def _read(path: Path) -> tuple[Kind | Literal[""], tuple[str, ...]]:
    """Return what a file is, "" for nothing known, and the names of a safetensors file's tensors."""
    with path.open("rb") as file:
        head = file.read(256)
        if head.startswith(BEFORE_ZIPS) or _is_zipped(head):
            return "checkpoint", ()
        if _is_index(head):
            return "index", ()
        tensors = _tensors(file, path.stat().st_size)
    return ("safetensors" if tensors else ""), tensors


def _is_zipped(head: bytes) -> bool:
    """Tell whether it is a zip whose first member is a checkpoint's."""
    length = int.from_bytes(head[26:28], "little")
    named = ZIPPED.fullmatch(head[30 : 30 + length])
    return head.startswith(b"PK\x03\x04") and named is not None


def _is_index(head: bytes) -> bool:
    """Tell whether it begins as faiss writes indexes: four letters, then the dimension."""
    return (
        head[:1] == b"I"
        and head[:4].isalnum()
        and int.from_bytes(head[4:8], "little") in DIMENSIONS
    )


def _tensors(file: BinaryIO, size_bytes: int) -> tuple[str, ...]:
    """Return the names of the tensors; () if it is no whole safetensors file."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(HEADER_BYTES, size_bytes - 8):
        return ()
    try:
        header: Any = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(header, dict):
        return ()
    named = cast("dict[str, Any]", header)
    named.pop("__metadata__", None)
    ends = [_end(each) for each in named.values()]
    whole = ends and min(ends) >= 0 and max(ends) == size_bytes - 8 - length
    return tuple(named) if whole else ()


def _end(about: Any) -> int:
    """Return where a tensor's bytes end; -1 if that is not said as it should be."""
    match about:
        case {"dtype": str(), "shape": list(), "data_offsets": [int(start), int(end)]}:
            return end if 0 <= start <= end else -1
        case _:
            return -1


def _refused(name: str, what: str, remedy: str) -> BadInput:
    return BadInput(f"{name} {what}", remedy=remedy)
