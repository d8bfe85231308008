"""Band-Split RoFormer and Mel-Band RoFormer: own network, official state dict.

Lu et al. 2023, "Music Source Separation with Band-Split RoPE Transformer" (arXiv 2309.02612); Wang, Lu,
Won 2023, "Mel-Band RoFormer for Music Source Separation" (arXiv 2310.01809). Names of the parameters as
in https://github.com/lucidrains/BS-RoFormer and its edition in
https://github.com/ZFTurbo/Music-Source-Separation-Training, both MIT, for whose code the published
checkpoints were trained. A spectrum is cut into bands, each becomes a token per frame; transformers look
along time and along the bands in turn; one head a stem draws a complex mask.

Parity with the latter at ccc011a (rotary-embedding-torch 0.9.1, torch 2.13, CPU, float32), equal random
weights (seed 7) and 1 s of noise (seed 3), every key and shape equal: the largest difference is 1.1e-7
for Kim's mel-band shape (684 keys, 228.2 million parameters; the output's peak is 0.14), 0 for two small
mel-band networks with one and two stems, 4.5e-8 for two small networks with fixed bands (peak 0.24).
"""

# torch leaves the types of stft, split and unflatten unknown.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

BANDS = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the size of a network depends on; channels are two."""

    mel: bool  # overlapping mel bands, or those of `bands`
    dim: int
    depth: int
    stems: int = 1
    time_depth: int = 1
    freq_depth: int = 1
    heads: int = 8
    dim_head: int = 64
    mel_bands: int = 60
    bands: tuple[int, ...] = BANDS  # widths in bins
    fft: int = 2048
    hop: int = 441
    rate_hz: int = 44_100
    mask_depth: int = 2
    expansion: int = 4  # of the masks' hidden layers
    zero_dc: bool = True


class Norm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1) * x.shape[-1] ** 0.5 * self.gamma


class Rotary(nn.Module):
    """Rotary positions, neighbouring pairs; `freqs` is in the checkpoints, and stays in float32."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.freqs = nn.Parameter(10_000.0 ** (-torch.arange(0, dim, 2).float() / dim))

    def forward(self, x: Tensor) -> Tensor:  # (..., positions, dim)
        angle = torch.arange(x.shape[-2], device=x.device)[:, None] * self.freqs.float()
        cos, sin = angle.cos(), angle.sin()
        pairs: Tensor = x.float().unflatten(-1, (-1, 2))
        even, odd = pairs.unbind(-1)
        turned = torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1)
        return turned.flatten(-2).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, shape: Shape, rotary: Rotary) -> None:
        super().__init__()
        dim, inner = shape.dim, shape.heads * shape.dim_head
        self.heads = shape.heads
        self.rotary_embed = rotary
        self.norm = Norm(dim)
        self.to_qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.to_gates = nn.Linear(dim, shape.heads)
        self.to_out = nn.Sequential(nn.Linear(inner, dim, bias=False), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:  # (batch, positions, dim)
        x = self.norm(x)
        q, k, v = self.to_qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(self.rotary_embed(q), self.rotary_embed(k), v)
        gates = self.to_gates(x).sigmoid()
        return self.to_out((y.transpose(1, 2) * gates[..., None]).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            Norm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Identity(), nn.Linear(4 * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Transformer(nn.Module):
    """Mel networks have a norm at the end of each; the others one at the end of all."""

    def __init__(self, shape: Shape, depth: int, rotary: Rotary) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Attention(shape, rotary), FeedForward(shape.dim)]) for _ in range(depth)
        )
        self.norm = Norm(shape.dim) if shape.mel else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            for block in layer.children():
                x = x + block(x)
        return self.norm(x)


class BandSplit(nn.Module):
    def __init__(self, dim: int, widths: list[int]) -> None:
        super().__init__()
        self.widths = widths
        self.to_features = nn.ModuleList(nn.Sequential(Norm(w), nn.Linear(w, dim)) for w in widths)

    def forward(self, x: Tensor) -> Tensor:  # (..., sum of widths) -> (..., bands, dim)
        bands: tuple[Tensor, ...] = x.split(self.widths, -1)
        return torch.stack([f(y) for f, y in zip(self.to_features, bands, strict=True)], -2)


