from engines.translation.madlad import LANGUAGES
from tests.tiny.pieces import pieces

SETTINGS = {"dtype": "float32", "beams": 2, "batch": 4}


def make(folder):
    """Write a T5 of random weights, and pieces with MADLAD's marks of languages."""
    import torch
    from safetensors.torch import load_file, save_file
    from sentencepiece import SentencePieceProcessor
    from transformers import T5Config, T5ForConditionalGeneration

    codes = {"nb": "no", "he": "iw"}
    spm = pieces([f"<2{codes.get(code, code)}>" for code in LANGUAGES])
    (folder / "spiece.model").write_bytes(spm)
    config = T5Config(
        vocab_size=SentencePieceProcessor(model_proto=spm).vocab_size(), d_model=32, d_kv=8,
        d_ff=32, num_layers=1, num_decoder_layers=1, num_heads=4, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, pad_token_id=1, eos_token_id=2, decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    # The official head is not the embedding, which transformers' T5 ties when it makes a model.
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight))
    model.save_pretrained(folder)
    values = load_file(folder / "model.safetensors")
    values["lm_head.weight"] = model.lm_head.weight.detach().clone()
    save_file(values, folder / "model.safetensors", {"format": "pt"})
