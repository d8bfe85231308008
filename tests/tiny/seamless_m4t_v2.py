from engines.translation.seamless import CODES, PIECES
from tests.tiny.pieces import pieces

SETTINGS = {"dtype": "float32", "beams": 2, "batch": 4}


def make(folder):
    """Write the text half of a SeamlessM4T v2 of random weights."""
    from sentencepiece import SentencePieceProcessor
    from transformers import SeamlessM4Tv2Config, SeamlessM4Tv2ForTextToText

    spm = pieces(kind="bpe")
    (folder / PIECES).write_bytes(spm)
    first = SentencePieceProcessor(model_proto=spm).vocab_size() + 1
    config = SeamlessM4Tv2Config(
        vocab_size=first + len(CODES), hidden_size=32, max_position_embeddings=512,
        encoder_layers=1, encoder_ffn_dim=32, encoder_attention_heads=2, decoder_layers=1,
        decoder_ffn_dim=32, decoder_attention_heads=2, encoder_layerdrop=0, decoder_layerdrop=0,
    )  # fmt: skip
    model = SeamlessM4Tv2ForTextToText(config)
    codes = {code: first + i for i, code in enumerate(CODES.values())}
    model.generation_config.text_decoder_lang_to_code_id = codes
    model.save_pretrained(folder)
