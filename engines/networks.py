"""What engines with networks have in common.

Such an engine takes the folder of its weights as `weights`, loads nothing when it is made, and has
one more verb beside its role's: `networks()` reads the official files on the first call and returns
its networks by name, on the CPU, in eval mode and in the dtype they compute in. The model manager
moves their parameters; the engine puts its inputs where the parameters are (`device_of`).
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from studio.errors import MissingWeights

if TYPE_CHECKING:
    import torch


HANDING = "_understudy_handing"  # attribute of a lent network: what `last_pass` begins


@runtime_checkable
class Hosted(Protocol):
    """An engine whose networks the model manager moves."""

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the networks, always the same objects; the first call reads the files.

        Raises:
            MissingWeights: if a file is not there.
        """
        ...


@runtime_checkable
class Sharing(Protocol):
    """A hosted engine that works with another one's networks, where weights and dtype are the same.

    Its preset says so by the capability `shares`.
    """

    def share(self, networks: Mapping[str, "torch.nn.Module"]) -> None:
        """Take those networks in place of reading the files."""
        ...


@contextmanager
def last_pass(network: "torch.nn.Module") -> Generator[None, None, None]:
    """Tell that inside `network` computes for the last time in this call of the engine's verb.

    Where the manager lends it for no item after this one, each block's weights may then leave as soon
    as it has computed, and what the next stage needs arrives in their place. Nothing breaks where a
    block is used again after all: its weights come back, which takes time.
    """
    begin: Callable[[], AbstractContextManager[None]] = getattr(network, HANDING, nullcontext)
    with begin():
        yield


def pretrained(kind: type[Any], weights: Path, dtype: str = "float32", **options: Any) -> Any:
    """Return a model of transformers or diffusers from a local folder, ready for inference.

    Args:
        kind: a class with `from_pretrained`.
        weights: folder in the official layout; nothing is fetched.
        dtype: a name of torch's, such as "bfloat16".
        options: for `from_pretrained`; with `output_loading_info` it returns that beside the model.
    """
    import torch  # noqa: PLC0415 - heavy

    loaded = kind.from_pretrained(
        weights, dtype=getattr(torch, dtype), local_files_only=True, **options
    )
    model = loaded[0] if options.get("output_loading_info") else loaded
    model.eval().requires_grad_(False)
    return loaded


def official(
    kind: type[Any], weights: Path, dtype: str, *, files: tuple[str, ...], **options: Any
) -> Any:
    """Return what `pretrained` does, every parameter of which stands in the files.

    Args:
        kind: a class with `from_pretrained`.
        weights: folder in the official layout.
        dtype: a name of torch's.
        files: of the folder, that must be there beside the parameters.
        options: for `from_pretrained`.

    Raises:
        MissingWeights: if a file or a parameter is missing, or cannot be read.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - slow to import

    lacking = [each for each in files if not (weights / each).is_file()]
    if lacking:
        raise MissingWeights(
            f"{' and '.join(lacking)} of the weights in {weights.name or weights} are not here",
            remedy="Fetch the weights, in the Engine Room or by ./run.sh weights.",
        )
    try:
        model, told = pretrained(kind, weights, dtype, output_loading_info=True, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:200]
        raise MissingWeights(
            f"the weights in {weights.name} cannot be read: {why}", remedy="Fetch them again."
        ) from error
    if told["missing_keys"]:
        some = ", ".join(sorted(told["missing_keys"])[:3])
        raise MissingWeights(
            f"the weights in {weights.name} lack {some}", remedy="Fetch them again."
        )
    return model


def device_of(network: "torch.nn.Module") -> "torch.device":
    """Return where the network's parameters are."""
    return next(network.parameters()).device
