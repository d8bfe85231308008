import json

from tests.tiny.pieces import pieces


def make(folder):
    """Write a Marian model of random weights with a vocabulary of its own."""
    from sentencepiece import SentencePieceProcessor
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    spm = pieces()
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(spm)
    processor = SentencePieceProcessor(model_proto=spm)
    words = [processor.id_to_piece(i) for i in range(processor.vocab_size())]
    known = ["</s>", "<unk>", *(w for w in words if w not in {"<s>", "</s>", "<unk>"}), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(known)}))
    (folder / "tokenizer_config.json").write_text('{"target_lang": "es", "source_lang": "en"}')
    MarianTokenizer.from_pretrained(folder)
    config = MarianConfig(
        vocab_size=len(known), d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_position_embeddings=512, static_position_embeddings=True,
        scale_embedding=True, pad_token_id=len(known) - 1, eos_token_id=0,
        decoder_start_token_id=len(known) - 1, forced_eos_token_id=0,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(folder)


SETTINGS = {"beams": 2, "batch": 4}
