"""Tiny RoFormers: a pickled state dict, and a YAML as published (Python's tuples in it too)."""

MODEL = """\
audio:
  chunk_size: 26460
  num_channels: 2
  sample_rate: 44100
model:
  dim: 16
  depth: 2
  stereo: true
  num_stems: 1
  time_transformer_depth: 1
  freq_transformer_depth: 1
  linear_transformer_depth: 0
  {bands}
  dim_head: 8
  heads: 2
  attn_dropout: 0.1
  flash_attn: true
  stft_n_fft: 1024
  stft_hop_length: 441
  stft_win_length: 1024
  stft_normalized: false
  mask_estimator_depth: 2
  multi_stft_resolutions_window_sizes: !!python/tuple
  - 4096
  - 2048
training:
  instruments:
  - vocals
  - other
  target_instrument: vocals
inference:
  num_overlap: 2
"""
MEL = MODEL.format(bands="num_bands: 12")
BS = MODEL.format(bands="freqs_per_bands: !!python/tuple [64, 64, 128, 128, 129]")


def write(folder, checkpoint, kind):
    """Write `checkpoint` and `config.yaml`."""
    import torch

    from engines.separation.nets.roformer import Roformer, Shape

    small = {"dim": 16, "depth": 2, "heads": 2, "dim_head": 8, "fft": 1024}
    bands = {"mel_bands": 12} if kind == "mel" else {"bands": (64, 64, 128, 128, 129)}
    network = Roformer(Shape(mel=kind == "mel", **small, **bands))
    path = folder / checkpoint
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    (folder / "config.yaml").write_text(MEL if kind == "mel" else BS)
