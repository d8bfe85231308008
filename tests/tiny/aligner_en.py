"""A tiny wav2vec 2.0 with letters, random, in the official layout."""

import json

LETTERS = "ETAONIHSRDLUMWCFGYPBVK'XJQZ"  # no figures: those are spoken, or wild


def make(folder, letters=LETTERS):
    """Write it."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    names = ["<pad>", "<s>", "</s>", "<unk>", "|", *letters]
    config = Wav2Vec2Config(
        vocab_size=len(names),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).eval().save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    vocab = {name: index for index, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
