"""LivePortrait's five networks, read from the official files, and what one asks of them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.animation.liveportrait_motion import Floats, Likeness, Poses
from engines.checkpoints import to_safetensors
from engines.networks import device_of
from engines.roles import Picture
from studio.errors import BadInput, MissingWeights

if TYPE_CHECKING:
    import torch

FETCH = "Fetch the weights: ./run.sh weights."
AGAIN = "Fetch the weights again: ./run.sh weights."
BASE = "liveportrait/base_models"
FILES = {
    "F": f"{BASE}/appearance_feature_extractor.pth",
    "M": f"{BASE}/motion_extractor.pth",
    "W": f"{BASE}/warping_module.pth",
    "G": f"{BASE}/spade_generator.pth",
    "S": "liveportrait/retargeting_models/stitching_retargeting_module.pth",
}


class Networks:
    """The networks on the device where they are; on a GPU they compute in half precision.

    Args:
        weights: folder in the official layout.
        narrow: what all widths are divided by; 1: as published.
    """

    def __init__(self, weights: Path, narrow: int = 1) -> None:
        self._weights, self._narrow = weights, narrow

    @property
    def seen_px(self) -> int:
        """The side of the square that they see; they make one of twice that side."""
        from engines.animation.nets.liveportrait import Widths  # noqa: PLC0415 - heavy

        return Widths(self._narrow).seen_px

    @cached_property
    def modules(self) -> Mapping[str, "torch.nn.Module"]:
        """The networks by the letters of the paper; the first look reads the files.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if a file is not what it should be.
        """
        from engines.animation.nets.liveportrait import (  # noqa: PLC0415 - heavy
            AppearanceExtractor,
            Warp,
            Widths,
        )
        from engines.animation.nets.motion_extractor import (  # noqa: PLC0415 - heavy
            MotionExtractor,
            fittings,
        )
        from engines.animation.nets.spade import Generator  # noqa: PLC0415 - heavy

        widths = Widths(self._narrow)
        kinds: Mapping[str, Callable[[Widths], torch.nn.Module]] = {
            "F": AppearanceExtractor, "M": MotionExtractor, "W": Warp, "G": Generator, "S": fittings,
        }  # fmt: skip
        return {
            name: filled(lambda kind=kind: kind(widths), self._weights / FILES[name])
            for name, kind in kinds.items()
        }

    def look(self, pictures: Sequence[Picture]) -> tuple[Poses, Floats]:
        """Return the poses of faces, in squares of `seen_px`, and their canonical points, (n, 21, 3)."""
        found = self._ask("M", self._pictures(pictures, "M"))
        read = {name: each.float().cpu().numpy() for name, each in found.items()}
        angles = np.concatenate([read["pitch"], read["yaw"], read["roll"]], axis=1)
        expression = read["exp"].reshape(-1, 21, 3)
        return Poses(angles, read["scale"], read["t"], expression), read["kp"].reshape(-1, 21, 3)

    def likeness(self, picture: Picture) -> Likeness:
        """Return the face of a portrait, in a square of `seen_px`."""
        pose, points = self.look([picture])
        return Likeness(pose, points[0])

    def volume(self, picture: Picture) -> "torch.Tensor":
        """Return the features of a portrait, (1, 32, 16, 64, 64)."""
        return self._ask("F", self._pictures([picture], "F"))

    def fit(self, name: str, *given: Floats) -> Floats:
        """Return what a part of S says of numbers side by side, (n, anything) each."""
        import torch  # noqa: PLC0415 - heavy

        network = self.modules["S"].get_submodule(name)
        joined = np.concatenate([each.reshape(len(each), -1) for each in given], axis=1)
        with torch.inference_mode():
            asked = torch.from_numpy(joined.astype(np.float32)).to(device_of(network))
            return network(asked).float().cpu().numpy()

    def draw(self, volume: "torch.Tensor", source: Floats, driven: Floats) -> list[Picture]:
        """Return the portrait with its key points moved, squares of twice `seen_px`.

        Args:
            volume: (1, 32, 16, 64, 64).
            source: (21, 3), its key points in the portrait.
            driven: (n, 21, 3), where they go.
        """
        import torch  # noqa: PLC0415 - heavy

        device, count = device_of(self.modules["W"]), len(driven)
        there = torch.from_numpy(driven).to(device)
        here = torch.from_numpy(source)[None].expand(count, -1, -1).to(device)
        features = self._ask("W", volume.to(device).expand(count, -1, -1, -1, -1), there, here)
        made = self._ask("G", features.to(device_of(self.modules["G"])))
        pixels = made.permute(0, 2, 3, 1).float().clamp(0, 1).mul(255).round()
        return list(pixels.to(torch.uint8).cpu().numpy())

    def _ask(self, name: str, *given: "torch.Tensor") -> Any:
        import torch  # noqa: PLC0415 - heavy

        kind = given[0].device.type
        half = torch.autocast(kind, torch.float16, enabled=kind == "cuda")
        with torch.inference_mode(), half:
            return self.modules[name](*given)

    def _pictures(self, pictures: Sequence[Picture], name: str) -> "torch.Tensor":
        import torch  # noqa: PLC0415 - heavy

        whole = torch.from_numpy(np.stack(pictures)).to(device_of(self.modules[name]))
        return whole.permute(0, 3, 1, 2).float() / 255


def filled(make: "Callable[[], torch.nn.Module]", path: Path) -> "torch.nn.Module":
    """Return a network with the tensors of its checkpoint, ready for inference.

    Raises:
        MissingWeights: if the file is not there.
        BadInput: if it is not what the network wants.
    """
    import torch  # noqa: PLC0415 - heavy

    state = read_state(path)
    try:
        with torch.device("meta"):
            network = make()
        network.load_state_dict(
            {name.replace(".module.", "."): each for name, each in state.items()}, assign=True
        )
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise BadInput(f"{path.name} is not what was expected: {why}", remedy=AGAIN) from error
    return network.eval().requires_grad_(False)


def read_state(path: Path, allow: Sequence[Any] = ()) -> "Mapping[str, torch.Tensor]":
    """Return the tensors of a checkpoint.

    Raises:
        MissingWeights: if the file is not there.
        BadInput: if it cannot be read.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - heavy
    from safetensors import torch as tensors  # noqa: PLC0415 - heavy

    try:
        return tensors.load_file(to_safetensors(path, allow))
    except MissingWeights as error:
        raise MissingWeights(f"{path.name} is not here", remedy=FETCH) from error
    except SafetensorError as error:
        raise BadInput(f"{path.name} cannot be read", remedy=AGAIN) from error
