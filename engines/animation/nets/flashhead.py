"""SoulX-FlashHead: a video diffusion transformer that a portrait and speech drive; official keys.

Yu et al. 2026, "SoulX-FlashHead: Oracle-guided Generation of Infinite Real-time Streaming Talking
Heads" (arXiv 2602.07449), https://github.com/Soul-AILab/SoulX-FlashHead (Apache-2.0). Blocks of Wan 2.1
1.3B in which each latent frame looks at 32 tokens of its own speech instead of a text.

Parity with the official code at 12467ce (torch 2.13, CPU, float32 and bfloat16), equal random weights (seed 11) and
noise (seed 3), one block of the Pro's and of the Lite's sizes, all 60 keys equal but the ten that are
in no forward: the largest difference is 0 at the times 1000, 937.5 and 625 (the output's peak is 4.9).
"""

# torch leaves the types of unflatten and chunk unknown.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNUSED = ("text_embedding.", "audio_emb.")  # in the official files, and in no forward
WINDOW = 5  # frames of speech around each frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the size of a network depends on."""

    dim: int
    in_dim: int  # channels of latent and reference together
    out_dim: int
    ffn_dim: int
    freq_dim: int
    eps: float
    vae_stride: tuple[int, int, int]
    patch_size: tuple[int, int, int]
    num_heads: int
    num_layers: int
    heard_dim: int = 12 * 768  # layers times channels of the network that hears
    heard_mid: int = 512
    heard_tokens: int = 32


