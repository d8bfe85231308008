"""18: networks of the libraries compute the same from moved bytes as from their own."""

import pytest
import torch

from engines.residency.networks import Networks


def wan():
    from diffusers import WanTransformer3DModel

    net = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16,
        out_channels=16, text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=32,
    )  # fmt: skip
    given = {
        "hidden_states": torch.randn(1, 16, 2, 4, 4),
        "timestep": torch.tensor([7]),
        "encoder_hidden_states": torch.randn(1, 5, 32),
        "return_dict": False,
    }
    return net, lambda: net(**given)[0]


def flux():
    from diffusers import FluxTransformer2DModel

    net = FluxTransformer2DModel(
        patch_size=1, in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    given = {
        "hidden_states": torch.randn(1, 16, 4),
        "encoder_hidden_states": torch.randn(1, 5, 32),
        "pooled_projections": torch.randn(1, 32),
        "timestep": torch.tensor([0.5]),
        "img_ids": torch.zeros(16, 3),
        "txt_ids": torch.zeros(5, 3),
        "return_dict": False,
    }
    return net, lambda: net(**given)[0]


def musicgen():
    from transformers import MusicgenForCausalLM
    from transformers.models.musicgen import MusicgenDecoderConfig

    net = MusicgenForCausalLM(
        MusicgenDecoderConfig(
            vocab_size=32, hidden_size=16, num_hidden_layers=2, ffn_dim=32, num_attention_heads=2,
            num_codebooks=2, max_position_embeddings=64,
        )
    )  # fmt: skip
    ids = torch.randint(0, 32, (2, 7))
    return net, lambda: net(input_ids=ids).logits


@pytest.mark.parametrize("make", [wan, flux, musicgen])
def test_18_moved_is_as_loaded(make):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, compute = make()
    net.eval().requires_grad_(False)
    with torch.inference_mode():
        before = compute()
        moved = Networks("m", {"net": net}, smallest=1)
        host = [torch.empty(each.nbytes, dtype=torch.uint8) for each in moved.model.chunks]
        for chunk, buffer in zip(moved.model.chunks, host, strict=True):
            moved.pack(chunk, buffer)
        with pytest.raises((RuntimeError, IndexError)):
            compute()
        for chunk, buffer in zip(moved.model.chunks, host, strict=True):
            moved.attach(chunk, buffer.clone())
        assert torch.equal(compute(), before)
    assert len(moved.model.chunks) > 2  # blocks are chunks
