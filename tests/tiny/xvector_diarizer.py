"""A small WavLM with a speaker head, in the files of its repository: a pickle of old names."""


def make(folder):
    """Write the small one."""
    _write(
        folder,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(32, 32, 32, 32, 64),
        xvector_output_dim=32,
        num_labels=4,
    )


def full(folder):
    """Write one of the class's own size, 0.4 GB."""
    _write(folder)


def _write(folder, **settings):
    import torch
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector

    network = WavLMForXVector(WavLMConfig(**settings))
    network.config.architectures = ["WavLMForXVector"]
    network.config.save_pretrained(folder)
    old = {"original0": "weight_g", "original1": "weight_v"}
    names = {name: name for name in network.state_dict()}
    for name in names:
        head, found, tail = name.partition(".parametrizations.weight.")
        names[name] = f"{head}.{old[tail]}" if found else name
    state = {names[name]: value for name, value in network.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=False).save_pretrained(
        folder
    )
