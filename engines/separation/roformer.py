"""Voice from background with Mel-Band RoFormer or BS-RoFormer, as published for singing voices.

The network is ours (`engines.separation.nets.roformer`), the checkpoints and their YAML are those of
https://github.com/ZFTurbo/Music-Source-Separation-Training. As there, segments of 8 s overlap and are
cross-faded over a tenth of their length; beyond the ends of the sound is silence (there: its mirror
image). The background is the mixture minus the voice, so both add up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from engines.checkpoints import to_safetensors
from engines.networks import device_of, last_pass
from engines.roles import Stem
from engines.separation.overlap import RATE_HZ, Level, Part, split, trapezoid
from media.audio import Audio, AudioFile, Samples
from studio.errors import BadInput, MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

    from engines.separation.nets.roformer import Shape

FETCH = "Fetch the weights: ./run.sh weights."
AGAIN = "Fetch the weights again: ./run.sh weights."
Kind = Literal["mel", "bs"]


class Roformer:
    """A RoFormer as a separator.

    Args:
        weights: folder of the checkpoint.
        checkpoint: its file, a pickled state dict (`.ckpt`) or safetensors.
        kind: "mel" (overlapping mel bands) or "bs" (bands side by side).
        config: YAML beside it, as published; empty: the published shape of that kind (Kim's mel-band
            vocals; viperx's ep_317 and ep_368).
        dtype: of the parameters, a name of torch's.
    """

    def __init__(
        self,
        *,
        weights: Path,
        checkpoint: str,
        kind: Kind,
        config: str = "",
        dtype: str = "float32",
    ) -> None:
        self._checkpoint = weights / checkpoint
        self._kind: Kind = kind
        self._config_path = weights / config if config else None
        self._dtype = dtype
        self._network: tuple[torch.nn.Module, _Config] | None = None

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the network.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if a file is not what it should be.
        """
        return {"roformer": self._loaded()[0]}

    def separate(self, mixture: AudioFile, progress: Progress) -> Iterator[Mapping[Stem, Audio]]:
        """Yield the stems block by block. See `engines.roles.Separator`."""
        network, config = self._loaded()
        segment = config.segment
        stride = max(1, segment // config.inference.num_overlap)
        weight = trapezoid(segment, segment // 10)
        voice, is_rest = config.voice

        def estimate(piece: Samples) -> Samples:
            import torch  # noqa: PLC0415 - heavy

            with torch.no_grad():
                sound = torch.from_numpy(piece)[None].to(device_of(network))
                found = network(sound)[0, voice].cpu().numpy()
            return piece - found if is_rest else found

        ending = partial(last_pass, network)
        part = Part(estimate, weight, stride, lead=segment - stride, ending=ending)
        yield from split(mixture, [part], Level(), progress)

    def _loaded(self) -> "tuple[torch.nn.Module, _Config]":
        if self._network is None:
            config = _read_config(self._config_path, self._kind)
            network = _load(self._checkpoint, config.shape(self._kind), self._dtype)
            self._network = network, config
        return self._network


@dataclass(frozen=True, slots=True)
class _Audio:
    """`audio:` of the YAML."""

    chunk_size: int = 352_800  # samples


@dataclass(frozen=True, slots=True)
class _Inference:
    """`inference:` of the YAML."""

    num_overlap: int = 2  # segments over each sample
    chunk_size: int = 0  # samples; 0: that of `audio`


@dataclass(frozen=True, slots=True)
class _Training:
    """`training:` of the YAML: what the stems are."""

    instruments: tuple[str, ...] = ("vocals", "other")
    target_instrument: str | None = "vocals"  # None: all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """`model:` of the YAML, by the names of the official classes and with their defaults.

    Where only one value is allowed, no published checkpoint for voices has another.
    """

    dim: int
    depth: int
    stereo: Literal[True] = True
    num_stems: int = 1
    time_transformer_depth: int = 2
    freq_transformer_depth: int = 2
    linear_transformer_depth: Literal[0] = 0
    num_bands: int = 60
    freqs_per_bands: tuple[int, ...] = ()
    dim_head: int = 64
    heads: int = 8
    sample_rate: Literal[44_100] = 44_100
    stft_n_fft: int = 2048
    stft_hop_length: int = 512
    stft_win_length: int = 2048
    stft_normalized: Literal[False] = False
    zero_dc: bool = True
    mask_estimator_depth: int | None = None  # official: 1 of mel networks, 2 of others
    mlp_expansion_factor: int = 4
    skip_connection: Literal[False] = False
    use_pope: Literal[False] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Config:
    """A published YAML, as far as it matters here."""

    __pydantic_config__ = ConfigDict(extra="ignore")

    model: _Model
    audio: _Audio = field(default_factory=_Audio)
    training: _Training = field(default_factory=_Training)
    inference: _Inference = field(default_factory=_Inference)

    @property
    def segment(self) -> int:
        """Samples that the network hears at once."""
        return self.inference.chunk_size or self.audio.chunk_size

    @property
    def voice(self) -> tuple[int, bool]:
        """Return which stem to take, and whether it is all but the voice.

        Raises:
            BadInput: if there is none.
        """
        names = [each.lower() for each in self.training.instruments]
        target = (self.training.target_instrument or "").lower()
        stems = [target] if target else names
        if "vocals" in stems and len(stems) == self.model.num_stems:
            return stems.index("vocals"), False
        if target and set(names) - {target} == {"vocals"} and self.model.num_stems == 1:
            return 0, True
        raise BadInput(f"this checkpoint separates {', '.join(names)}, not voices")

    def shape(self, kind: Kind) -> "Shape":
        """Return the size of the network."""
        from engines.separation.nets.roformer import BANDS, Shape  # noqa: PLC0415 - heavy

        model = self.model
        if model.stft_win_length != model.stft_n_fft:
            raise BadInput("the window of this RoFormer is shorter than its transform")
        depth = model.mask_estimator_depth or (1 if kind == "mel" else 2)
        return Shape(
            mel=kind == "mel",
            dim=model.dim,
            depth=model.depth,
            stems=model.num_stems,
            time_depth=model.time_transformer_depth,
            freq_depth=model.freq_transformer_depth,
            heads=model.heads,
            dim_head=model.dim_head,
            mel_bands=model.num_bands,
            bands=model.freqs_per_bands or BANDS,
            fft=model.stft_n_fft,
            hop=model.stft_hop_length,
            rate_hz=RATE_HZ,
            mask_depth=depth,
            expansion=model.mlp_expansion_factor,
            zero_dc=model.zero_dc,
        )


def _published(dim: int, depth: int) -> _Config:
    return _Config(
        model=_Model(
            dim=dim,
            depth=depth,
            time_transformer_depth=1,
            freq_transformer_depth=1,
            stft_hop_length=441,
            mask_estimator_depth=2,
        )
    )


PUBLISHED: Mapping[Kind, _Config] = {"mel": _published(384, 6), "bs": _published(512, 12)}


class _Yaml(yaml.SafeLoader):
    """Safe, and knows the tuples of the published files."""


_Yaml.add_constructor(
    "tag:yaml.org,2002:python/tuple",
    lambda loader, node: loader.construct_sequence(cast("yaml.SequenceNode", node)),
)


def _read_config(path: Path | None, kind: Kind) -> _Config:
    if path is None:
        return PUBLISHED[kind]
    if not path.is_file():
        raise MissingWeights(f"there is no {path.name} in {path.parent}", remedy=FETCH)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Yaml)  # noqa: S506 - a safe one
        return TypeAdapter(_Config).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path.name}: {where}: {first['msg']}", remedy=AGAIN) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is no configuration of a RoFormer", remedy=AGAIN) from error


def _load(path: Path, shape: "Shape", dtype: str) -> "torch.nn.Module":
    """Make the network and give it the tensors of the file, without a copy of either."""
    import torch  # noqa: PLC0415 - heavy

    from engines.separation.nets.roformer import Roformer as Network  # noqa: PLC0415 - heavy

    try:
        with torch.device("meta"):
            network = Network(shape)
        network.load_state_dict(_state(path), assign=True)
    except (BadInput, MissingWeights):
        raise
    except (RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise BadInput(f"{path.name} is not the RoFormer that was expected: {why}") from error
    for name, parameter in network.named_parameters():
        if not name.endswith("rotary_embed.freqs"):  # positions need all their digits
            parameter.data = parameter.data.to(getattr(torch, dtype))
    return network.eval().requires_grad_(False)


def _state(path: Path) -> Mapping[str, "torch.Tensor"]:
    """Return the state dict of a checkpoint; nothing in it is run, a pickle is converted first."""
    from safetensors import SafetensorError  # noqa: PLC0415 - heavy
    from safetensors import torch as tensors  # noqa: PLC0415 - heavy

    try:
        return tensors.load_file(to_safetensors(path))
    except SafetensorError as error:
        raise BadInput(f"{path.name} is no checkpoint that can be read", remedy=AGAIN) from error
