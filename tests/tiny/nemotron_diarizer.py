"""A small Nemotron 3 Diarization: chunks of 1.6 s, so that short sound fills its memory."""


def make(folder):
    """Write the small one."""
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_mel_bins": 32,
        "initializer_range": 0.2,
    }
    _write(
        folder,
        audio_config=tower,
        head_config={"hidden_size": 16, "audio_hidden_size": 32},
        streaming_config={"speaker_cache_length": 32},
        chunk_length=20,
        chunk_right_context=4,
        fifo_length=8,
        speaker_cache_update_period=12,
        initializer_range=0.2,
    )


def full(folder):
    """Write one of the official size, 0.4 GB."""
    _write(folder)


def _write(folder, **settings):
    from transformers import (
        Nemotron3DiarizationConfig,
        Nemotron3DiarizationForAudioFrameClassification,
        Nemotron3DiarizationProcessor,
        NemotronAsrStreamingFeatureExtractor,
    )

    config = Nemotron3DiarizationConfig(**settings)
    network = Nemotron3DiarizationForAudioFrameClassification(config)
    bands = network.config.audio_config.num_mel_bins
    extractor = NemotronAsrStreamingFeatureExtractor(feature_size=bands)
    _liven(network.eval(), extractor)
    network.save_pretrained(folder)
    Nemotron3DiarizationProcessor(extractor).save_pretrained(folder)


def _liven(network, extractor):
    """Let every voice be heard now and then: random weights alone give all frames to one."""
    import torch

    generator = torch.Generator().manual_seed(0)
    loudness = torch.rand(40, generator=generator).repeat_interleave(4000)
    wave = (torch.randn(160_000, generator=generator) * loudness).numpy()
    with torch.inference_mode():
        logits = network(**extractor(wave, sampling_rate=16_000)).logits[0]
        scale = 2.0 / logits.std(dim=0)
        network.classifier.out_proj.weight *= scale[:, None]
        network.classifier.out_proj.bias.copy_(-logits.mean(dim=0) * scale)