class Mask(nn.Module):
    """One band's network for each band; those of mel networks have one hidden layer more."""

    def __init__(self, shape: Shape, widths: list[int]) -> None:
        super().__init__()
        hidden = shape.mask_depth - (not shape.mel)
        sizes = [shape.dim] + [shape.expansion * shape.dim] * hidden
        self.to_freqs = nn.ModuleList()
        for width in widths:
            mlp: list[nn.Module] = []
            for a, b in pairwise(sizes):
                mlp += [nn.Linear(a, b), nn.Tanh()]
            mlp.append(nn.Linear(sizes[-1], 2 * width))
            self.to_freqs.append(nn.Sequential(nn.Sequential(*mlp), nn.GLU()))

    def forward(self, x: Tensor) -> Tensor:  # (..., bands, dim) -> (..., sum of widths)
        bands = x.unbind(-2)
        return torch.cat([f(y) for f, y in zip(self.to_freqs, bands, strict=True)], -1)


class Roformer(nn.Module):
    """(batch, 2, samples) -> (batch, stems, 2, samples), float32 whatever the parameters are."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inside = _bins(shape)  # (bands, bins)
        bins = np.nonzero(inside)[1]
        # Plain attributes: they follow from the shape, and are no part of the weights that are moved.
        self.index = torch.from_numpy((2 * bins[:, None] + np.arange(2)).reshape(-1))
        self.share = torch.from_numpy(inside.sum(0).repeat(2).astype(np.float32))
        widths = [4 * int(n) for n in inside.sum(1)]  # two channels, real and imaginary
        along_time, along_bands = Rotary(shape.dim_head), Rotary(shape.dim_head)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    Transformer(shape, shape.time_depth, along_time),
                    Transformer(shape, shape.freq_depth, along_bands),
                ]
            )
            for _ in range(shape.depth)
        )
        if not shape.mel:
            self.final_norm = Norm(shape.dim)
        self.band_split = BandSplit(shape.dim, widths)
        self.mask_estimators = nn.ModuleList(Mask(shape, widths) for _ in range(shape.stems))

    def forward(self, wave: Tensor) -> Tensor:
        shape, (batch, channels, samples) = self.shape, wave.shape
        index, share = self.index.to(wave.device), self.share.to(wave.device)
        window = torch.hann_window(shape.fft, device=wave.device)
        spectrum: Tensor = torch.stft(
            wave.flatten(0, 1), shape.fft, shape.hop, window=window, return_complex=True
        ).unflatten(0, (batch, channels))
        spectrum = spectrum.transpose(1, 2).flatten(1, 2)  # batch, bin and channel, frames
        seen = self._look(torch.view_as_real(spectrum[:, index]).permute(0, 2, 1, 3).flatten(2))
        stems: list[Tensor] = []
        for head in self.mask_estimators:
            drawn = head(seen).float().unflatten(-1, (-1, 2)).contiguous()
            mask = torch.zeros_like(spectrum)
            mask.index_add_(1, index, torch.view_as_complex(drawn).transpose(1, 2))
            stem: Tensor = (spectrum * (mask / share[:, None])).unflatten(1, (-1, channels))
            stem = stem.transpose(1, 2).flatten(0, 1)  # (batch and channel, bins, frames)
            if shape.zero_dc:
                stem[:, 0] = 0
            sound: Tensor = torch.istft(stem, shape.fft, shape.hop, window=window, length=samples)
            stems.append(sound.unflatten(0, (batch, channels)))
        return torch.stack(stems, 1)

    @property
    def dtype(self) -> torch.dtype:
        """Of all parameters but the rotary frequencies."""
        return self.mask_estimators.get_parameter("0.to_freqs.0.0.0.weight").dtype

    def _look(self, x: Tensor) -> Tensor:
        """(batch, frames, numbers of all bands) -> (batch, frames, bands, dim)."""
        x = self.band_split(x.to(self.dtype))
        batch, frames, bands = x.shape[:3]
        for layer in self.layers:
            over_time, over_bands = layer.children()
            x = over_time(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, bands))
            x = over_bands(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, frames))
        return x if self.shape.mel else self.final_norm(x)


def _bins(shape: Shape) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which bins are in which band, (bands, bins)."""
    if not shape.mel:
        edges = np.cumsum((0, *shape.bands))
        bins = np.arange(shape.fft // 2 + 1)
        if edges[-1] != bins.size:
            raise ValueError(f"the bands have {edges[-1]} bins, the spectrum {bins.size}")
        return (edges[:-1, None] <= bins) & (bins < edges[1:, None])
    from librosa.filters import mel  # noqa: PLC0415 - heavy

    inside = mel(sr=shape.rate_hz, n_fft=shape.fft, n_mels=shape.mel_bands) > 0
    inside[0, 0] = inside[-1, -1] = True
    if not inside.any(axis=0).all():
        raise ValueError(f"{shape.mel_bands} mel bands leave bins of the spectrum out")
    return inside
