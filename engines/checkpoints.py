"""Checkpoints that are pickles (`.pth`, `.ckpt`, `.th`, `.bin`): read without running their code, once.

What they hold is written as safetensors (https://github.com/huggingface/safetensors), which engines load.
"""

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from studio.artefacts import storage_errors
from studio.errors import BadInput, MissingWeights
from studio.lock import waiting_lock

if TYPE_CHECKING:
    import torch

STATE_DICTS = ("state_dict", "model_state_dict", "model", "state")  # where checkpoints keep it


def to_safetensors(path: Path, allow: Sequence[Any] = ()) -> Path:
    """Return the safetensors file of a checkpoint (`.pth`, `.ckpt`, `.th`, `.bin`); made at the first call.

    In the hub's cache the original stays, since other programs read it, and the conversion lies in the
    folder `safetensors` beside it. Elsewhere the conversion takes its place, and the original moves to
    the folder `original`. Tensors keep their names; a state dict inside a larger checkpoint is found;
    tensors that share memory are written each on its own.

    Args:
        path: the checkpoint as it was fetched or given.
        allow: classes or functions that its pickle may name beside tensors and plain data.

    Raises:
        MissingWeights: if there is no such file.
        BadInput: if it is damaged, holds no tensors, or wants to run code when it is read.
        StorageFailed: if the conversion cannot be written.
    """
    shared = "snapshots" in path.parts
    target = (path.parent / "safetensors" if shared else path.parent) / f"{path.stem}.safetensors"
    original = path if shared else path.parent / "original" / path.name
    if path.suffix == ".safetensors":
        return path
    with storage_errors(path.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(target.with_suffix(".lock")):
            source = path if path.is_file() else original
            if not source.is_file():
                if target.is_file():
                    return target
                raise MissingWeights(f"there is no file {path.name!r} in {path.parent}")
            if not _is_made_of(target, source):
                _convert(source, target, allow)
            if not shared and source == path:
                original.parent.mkdir(exist_ok=True)
                path.replace(original)
    return target


def _convert(source: Path, target: Path, allow: Sequence[Any]) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415 - heavy # pyright: ignore[reportUnknownVariableType]

    made_of = {"format": "pt", "source_bytes": str(source.stat().st_size)}
    fresh = target.with_suffix(".new")
    try:
        save_file(_own_memory(read_checkpoint(source, allow)), fresh, metadata=made_of)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def read_checkpoint(path: Path, allow: Sequence[Any] = ()) -> Mapping[str, "torch.Tensor"]:
    """Return the tensors of a pickled checkpoint, read without running any of its code.

    Raises:
        BadInput: as `to_safetensors`.
    """
    import torch  # noqa: PLC0415 - heavy

    try:
        with torch.serialization.safe_globals(list(allow)):
            found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(
            f"{path.name} is damaged, or wants to run code when it is read: it was not opened",
            remedy="Fetch it again from its authors, or take a safetensors file.",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{path.name} is no checkpoint that can be read: {_first_line(error)}",
            remedy="Fetch it again.",
        ) from error
    tensors = dict(_tensors(found))
    if not tensors:
        raise BadInput(f"{path.name} holds no tensors")
    return tensors


class _ArraysOnly(pickle.Unpickler):
    """Makes numpy's arrays and plain data, and refuses everything else."""

    ALLOWED = frozenset({"_reconstruct", "scalar", "ndarray", "dtype"})

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == "_codecs" and global_name == "encode":  # bytes, in old protocols
            return super().find_class(module_name, global_name)
        if module_name.partition(".")[0] == "numpy" and global_name in self.ALLOWED:
            return super().find_class(module_name.replace("numpy.core", "numpy._core"), global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed")


def read_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return the arrays and numbers, by name, of a pickled dictionary; none of its code is run.

    Raises:
        BadInput: if it holds anything else, or is damaged.
    """
    try:
        with path.open("rb") as file:
            found: Any = _ArraysOnly(file).load()
        named = cast("Mapping[Any, Any]", found if isinstance(found, dict) else {})
        arrays = {str(name): np.asarray(each, np.float64) for name, each in named.items()}
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path.name} is damaged, or holds more than numbers: it was not opened",
            remedy="Fetch it again from its authors.",
        ) from error
    if not arrays:
        raise BadInput(f"{path.name} holds no arrays", remedy="Fetch it again from its authors.")
    return arrays


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _tensors(found: Any) -> Iterator[tuple[str, "torch.Tensor"]]:
    """Yield the named tensors of a state dict, or of the one or several inside a checkpoint."""
    import torch  # noqa: PLC0415 - heavy

    if not isinstance(found, Mapping):
        return
    named = cast("Mapping[Any, Any]", found)
    direct = [(str(name), each) for name, each in named.items() if isinstance(each, torch.Tensor)]
    if direct:
        yield from direct
        return
    for name in STATE_DICTS:
        if isinstance(named.get(name), Mapping):
            yield from _tensors(named[name])
            return
    for part, inside in named.items():
        yield from ((f"{part}.{name}", tensor) for name, tensor in _tensors(inside))


def _own_memory(tensors: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Return the tensors, each alone in its memory: safetensors writes no shared ones."""
    seen, own = set[int](), dict[str, "torch.Tensor"]()
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage()
        whole = storage.nbytes() == tensor.numel() * tensor.element_size()
        alone = whole and tensor.is_contiguous() and storage.data_ptr() not in seen
        seen.add(storage.data_ptr())
        own[name] = tensor.detach() if alone else tensor.detach().contiguous().clone()
    return own


def _is_made_of(target: Path, source: Path) -> bool:
    """Tell whether `target` is the conversion of `source` as it is now."""
    try:
        with target.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            about = json.loads(file.read(length))["__metadata__"]
        return about["source_bytes"] == str(source.stat().st_size) and (
            target.stat().st_mtime >= source.stat().st_mtime
        )
    except (OSError, ValueError, KeyError):
        return False
