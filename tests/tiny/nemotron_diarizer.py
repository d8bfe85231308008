"""A small Nemotron 3 Diarization: chunks of 1.6 s, so that short sound fills its memory."""


def make(folder):
    from transformers import (
        Nemotron3DiarizationConfig,
        Nemotron3DiarizationForAudioFrameClassification,
        Nemotron3DiarizationProcessor,
        NemotronAsrStreamingFeatureExtractor,
    )

    config = Nemotron3DiarizationConfig(
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_mel_bins": 32,
            "initializer_range": 0.2,
        },
        head_config={"hidden_size": 16, "audio_hidden_size": 32},
        streaming_config={"speaker_cache_length": 32},
        chunk_length=20,
        chunk_right_context=4,
        fifo_length=8,
        speaker_cache_update_period=12,
        initializer_range=0.2,
    )
    network = Nemotron3DiarizationForAudioFrameClassification(config)
    network.classifier.out_proj.weight.data *= 20  # else nobody is ever sure
    network.save_pretrained(folder)
    extractor = NemotronAsrStreamingFeatureExtractor(feature_size=32)
    Nemotron3DiarizationProcessor(extractor).save_pretrained(folder)
