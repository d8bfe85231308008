"""Opening the official files of a recogniser, with one clear sentence where they are not there."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError

from studio.errors import BadInput, MissingWeights

T = TypeVar("T")


def opened(weights: Path, needed: tuple[str, ...], read: Callable[[], T]) -> T:
    """Return what `read` makes of the folder.

    Args:
        weights: folder in the official layout.
        needed: files without which nothing works.
        read: reads them; what it raises becomes a `BadInput`.

    Raises:
        MissingWeights: if one of `needed` is not there.
        BadInput: if the files are there but are not what they should be.
    """
    lacking = [name for name in needed if not (weights / name).is_file()]
    if lacking:
        raise MissingWeights(
            f"the weights in {weights} lack {', '.join(lacking)}",
            remedy="Download them in the Engine Room, or by ./run.sh weights.",
        )
    try:
        return read()
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise BadInput(
            f"the weights in {weights} cannot be read ({' '.join(str(error).split())[:200]})",
            remedy="Remove that folder and download it again.",
        ) from error
