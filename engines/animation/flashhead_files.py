"""SoulX-FlashHead's official files, made into networks."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter

from engines.checkpoints import to_safetensors
from engines.networks import official
from studio.errors import BadInput, MissingWeights

if TYPE_CHECKING:
    from engines.animation.nets.flashhead import FlashHead

FETCH = "Fetch the weights, in the Engine Room or by ./run.sh weights."
AGAIN = "Fetch the weights again: ./run.sh weights."


def read_transformer(folder: Path, dtype: str) -> "FlashHead":
    """Return the transformer of `config.json` and `diffusion_pytorch_model.safetensors`.

    Every parameter must stand in the file, and nothing else but what the official forward leaves out.

    Raises:
        MissingWeights: if a file is not there.
        BadInput: if one is not what it should be.
    """
    import torch  # noqa: PLC0415 - heavy
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - heavy

    from engines.animation.nets.flashhead import (  # noqa: PLC0415 - heavy
        UNUSED,
        WINDOW,
        FlashHead,
        Shape,
    )

    config, file = folder / "config.json", folder / "diffusion_pytorch_model.safetensors"
    _check_there((config, file))
    try:
        about: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        read: Any = safe_open
        with read(file, "pt") as tensors:
            kept: list[str] = [each for each in tensors.keys() if not each.startswith(UNUSED)]  # noqa: SIM118 - no dict
            into, out = (
                _sizes(tensors, f"audio_proj.{name}.weight") for name in ("proj1", "proj3")
            )
            heard = {
                "heard_dim": into[1] // WINDOW,
                "heard_mid": into[0],
                "heard_tokens": out[0] // int(about["dim"]),
            }
            shape = TypeAdapter(Shape).validate_python({**about, **heard})
            with torch.device("meta"):
                network = FlashHead(shape)
            kind = getattr(torch, dtype)
            network.load_state_dict(
                {name: tensors.get_tensor(name).to(kind) for name in kept}, assign=True
            )
    except (SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise _unlike(folder, error) from error
    return network.eval().requires_grad_(False)


def read_vae(path: Path, dtype: str) -> Any:
    """Return the autoencoder of Wan 2.1 (the class of diffusers) from its official `.pth`.

    Against FlashHead's copy of the official class (all 194 tensors, random, seed 12, full size, float32):
    latents differ by 2.4e-7 (their peak is 2.2), pixels, from -1 to 1, by 7.2e-6.

    Raises:
        MissingWeights: if the file is not there.
        BadInput: if it is not what it should be.
    """
    import torch  # noqa: PLC0415 - heavy
    from diffusers.loaders.single_file_utils import (  # noqa: PLC0415 - heavy
        convert_wan_vae_to_diffusers,  # pyright: ignore[reportUnknownVariableType]
    )
    from diffusers.models.autoencoders.autoencoder_kl_wan import (  # noqa: PLC0415 - heavy
        AutoencoderKLWan,
    )
    from safetensors import SafetensorError  # noqa: PLC0415 - heavy
    from safetensors import torch as saved  # noqa: PLC0415 - heavy

    _check_there((path,))
    try:
        named = saved.load_file(to_safetensors(path))
        with torch.device("meta"):
            made: Any = AutoencoderKLWan(base_dim=len(named["encoder.conv1.weight"]))
        kind, convert = getattr(torch, dtype), cast("Any", convert_wan_vae_to_diffusers)
        theirs: dict[str, torch.Tensor] = convert(named)
        made.load_state_dict({name: each.to(kind) for name, each in theirs.items()}, assign=True)
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise _unlike(path, error) from error
    return made.eval().requires_grad_(False)


def read_hearing(folder: Path) -> tuple[Any, Any]:
    """Return wav2vec 2.0 and what prepares sound for it.

    Raises:
        MissingWeights: if a file or a parameter is missing, or cannot be read.
    """
    from transformers.models.wav2vec2 import (  # noqa: PLC0415 - heavy
        Wav2Vec2FeatureExtractor,
        Wav2Vec2Model,
    )

    files = ("config.json", "preprocessor_config.json", "model.safetensors")
    unmasked = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}  # else it wants what no file has
    network = official(Wav2Vec2Model, folder, "float32", files=files, **unmasked)
    return network, Wav2Vec2FeatureExtractor.from_pretrained(folder, local_files_only=True)


def _sizes(tensors: Any, name: str) -> "Sequence[int]":
    return tensors.get_slice(name).get_shape()


def _check_there(files: Sequence[Path]) -> None:
    lacking = [each for each in files if not each.is_file() and not _is_converted(each)]
    if lacking:
        names = " and ".join(each.name for each in lacking)
        raise MissingWeights(
            f"{names} of the weights in {lacking[0].parent.name} are not here", remedy=FETCH
        )


def _is_converted(file: Path) -> bool:
    return file.suffix == ".pth" and file.with_suffix(".safetensors").is_file()


def _unlike(path: Path, error: Exception) -> BadInput:
    why = " ".join(str(error).split())[:200]
    return BadInput(f"{path.name} is not the FlashHead that was expected: {why}", remedy=AGAIN)
