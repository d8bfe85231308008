"""MuseTalk 1.5: repaints the lower face of each frame in one step, by what is heard around it.

Zhang et al., "MuseTalk: Real-Time High-Fidelity Video Dubbing via Spatio-Temporal Sampling" (arXiv
2410.10122), https://github.com/TMElyralab/MuseTalk (MIT). All networks are stock classes: the UNet and
the autoencoder (sd-vae-ft-mse) of diffusers, the encoder of Whisper tiny of transformers.

Compared with the official code at commit 0a89dec, equal random weights at a tiny size, seeds 0 to 2,
float32: what 792, 825 and 990 frames hear at 24, 25 and 30 frames a second differs by 0; a new face
by 1.3e-5 of 1, one step of 255 after rounding. There latents are drawn, here they are the mean.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.checkpoints import to_safetensors
from engines.lip_sync.crop import Square, calm_squares, cut_out, paste_back
from engines.lip_sync.hearing import hear, prompts
from engines.networks import device_of, official
from engines.roles import Moment, Phone, Picture
from media.audio import Audio
from studio.errors import BadInput, MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

UNET = "musetalkV15/unet.pth"
CONFIG = "musetalkV15/musetalk.json"
FETCH = "Fetch the weights: ./run.sh weights --engine musetalk-15."


class MuseTalk:
    """Works at 256 × 256 pixels a face: in close-ups the mouth is softer than the rest.

    Args:
        weights: folder of the UNet, in the official layout.
        vae: folder of sd-vae-ft-mse.
        ears: folder of whisper-tiny.
        dtype: of all networks, a name of torch's.
        batch: frames at once.
    """

    def __init__(
        self, *, weights: Path, vae: Path, ears: Path, dtype: str = "float16", batch: int = 8
    ) -> None:
        self._weights, self._vae_folder, self._ears_folder = weights, vae, ears
        self._dtype, self._batch = dtype, batch

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the three networks.

        Raises:
            MissingWeights: if a file is not there or not whole.
            BadInput: if the checkpoint is damaged.
        """
        return {"ears": self._ears, "vae": self._vae, "unet": self._unet}

    def sync(
        self,
        frames: Iterable[Picture],
        moments: Sequence[Moment],
        speech: Audio,
        phones: Sequence[Phone],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield the frames with another lower face. See `engines.roles.LipSyncer`."""
        del phones  # it hears them by itself
        squares = calm_squares([each.face if each.share > 0 else None for each in moments])
        states = hear(speech, self._extractor, self._ears)
        told = prompts(states, [each.at_s for each in moments])
        for batch in _batches(frames, moments, self._batch):
            chosen = [(index, square) for index, _ in batch if (square := squares[index])]
            made = self._made(dict(batch), chosen, told)
            for index, frame in batch:
                face = moments[index].face
                if index in made and face is not None:
                    square, new = made[index]
                    yield paste_back(frame, new, square, face.points, moments[index].share)
                else:
                    yield frame
                progress(index + 1, len(moments))

    def _made(
        self,
        frames: Mapping[int, Picture],
        chosen: Sequence[tuple[int, Square]],
        told: "torch.Tensor",
    ) -> dict[int, tuple[Square, Picture]]:
        """Return the new faces of those frames, (256, 256, 3) each, with their squares."""
        import torch  # noqa: PLC0415 - heavy

        if not chosen:
            return {}
        crops = np.stack([cut_out(frames[index], square) for index, square in chosen])
        seen = torch.from_numpy(crops).permute(0, 3, 1, 2).to(device_of(self._vae)) / 255.0
        heard = told[[index for index, _ in chosen]].to(device_of(self._unet), self._unet.dtype)
        new = new_faces(self._vae, self._unet, seen.to(self._vae.dtype), heard)
        pictures = (new.float() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return {
            index: (square, np.asarray(picture, np.uint8))
            for (index, square), picture in zip(chosen, pictures, strict=True)
        }

    @cached_property
    def _unet(self) -> Any:
        from diffusers.models.unets.unet_2d_condition import (  # noqa: PLC0415 - heavy
            UNet2DConditionModel,
        )

        return read_unet(UNet2DConditionModel, self._weights, self._dtype)

    @cached_property
    def _vae(self) -> Any:
        from diffusers.models.autoencoders.autoencoder_kl import (  # noqa: PLC0415 - heavy
            AutoencoderKL,
        )

        return official(AutoencoderKL, self._vae_folder, self._dtype, files=("config.json",))

    @cached_property
    def _ears(self) -> Any:
        from transformers.models.whisper import WhisperModel  # noqa: PLC0415 - heavy

        model = official(WhisperModel, self._ears_folder, self._dtype, files=("config.json",))
        return model.get_encoder()

    @cached_property
    def _extractor(self) -> Any:
        from transformers.models.whisper import WhisperFeatureExtractor  # noqa: PLC0415 - heavy

        if not (self._ears_folder / "preprocessor_config.json").is_file():
            raise MissingWeights(
                "preprocessor_config.json of whisper-tiny is not here", remedy=FETCH
            )
        return WhisperFeatureExtractor.from_pretrained(self._ears_folder, local_files_only=True)


def read_unet(kind: Any, weights: Path, dtype: str) -> Any:
    """Return the UNet of the official checkpoint, key for key, ready for inference.

    Args:
        kind: diffusers' `UNet2DConditionModel`.
        weights: folder in the official layout.
        dtype: a name of torch's.

    Raises:
        MissingWeights: if a file or a tensor is not there.
        BadInput: if a file is damaged.
    """
    import torch  # noqa: PLC0415 - heavy
    from safetensors.torch import (  # noqa: PLC0415 - heavy
        load_file,  # pyright: ignore[reportUnknownVariableType]
    )

    if not (weights / CONFIG).is_file():
        raise MissingWeights(f"{CONFIG} is not here", remedy=FETCH)
    try:
        shape = json.loads((weights / CONFIG).read_text(encoding="utf-8"))
        with torch.device("meta"):
            unet = kind.from_config(shape)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{CONFIG} is damaged: {error}", remedy=FETCH) from error
    tensors = load_file(to_safetensors(weights / UNET))
    wanted = getattr(torch, dtype)
    try:
        unet.load_state_dict({name: each.to(wanted) for name, each in tensors.items()}, assign=True)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise MissingWeights(f"{UNET} does not fit: {why}", remedy=FETCH) from error
    return unet.eval().requires_grad_(False)


def new_faces(vae: Any, unet: Any, crops: "torch.Tensor", heard: "torch.Tensor") -> "torch.Tensor":
    """Return the faces saying what is heard, (n, 3, 256, 256) in 0..1: one pass, without noise.

    Args:
        vae: an `AutoencoderKL`.
        unet: a `UNet2DConditionModel` of 8 channels in and 4 out.
        crops: (n, 3, 256, 256) in 0..1.
        heard: (n, 50, 384), of `prompts`.
    """
    import torch  # noqa: PLC0415 - heavy

    covered = crops.clone()
    covered[..., crops.shape[-2] // 2 :, :] = 0
    scale = vae.config.scaling_factor
    with torch.inference_mode():
        codes = [vae.encode(each * 2 - 1).latent_dist.mode() * scale for each in (covered, crops)]
        step = torch.zeros(1, dtype=torch.long, device=heard.device)
        latents = torch.cat(codes, dim=1).to(heard.device, heard.dtype)
        made = unet(latents, step, encoder_hidden_states=heard).sample
        made = made.to(device_of(vae), crops.dtype)
        return (vae.decode(made / scale).sample / 2 + 0.5).clamp(0, 1)


def _batches(
    frames: Iterable[Picture], moments: Sequence[Moment], size: int
) -> Iterator[list[tuple[int, Picture]]]:
    """Yield the numbered frames in batches."""
    batch: list[tuple[int, Picture]] = []
    for index, (frame, _) in enumerate(zip(frames, moments, strict=True)):
        batch.append((index, frame))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
