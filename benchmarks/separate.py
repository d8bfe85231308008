"""How much memory and time the separators take: `python -m benchmarks.separate ENGINE [--minutes N]`.

ENGINE is `rnnoise-separator`, or a neural one with random weights: `tiny-htdemucs` (a few channels, the
published segment of 7.8 s), `tiny-roformer` (the same, segments of 8 s, one over each sample), `htdemucs` or
`melband-roformer` (of published size). What they find means nothing; the work does not depend on the
weights.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engines import catalog
from engines.separation.demucs import Demucs
from engines.separation.roformer import PUBLISHED, Roformer
from media.audio import Audio, AudioFile, AudioWriter, open_audio
from studio.progress import silent

SOURCES = ["drums", "bass", "other", "vocals"]
SMALL: Mapping[str, Any] = {
    "channels": 8,
    "growth": 1,
    "dconv_comp": 4,
    "t_layers": 1,
    "t_heads": 2,
}
PUBLISHED_DEMUCS: Mapping[str, Any] = {"bottom_channels": 512, "dconv_mode": 3}


def main() -> None:
    """Print peak memory and seconds for every ten minutes of sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--minutes", type=float, default=180.0)
    parser.add_argument("--rate", type=int, default=16_000)
    parser.add_argument("--channels", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = _sound(Path(folder) / "sound.flac", asked.minutes, asked.rate, asked.channels)
        separator = _separator(asked.engine, Path(folder))
        if not asked.engine.startswith("rnnoise"):
            separator.networks()
        _report(asked.engine, "loaded", 0.0, 0.0, 0.0)
        wall_s, cpu_s, done_s, told = time.monotonic(), time.process_time(), 0.0, 1
        for block in separator.separate(file, silent):
            done_s += block["vocals"].duration_s
            if done_s >= 600 * told or done_s >= file.duration_s - 0.01:
                told += 1
                spent = time.monotonic() - wall_s, time.process_time() - cpu_s
                _report(asked.engine, f"{done_s / 60:.1f} min", done_s, *spent)


def _report(engine: str, where: str, done_s: float, wall_s: float, cpu_s: float) -> None:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    factor = f"wall {wall_s / done_s:.4f}, CPU {cpu_s / done_s:.4f} of real time" if done_s else ""
    print(f"{engine}: {where}: peak {peak_mb:.0f} MB, {factor}", flush=True)


def _sound(path: Path, minutes: float, rate_hz: int, channels: int) -> AudioFile:
    """Write bursts of noise and tones with pauses, block by block."""
    chance = np.random.default_rng(0)
    with AudioWriter(path, rate_hz, channels) as writer:
        left = round(minutes * 60 * rate_hz)
        while left > 0:
            size = min(left, 10 * rate_hz)
            times_s = np.arange(size) / rate_hz
            tone = np.sin(2 * np.pi * chance.uniform(90, 300) * times_s) * (times_s % 1.3 < 0.9)
            sound = 0.1 * tone + 0.02 * chance.standard_normal((channels, size))
            writer.write(Audio(sound.astype(np.float32), rate_hz))
            left -= size
    return open_audio(path)


def _separator(name: str, folder: Path) -> Any:
    if name in {"tiny-htdemucs", "htdemucs"}:
        _write_demucs(folder, SMALL if name.startswith("tiny") else PUBLISHED_DEMUCS)
        return Demucs(weights=folder, name="random")
    if name.endswith("-roformer"):
        return _roformer(folder, is_tiny=name.startswith("tiny"))
    return catalog.entry(name).build()


def _roformer(folder: Path, *, is_tiny: bool) -> Roformer:
    """Write a random mel-band network, and return it as a separator."""
    import torch  # noqa: PLC0415 - heavy

    from engines.separation.nets.roformer import Roformer as Network  # noqa: PLC0415 - heavy
    from engines.separation.nets.roformer import Shape  # noqa: PLC0415 - heavy

    shape = PUBLISHED["mel"].shape("mel")
    config = ""
    if is_tiny:
        shape = Shape(
            mel=True, dim=8, depth=1, heads=1, dim_head=8, mel_bands=12, fft=1024, hop=512
        )
        config = "random.yaml"
        model = {
            "dim": 8,
            "depth": 1,
            "time_transformer_depth": 1,
            "freq_transformer_depth": 1,
            "num_bands": 12,
            "dim_head": 8,
            "heads": 1,
            "stft_n_fft": 1024,
            "stft_win_length": 1024,
            "stft_hop_length": 512,
            "mask_estimator_depth": 2,
        }
        found = {"model": model, "inference": {"num_overlap": 1}}
        (folder / config).write_text(yaml.safe_dump(found), encoding="utf-8")
    torch.save(Network(shape).state_dict(), folder / "random.ckpt")
    return Roformer(weights=folder, checkpoint="random.ckpt", kind="mel", config=config)


def _write_demucs(folder: Path, size: Mapping[str, Any]) -> None:
    """Write a random network in the official layout."""
    from demucs.htdemucs import HTDemucs  # noqa: PLC0415 - heavy
    from safetensors.torch import save_file  # noqa: PLC0415 - heavy

    network = HTDemucs(SOURCES, segment=Fraction(39, 5), **size)
    segment = {"_type": "fraction", "numerator": 39, "denominator": 5}
    kwargs = {"sources": SOURCES, "segment": segment, **size}
    about = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": json.dumps(kwargs)}
    save_file(dict(network.state_dict()), folder / "abc.safetensors", metadata=about)
    (folder / "random.yaml").write_text(yaml.safe_dump({"models": ["abc"]}), encoding="utf-8")


if __name__ == "__main__":
    main()
