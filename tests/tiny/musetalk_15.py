"""MuseTalk at a tiny size: classes, files and names as the official ones; faces are 256 px there too."""

import json

SETTINGS = {"dtype": "float32", "batch": 2}
WIDTH = 32  # of Whisper's states


def unet_config():
    return {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": "0.6.0.dev0",
        "attention_head_dim": 4,
        "block_out_channels": [8, 8, 16, 16],
        "cross_attention_dim": WIDTH,
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "in_channels": 8,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "out_channels": 4,
        "sample_size": 64,
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    }


def make(folder):
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    (folder / "musetalkV15").mkdir(parents=True)
    (folder / "musetalkV15" / "musetalk.json").write_text(json.dumps(unet_config()))
    unet = UNet2DConditionModel.from_config(unet_config())
    torch.save(unet.state_dict(), folder / "musetalkV15" / "unet.pth")
    AutoencoderKL(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=256,
    ).save_pretrained(folder / "vae")
    _with_the_older_names(folder / "vae" / "diffusion_pytorch_model.safetensors")
    ears = WhisperConfig(
        vocab_size=64,
        num_mel_bins=80,
        encoder_layers=4,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        d_model=WIDTH,
        encoder_ffn_dim=WIDTH,
        decoder_ffn_dim=WIDTH,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=3,
    )
    WhisperForConditionalGeneration(ears).save_pretrained(folder / "ears")
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder / "ears")


def _with_the_older_names(path):
    """Name the attention's tensors as the published file, of 2022, does."""
    from safetensors.torch import load_file, save_file

    older = (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"))
    tensors = {}
    for name, tensor in load_file(path).items():
        for new, old in older:
            name = name.replace(f".{new}.", f".{old}.")  # noqa: PLW2901
        tensors[name] = tensor
    save_file(tensors, path, metadata={"format": "pt"})
