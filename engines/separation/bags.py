"""Demucs' official files: a bag of networks, `NAME.yaml`, and each network by its signature.

Layout of the hub repositories `adefossez/HTDemucs*` (https://github.com/adefossez/demucs, demucs/hf.py
and tools/export_hf.py): `SIGNATURE.safetensors` holds the state dict, often in half precision, and in
its metadata the class and its arguments as JSON. The older `SIGNATURE-CHECKSUM.th` is a pickle of the
same; it is read with `weights_only=True`, and the checksum in its name is checked. No class is imported
because a file says so: only Hybrid Transformer Demucs is known.
"""

import inspect
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from studio.errors import BadInput, MissingWeights

if TYPE_CHECKING:
    import torch

CLASS = "demucs.htdemucs.HTDemucs"
FETCH = "Fetch the weights: ./run.sh weights."
AGAIN = "Fetch the weights again: ./run.sh weights."
VOICE = "vocals"


@dataclass(frozen=True, slots=True)
class Member:
    """A network of a bag, and its say in the voice."""

    signature: str
    network: "torch.nn.Module"  # an HTDemucs
    share: float  # of the voice; 0..1


@dataclass(frozen=True, slots=True)
class _Bag:
    """`NAME.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    models: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None = None  # (models, sources)
    segment: float | None = None  # seconds, if shorter than the network's own


@dataclass(frozen=True, slots=True)
class _Package:
    """What a file of a network holds."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    state: Mapping[str, "torch.Tensor"]

    @property
    def sources(self) -> list[str]:
        return list(self.kwargs.get("sources") or self.args[0])


def open_bag(folder: Path, name: str) -> tuple[tuple[int, Member], ...]:
    """Return the members of a bag that have a say in the voice, with their places in the bag.

    The others need not be there: their word does not count in the official average either.

    Args:
        folder: with the official files.
        name: of the bag, such as "htdemucs_ft".

    Raises:
        MissingWeights: if a file is not there.
        BadInput: if a file is not what it should be.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise MissingWeights(f"there is no {path.name} in {folder}", remedy=FETCH)
    try:
        bag = TypeAdapter(_Bag).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not a bag of Demucs networks", remedy=AGAIN) from error
    says = _says(folder, bag)
    total = sum(says)
    if len(says) != len(bag.models) or total <= 0:
        raise BadInput(f"{path.name} gives no network a say in the voice", remedy=AGAIN)
    return tuple(
        (place, Member(each, _network(folder, each, bag.segment), say / total))
        for place, (each, say) in enumerate(zip(bag.models, says, strict=True))
        if say > 0
    )


def _says(folder: Path, bag: _Bag) -> list[float]:
    """Return the weight of each network in the voice."""
    if bag.weights is None:
        return [1.0] * len(bag.models)
    there = next((each for each in bag.models if _find(folder, each)), bag.models[-1])
    sources = _read(folder, there).sources
    if VOICE not in sources or any(len(each) != len(sources) for each in bag.weights):
        raise BadInput(f"the bag does not weigh {', '.join(sources)}", remedy=AGAIN)
    return [each[sources.index(VOICE)] for each in bag.weights]


def _network(folder: Path, signature: str, segment_s: float | None) -> "torch.nn.Module":
    """Make a network and fill it."""
    from demucs.htdemucs import HTDemucs  # noqa: PLC0415 - heavy

    package = _read(folder, signature)
    known = inspect.signature(HTDemucs).parameters
    kwargs = {name: value for name, value in package.kwargs.items() if name in known}  # as official
    try:
        network: Any = HTDemucs(*package.args, **kwargs)
        network.load_state_dict(package.state)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0] if str(error) else "wrong arguments"
        raise BadInput(f"{signature} is not a Demucs network: {why}", remedy=AGAIN) from error
    if network.samplerate != 44_100 or network.audio_channels != 2 or VOICE not in network.sources:
        raise BadInput(f"{signature} does not hear voices in stereo at 44.1 kHz", remedy=AGAIN)
    if segment_s is not None:
        network.segment = min(network.segment, segment_s)
    return network.eval().requires_grad_(False)


def _find(folder: Path, signature: str) -> Path | None:
    plain = folder / f"{signature}.safetensors"
    older = sorted(folder.glob(f"{signature}-*.th")) + sorted(folder.glob(f"{signature}.th"))
    return plain if plain.is_file() else next(iter(older), None)


def _read(folder: Path, signature: str) -> _Package:
    path = _find(folder, signature)
    if path is None:
        raise MissingWeights(f"there is no {signature}.safetensors in {folder}", remedy=FETCH)
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)


def _read_safetensors(path: Path) -> _Package:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - heavy

    try:
        opened: Any = safe_open(path, framework="pt")
        with opened as file:
            about: dict[str, str] = file.metadata() or {}
            state = {str(name): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if about["klass"] != CLASS or "structure" in about:
            raise BadInput(f"{path.name} holds another network than {CLASS}, or a quantised one")
        args, kwargs = (
            json.loads(about[name], object_hook=_fraction) for name in ("args", "kwargs")
        )
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise BadInput(f"{path.name} is not a file of Demucs ({error})", remedy=AGAIN) from error
    return _Package(args, kwargs, state)


def _fraction(found: dict[str, Any]) -> Any:
    """Return the fraction that the official JSON writes as a dictionary, or what it is."""
    if found.get("_type") == "fraction":
        return Fraction(found["numerator"], found["denominator"])
    return found


def _read_pickle(path: Path) -> _Package:
    import torch  # noqa: PLC0415 - heavy
    from demucs.htdemucs import HTDemucs  # noqa: PLC0415 - heavy

    _, _, checksum = path.stem.partition("-")
    with path.open("rb") as file:
        found = sha256()
        while chunk := file.read(1 << 20):
            found.update(chunk)
    if not found.hexdigest().startswith(checksum):
        raise BadInput(f"{path.name} is damaged: its checksum is not in its name", remedy=AGAIN)
    try:
        with torch.serialization.safe_globals([HTDemucs, Fraction]):
            package: Any = torch.load(path, map_location="cpu", weights_only=True)
        if package["klass"] is not HTDemucs or package["state"].get("__quantized"):
            raise BadInput(f"{path.name} holds another network than {CLASS}, or a quantised one")
        return _Package(package["args"], package["kwargs"], package["state"])
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, TypeError) as error:
        raise BadInput(f"{path.name} is not a file of Demucs", remedy=AGAIN) from error
