"""XTTS at a small size, in its own files: config.json, vocab.json, model.pth (a pickle)."""

MARKS = ["[STOP]", "[UNK]", "[SPACE]", "[START]"]
WIDTH = 64


def make(folder):
    from functools import partial

    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers

    from engines.speech.torchaudio_standin import stand_in

    stand_in()
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models import xtts

    # Its configuration does not say how wide the vocoder is; 512 wide it takes nearly all the time.
    xtts.HifiDecoder = partial(xtts.HifiDecoder, upsample_initial_channel_decoder=WIDTH)
    letters = list("abcdefghijklmnopqrstuvwxyz'.,?!áéíóúüñ")
    vocabulary = {each: i for i, each in enumerate([*MARKS, "[en]", "[es]", *letters])}
    words = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=MARKS[1]))
    words.add_special_tokens([*MARKS, "[en]", "[es]"])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(folder / "vocab.json"))
    config = XttsConfig()
    args = config.model_args
    args.gpt_layers, args.gpt_n_model_channels, args.gpt_n_heads = 2, 32, 4
    args.gpt_num_audio_tokens, args.gpt_start_audio_token, args.gpt_stop_audio_token = 66, 64, 65
    args.decoder_input_dim, args.gpt_use_perceiver_resampler = 32, True
    config.save_json(str(folder / "config.json"))
    model = xtts.Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=folder / "vocab.json")
    model.init_models()
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    shape = (1, 32, args.gpt_n_model_channels)
    voice = {"gpt_cond_latent": torch.randn(shape), "speaker_embedding": torch.randn(1, 512, 1)}
    torch.save({"Somebody": voice}, folder / "speakers_xtts.pth")
