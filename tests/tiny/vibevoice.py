"""VibeVoice at a tiny size: the classes, the files and the prompt's layout are the official ones."""

from tests.tiny.letters import tokenizer

SETTINGS = {"dtype": "float32", "diffusion_steps": 2}
START, END, FRAME = "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"
TEMPLATE = (
    " Voices become speech.\n{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'audio' %} Voice input:\n Speaker {{ m['role'] }}:"
    f"{START}{FRAME}{END}"
    "\n{% endif %}{% endfor %}{% endfor %} Text input:\n{% for m in messages %}"
    "{% for c in m['content'] %}{% if c['type'] == 'text' %} Speaker {{ m['role'] }}: "
    "{{ c['text'] }}\n{% endif %}{% endfor %}{% endfor %} Speech output:\n"
    f"{START}"
)


def make(folder):
    from transformers import (
        VibeVoiceAcousticTokenizerFeatureExtractor,
        VibeVoiceConfig,
        VibeVoiceForConditionalGeneration,
        VibeVoiceProcessor,
    )

    marks = {"audio_bos_token": START, "audio_eos_token": END, "audio_token": FRAME}
    words = tokenizer(marks, pad="<|endoftext|>")
    ids = [words.convert_tokens_to_ids(each) for each in (START, END, FRAME)]
    codec = {"num_filters": 4, "depths": [1] * 4, "ffn_expansion": 2}
    codec["downsampling_ratios"] = [8, 20, 20]  # 3200 samples a frame, as the official one
    config = VibeVoiceConfig(
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(words),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
        },
        audio_config={"model_type": "vibevoice_acoustic_tokenizer", "hidden_size": 8, **codec},
        semantic_model_config={
            "model_type": "vibevoice_acoustic_tokenizer_encoder",
            "hidden_size": 16,
            **codec,
        },
        diffusion_head_config={
            "num_hidden_layers": 1,
            "intermediate_size": 64,
            "frequency_embedding_size": 16,
        },
        pad_token_id=words.pad_token_id,
        eos_token_id=words.pad_token_id,
        audio_bos_token_id=ids[0],
        audio_eos_token_id=ids[1],
        audio_token_id=ids[2],
    )
    model = VibeVoiceForConditionalGeneration(config)
    _talk(model, ids[2])
    model.save_pretrained(folder)
    VibeVoiceProcessor(
        VibeVoiceAcousticTokenizerFeatureExtractor(), words, chat_template=TEMPLATE
    ).save_pretrained(folder)


def _talk(model, frame):
    """Let it go on with another frame of sound: with random weights it would mostly stop at once."""
    import torch

    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] = 5.0
        model.model.multi_modal_projector.linear_2.bias[0] = 5.0
        model.model.semantic_connector.linear_2.bias[0] = 5.0
        model.lm_head.weight.zero_()
        model.lm_head.weight[frame, 0] = 1.0
        model.model.audio_tower.decoder.head.conv.weight.normal_(
            std=1000.0
        )  # loud enough to be heard