class RootNorm(nn.Module):
    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        y = x.float()
        return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.eps)).to(x) * self.weight


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k = RootNorm(dim, eps), RootNorm(dim, eps)

    def forward(self, x: Tensor, seen: Tensor, rope: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Let `x` (batch, tokens, dim) look at `seen` (batch, others, dim)."""
        q, k = self._heads(self.norm_q(self.q(x))), self._heads(self.norm_k(self.k(seen)))
        if rope is not None:
            q, k = turned(q, *rope), turned(k, *rope)
        found = F.scaled_dot_product_attention(q, k, self._heads(self.v(seen)))
        return self.o(found.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        dim, eps = shape.dim, shape.eps
        self.self_attn = Attention(dim, shape.num_heads, eps)
        self.cross_attn = Attention(dim, shape.num_heads, eps)
        self.norm1, self.norm2 = (nn.LayerNorm(dim, eps, elementwise_affine=False) for _ in "12")
        self.norm3 = nn.LayerNorm(dim, eps)
        self.ffn = nn.Sequential(
            nn.Linear(dim, shape.ffn_dim),
            nn.GELU(approximate="tanh"),
            nn.Linear(shape.ffn_dim, dim),
        )
        self.modulation = nn.Parameter(torch.zeros(1, 6, dim))

    def forward(
        self, x: Tensor, heard: Tensor, time: Tensor, rope: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return (1, tokens, dim); `heard` is (latent frames, tokens of speech, dim)."""
        shift, scale, gate, shift_ffn, scale_ffn, gate_ffn = (self.modulation + time).chunk(6, 1)
        inner = self.norm1(x) * (1 + scale) + shift
        x = x + self.self_attn(inner, inner, rope) * gate
        by_frame = self.norm3(x).unflatten(1, (len(heard), -1))[0]
        x = x + self.cross_attn(by_frame, heard).flatten(0, 1)[None]
        return x + self.ffn(self.norm2(x) * (1 + scale_ffn) + shift_ffn) * gate_ffn


class Hearing(nn.Module):
    """Makes tokens of what was heard around each latent frame."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.stride, self.tokens = shape.vae_stride[0], shape.heard_tokens
        mid, later = shape.heard_mid, WINDOW + self.stride - 1
        self.proj1 = nn.Linear(WINDOW * shape.heard_dim, mid)
        self.proj1_vf = nn.Linear(later * shape.heard_dim, mid)
        self.proj2 = nn.Linear(mid, mid)
        self.proj3 = nn.Linear(mid, self.tokens * shape.dim)
        self.norm = nn.LayerNorm(shape.dim)

    def forward(self, heard: Tensor) -> Tensor:
        """Turn (frames, window, layers, channels) into (latent frames, tokens, dim).

        The first latent frame is one frame, each other one is `stride` frames: of those between the
        first and the last only the middle of their window is taken.
        """
        middle = WINDOW // 2
        later = heard[1:].unflatten(0, (-1, self.stride))
        parts = (later[:, 0, : middle + 1], later[:, 1:-1, middle], later[:, -1, middle:])
        first = self.proj1(heard[:1].flatten(1))
        x = torch.cat([first, self.proj1_vf(torch.cat(parts, 1).flatten(1))]).relu()
        return self.norm(self.proj3(self.proj2(x).relu()).unflatten(-1, (self.tokens, -1)))


class Head(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.dim, shape.eps, elementwise_affine=False)
        self.head = nn.Linear(shape.dim, shape.out_dim * math.prod(shape.patch_size))
        self.modulation = nn.Parameter(torch.zeros(1, 2, shape.dim))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        shift, scale = (self.modulation + time[:, None]).chunk(2, 1)
        return self.head(self.norm(x) * (1 + scale) + shift)


class FlashHead(nn.Module):
    """The transformer, for one clip at a time."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, dim = shape, shape.dim
        self.patch_embedding = nn.Conv3d(shape.in_dim, dim, shape.patch_size, shape.patch_size)
        self.time_embedding = nn.Sequential(
            nn.Linear(shape.freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.num_layers))
        self.head = Head(shape)
        self.audio_proj = Hearing(shape)

    def forward(self, latent: Tensor, time: float, heard: Tensor, reference: Tensor) -> Tensor:
        """Return the velocity, (channels, frames, height, width), in float32.

        Args:
            latent: (channels, frames, height, width), noisy.
            time: 1000 is noise, 0 is picture.
            heard: (film frames, window, layers, channels), what was heard around each film frame.
            reference: as `latent`, that of the portrait.
        """
        dtype = self.patch_embedding.weight.dtype
        x = self.patch_embedding(torch.cat([latent, reference])[None].to(dtype))
        frames, rows, columns = x.shape[2:]
        x = x.flatten(2).mT
        embedded = self.time_embedding(waves(time, self.shape.freq_dim, x))
        modulation = self.time_projection(embedded).unflatten(1, (6, -1))
        tokens = self.audio_proj(heard.to(dtype))
        rope = angles((frames, rows, columns), self.shape.dim // self.shape.num_heads, x)
        for block in self.blocks:
            x = block(x, tokens, modulation, rope)
        x = self.head(x, embedded)[0].float()
        deep, high, wide = self.shape.patch_size
        x = x.view(frames, rows, columns, deep, high, wide, -1).permute(6, 0, 3, 1, 4, 2, 5)
        return x.reshape(-1, frames * deep, rows * high, columns * wide)


def waves(time: float, dim: int, like: Tensor) -> Tensor:
    """Return the time as `dim` waves, (1, dim); it has the digits of `like`'s dtype, as in training."""
    at = float(torch.tensor(time, dtype=like.dtype))
    rates = 10000.0 ** (-torch.arange(dim // 2, dtype=torch.float64) / (dim // 2))
    return torch.cat([(at * rates).cos(), (at * rates).sin()])[None].to(like)


def angles(size: tuple[int, int, int], dim: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of where each token is, (tokens, dim / 2) float64.

    Two thirds of the pairs tell the row and the column, the rest the frame.
    """
    third = dim // 3
    axes = [
        torch.outer(
            torch.arange(count, dtype=torch.float64),
            10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width),
        )
        for count, width in zip(size, (dim - 2 * third, third, third), strict=True)
    ]
    grid = torch.cat(
        [
            axes[0][:, None, None].expand(-1, size[1], size[2], -1),
            axes[1][None, :, None].expand(size[0], -1, size[2], -1),
            axes[2][None, None].expand(size[0], size[1], -1, -1),
        ],
        -1,
    ).flatten(0, 2)
    return grid.cos().to(like.device), grid.sin().to(like.device)


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair of neighbours of (1, heads, tokens, dim) by its token's angle."""
    even, odd = x.double().unflatten(-1, (-1, 2)).unbind(-1)
    pairs = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    return pairs.flatten(-2).to(x)
