"""A tiny FlashHead, random, in the official layout: transformer, Wan's autoencoder as `.pth`, ears."""

import json
from dataclasses import asdict

from tests.tiny import aligner_en

SETTINGS = {"dtype": "float32", "size_px": 32, "steps": 2}
CONFIG = {
    "dim": 24,
    "in_dim": 32,
    "ffn_dim": 32,
    "out_dim": 16,
    "freq_dim": 16,
    "eps": 1e-6,
    "vae_stride": (4, 8, 8),
    "patch_size": (1, 2, 2),
    "num_heads": 2,
    "num_layers": 2,
}
HEARD = {"heard_dim": 16, "heard_mid": 8, "heard_tokens": 3}  # one layer of the tiny ears


def published():
    """Return the shape of Pro as it is published."""
    from engines.animation.nets.flashhead import Shape

    return Shape(
        dim=1536,
        in_dim=32,
        out_dim=16,
        ffn_dim=8960,
        freq_dim=256,
        eps=1e-6,
        vae_stride=(4, 8, 8),
        patch_size=(1, 2, 2),
        num_heads=12,
        num_layers=30,
    )


def make(folder):
    """Write it."""
    import torch
    from diffusers import AutoencoderKLWan
    from safetensors.torch import save_file

    from engines.animation.nets.flashhead import FlashHead, Shape

    network = FlashHead(Shape(**CONFIG, **HEARD))
    unused = {
        "text_embedding.0.weight": torch.zeros(24, 8),
        "audio_emb.proj.0.bias": torch.zeros(8),
    }
    place = folder / "Model_Pro"
    place.mkdir()
    save_file({**network.state_dict(), **unused}, place / "diffusion_pytorch_model.safetensors")
    shape = {name: value for name, value in asdict(network.shape).items() if name not in HEARD}
    about = {**shape, "text_dim": 8, "has_image_input": False}
    (place / "config.json").write_text(json.dumps(about))
    (folder / "VAE_Wan").mkdir()
    vae = AutoencoderKLWan(base_dim=4).state_dict()
    torch.save(official_vae(vae), folder / "VAE_Wan" / "Wan2.1_VAE.pth")
    aligner_en.make(folder / "hearing")


def official_vae(state):
    """Return a state dict of diffusers' class by the names of the official file."""
    from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

    block = [f"residual.{n}.{kind}" for n in (2, 6) for kind in ("weight", "bias")]
    block += ["residual.0.gamma", "residual.3.gamma"]
    ends = [f"{name}.{kind}" for name in ("conv1", "head.2") for kind in ("weight", "bias")]
    ends += ["head.0.gamma", "middle.1.norm.gamma"]
    ends += [
        f"middle.1.{name}.{kind}" for name in ("to_qkv", "proj") for kind in ("weight", "bias")
    ]
    ends += [f"middle.{n}.{name}" for n in (0, 2) for name in block]
    steps = [
        *block,
        *(
            f"{x}.{kind}"
            for x in ("shortcut", "resample.1", "time_conv")
            for kind in ("weight", "bias")
        ),
    ]
    names = [f"{name}.{kind}" for name in ("conv1", "conv2") for kind in ("weight", "bias")]
    for half, way in (("encoder", "downsamples"), ("decoder", "upsamples")):
        names += [f"{half}.{name}" for name in ends]
        names += [f"{half}.{way}.{n}.{name}" for n in range(15) for name in steps]
    known = convert_wan_vae_to_diffusers({name: name for name in names})  # theirs -> official
    return {known[name]: tensor for name, tensor in state.items()}
