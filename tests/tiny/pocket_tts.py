"""Pocket TTS at a tiny size: the classes, the files and the prompt's layout are the official ones."""

from tests.tiny.letters import tokenizer

MARKS = {
    "audio_prompt_token": "<voice>",
    "audio_latent_token": "<latent>",
    "audio_prompt_bos_token": "<voice_start>",
    "audio_bos_token": "<audio_start>",
}
TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'audio' %}"
    "<voice_start><voice>{% endif %}{% endfor %}{% for c in m['content'] %}"
    "{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}<audio_start>{% endfor %}"
)


def make(folder):
    from transformers import (
        PocketTTSAudioTokenizerConfig,
        PocketTTSAudioTokenizerModel,
        PocketTTSConfig,
        PocketTTSFeatureExtractor,
        PocketTTSForConditionalGeneration,
        PocketTTSProcessor,
    )

    words = tokenizer(MARKS)
    ids = {f"{name}_id": words.convert_tokens_to_ids(mark) for name, mark in MARKS.items()}
    config = PocketTTSConfig(
        vocab_size=len(words),
        pad_token_id=words.pad_token_id,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        latent_dim=8,
        flow_head_config={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "latent_dim": 8,
            "condition_dim": 32,
            "frequency_embedding_size": 16,
        },
        **ids,
    )
    PocketTTSForConditionalGeneration(config).save_pretrained(folder)
    codec = PocketTTSAudioTokenizerModel(
        PocketTTSAudioTokenizerConfig(
            hidden_size=32,
            num_filters=4,
            num_hidden_layers=1,
            intermediate_size=64,
            num_attention_heads=4,
            num_key_value_heads=4,
            upsample_groups=32,
            latent_dim=8,
        )
    )
    codec.save_pretrained(folder / "codec")
    codec = PocketTTSAudioTokenizerModel.from_pretrained(folder / "codec")
    PocketTTSProcessor(
        PocketTTSFeatureExtractor(), words, audio_tokenizer=codec, chat_template=TEMPLATE
    ).save_pretrained(folder)
