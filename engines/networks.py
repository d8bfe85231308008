"""What engines with networks have in common.

Such an engine takes the folder of its weights as `weights`, loads nothing when it is made, and has
one more verb beside its role's: `networks()` reads the official files on the first call and returns
its networks by name, on the CPU, in eval mode and in the dtype they compute in. The model manager
moves their parameters; the engine puts its inputs where the parameters are (`device_of`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Hosted(Protocol):
    """An engine whose networks the model manager moves."""

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the networks, always the same objects; the first call reads the files.

        Raises:
            MissingWeights: if a file is not there.
        """
        ...


def pretrained(kind: type[Any], weights: Path, dtype: str = "float32", **options: Any) -> Any:
    """Return a model of transformers or diffusers from a local folder, ready for inference.

    Args:
        kind: a class with `from_pretrained`.
        weights: folder in the official layout; nothing is fetched.
        dtype: a name of torch's, such as "bfloat16".
        options: for `from_pretrained`.
    """
    import torch  # noqa: PLC0415 - heavy

    model = kind.from_pretrained(
        weights, dtype=getattr(torch, dtype), local_files_only=True, **options
    )
    return model.eval().requires_grad_(False)


def device_of(network: "torch.nn.Module") -> "torch.device":
    """Return where the network's parameters are."""
    return next(network.parameters()).device
