"""A tiny Whisper in the official layout that hears the same words in everything.

Random weights would write noise or nothing. So the positions of the decoder are set to the
embedding of the next token of a script: a language, a timestamp, a few words, a timestamp, the
end. All else is random; what it answers means nothing, but it is text with times.
"""

import json

LAYERS, WIDTH, TICKS = 2, 64, 1501
TEXT = " the light of the moon is on the water"
LANGUAGE, UNTIL_S = "en", 1.6


def make(folder, mels=128):
    """Write it."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    processor = _processor(folder, mels)
    ids = processor.tokenizer.convert_tokens_to_ids
    end = ids("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=len(processor.tokenizer),
        num_mel_bins=mels,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=WIDTH,
        decoder_ffn_dim=WIDTH,
        d_model=WIDTH,
        max_source_positions=1500,
        max_target_positions=64,
        decoder_start_token_id=ids("<|startoftranscript|>"),
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        begin_suppress_tokens=[],
        suppress_tokens=[],
    )
    network = WhisperForConditionalGeneration(config).eval()
    _teach(network, processor.tokenizer, torch)
    network.generation_config = _generation(processor.tokenizer, config)
    network.save_pretrained(folder)
    # the official converters read these two from beside the weights
    processor.tokenizer.save_pretrained(folder)


def _teach(network, tokenizer, torch):
    """Let each position of the decoder say the next token of the script."""
    ids = tokenizer.convert_tokens_to_ids
    script = [ids(f"<|{LANGUAGE}|>"), ids("<|transcribe|>"), ids("<|0.00|>")]
    script += tokenizer.encode(TEXT, add_special_tokens=False)
    script += [ids(f"<|{UNTIL_S:.2f}|>"), ids("<|endoftext|>")]
    decoder = network.model.decoder
    with torch.no_grad():
        embedding = torch.randn(network.config.vocab_size, WIDTH)
        decoder.embed_tokens.weight.copy_(embedding)
        for at in range(network.config.max_target_positions):
            said = script[min(at, len(script) - 1)]
            decoder.embed_positions.weight[at] = 4 * embedding[said]


def _processor(folder, mels):
    from transformers import WhisperFeatureExtractor, WhisperProcessor, WhisperTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    letters = list(bytes_to_unicode().values())
    words = sorted({f"Ġ{word}" for word in TEXT.split()})
    merges, known = [], dict.fromkeys(letters)
    for word in words:
        for at in range(1, len(word)):
            if word[: at + 1] not in known:
                merges.append(f"{word[:at]} {word[at]}")
                known[word[: at + 1]] = None
    vocab = {text: index for index, text in enumerate([*known, "", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    names = ["<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    names += ["<|nospeech|>", "<|notimestamps|>"]
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[tuple(m.split()) for m in merges])
    tokenizer.add_special_tokens({"additional_special_tokens": names})
    tokenizer.add_tokens([f"<|{tick * 0.02:.2f}|>" for tick in range(TICKS)])
    processor = WhisperProcessor(WhisperFeatureExtractor(feature_size=mels), tokenizer)
    processor.save_pretrained(folder)
    # the older, official place of the feature extractor's settings
    processor.feature_extractor.save_pretrained(folder)
    return processor


def _generation(tokenizer, config):
    from transformers import GenerationConfig
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    ids = tokenizer.convert_tokens_to_ids
    return GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        bos_token_id=config.bos_token_id,
        max_length=config.max_target_positions,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": ids(f"<|{code}|>") for code in LANGUAGES},
        task_to_id={"translate": ids("<|translate|>"), "transcribe": ids("<|transcribe|>")},
        no_timestamps_token_id=ids("<|notimestamps|>"),
        prev_sot_token_id=ids("<|startofprev|>"),
        max_initial_timestamp_index=50,
        alignment_heads=[[1, 0], [1, 1]],
        return_timestamps=False,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )


SETTINGS = {"dtype": "float32", "batch": 4}
