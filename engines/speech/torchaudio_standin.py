"""What coqui-tts asks of torchaudio and torchcodec, in some lines of torch and soxr.

coqui-tts imports both when it is imported; on a machine without CUDA neither has a build. XTTS uses
of them: resampling, and the mel spectrogram (with the buffers' names, for its state dict). The
stand-in is only put in place where the real ones are missing.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal

import librosa
import numpy as np
import soxr
import torch


class Spectrogram(torch.nn.Module):
    """Power spectrogram of (..., samples): (..., n_fft // 2 + 1, frames)."""

    window: torch.Tensor

    def __init__(
        self, n_fft: int, win_length: int, hop_length: int, window: torch.Tensor, power: float
    ) -> None:
        super().__init__()
        self.n_fft, self.win_length, self.hop_length = n_fft, win_length, hop_length
        self.power = power
        self.register_buffer("window", window)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        """Return the power of each bin and frame."""
        flat = waves.reshape(-1, waves.shape[-1])
        bins = torch.stft(
            flat,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return bins.abs().pow(self.power).reshape(*waves.shape[:-1], *bins.shape[1:])


class MelScale(torch.nn.Module):
    """Sums bins into mel bands; `fb` is (bins, bands), as torchaudio keeps it."""

    fb: torch.Tensor

    def __init__(self, bands: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("fb", bands)

    def forward(self, power: torch.Tensor) -> torch.Tensor:
        """Return (..., bands, frames) of (..., bins, frames)."""
        return torch.matmul(power.transpose(-1, -2), self.fb).transpose(-1, -2)


class MelSpectrogram(torch.nn.Module):
    """Mel spectrogram with torchaudio's defaults: HTK mel scale, no norm, Hann window, power 2."""

    def __init__(
        self,
        sample_rate: int = 16_000,
        *,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        n_mels: int = 128,
        window_fn: Callable[..., torch.Tensor] = torch.hann_window,
        norm: Literal["slaney"] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__()
        width, power = win_length or n_fft, float(rest.get("power", 2.0))
        low_hz, high_hz = rest.get("f_min", 0.0), rest.get("f_max")
        self.spectrogram = Spectrogram(
            n_fft, width, hop_length or width // 2, window_fn(width), power
        )
        bands = librosa.filters.mel(
            sr=sample_rate,
            n_fft=n_fft,
            n_mels=n_mels,
            fmin=low_hz,
            fmax=high_hz,
            htk=True,
            norm=norm,
        )
        self.mel_scale = MelScale(torch.from_numpy(bands.T.astype(np.float32)))

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        """Return (..., n_mels, frames) of (..., samples)."""
        return self.mel_scale(self.spectrogram(waves))


def resample(waves: torch.Tensor, orig_freq: int, new_freq: int, **_: Any) -> torch.Tensor:
    """Return (channels, samples) at another rate."""
    if orig_freq == new_freq:
        return waves
    rows = waves.detach().cpu().numpy().T
    made = soxr.resample(rows, orig_freq, new_freq)
    return torch.from_numpy(np.ascontiguousarray(made.T)).to(waves)


def stand_in() -> None:
    """Make `import torchaudio` and `import torchcodec` work where they are not installed."""
    # transformers looks for both while these are imported: it shall not take the stand-in for real.
    for name in ("transformers.audio_utils", "transformers.processing_utils"):
        import_module(name)

    if find_spec("torchaudio") is None:
        made = _module("torchaudio")
        functional, transforms = _module("torchaudio.functional"), _module("torchaudio.transforms")
        functional.__dict__["resample"] = resample
        transforms.__dict__["MelSpectrogram"] = MelSpectrogram
        made.__dict__.update(functional=functional, transforms=transforms)
    if find_spec("torchcodec") is None:
        _module("torchcodec")


def _module(name: str) -> ModuleType:
    made = ModuleType(name)
    made.__spec__ = ModuleSpec(name, None)
    sys.modules[name] = made
    return made
