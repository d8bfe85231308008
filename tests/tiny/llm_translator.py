SETTINGS = {"dtype": "float32", "most_tokens": 12}

END = "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder):
    """Write a Qwen3 of random weights that says letters, and a tokenizer of bytes with a chat template."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM

    letters = sorted(ByteLevel.alphabet())
    vocab = {letter: i for i, letter in enumerate(letters)}
    vocab |= {name: len(vocab) + i for i, name in enumerate(("<|endoftext|>", "<|im_start|>", END))}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], eos_token=END)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=len(vocab), hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, max_position_embeddings=16384,
        eos_token_id=vocab["<|im_end|>"], pad_token_id=vocab["<|endoftext|>"], bos_token_id=None,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config)
    mute = [i for letter, i in vocab.items() if not (letter.isascii() and letter.isalpha())]
    with torch.no_grad():
        model.lm_head.weight[mute] = 0
    model.save_pretrained(folder)
