"""What networks of speech hear, on the clock of the film."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def speech_layers(
    network: Any, wave: "torch.Tensor", frames: int, *, cut: int | None = None, align: bool = True
) -> "torch.Tensor":
    """Return what every layer of a wav2vec 2.0 or HuBERT heard, `frames` steps each.

    What the convolutions heard (50 steps a second) is stretched to the frames before the transformer
    hears it, as Hallo (https://github.com/fudan-generative-vision/hallo) and its heirs were trained.

    Args:
        network: `Wav2Vec2Model` or `HubertModel`.
        wave: (1, samples), 16 kHz, normalised as the network wants it.
        frames: steps to return.
        cut: steps of the convolutions to take; None: all.
        align: whether the first and last steps fall together, and not their edges.

    Returns:
        (layers + 1, frames, channels); the first is what the transformer is given.
    """
    import torch  # noqa: PLC0415 - heavy
    from torch.nn.functional import interpolate  # noqa: PLC0415 - heavy

    def stretch(_module: Any, _given: Any, heard: torch.Tensor) -> torch.Tensor:
        return interpolate(heard[..., :cut], size=frames, mode="linear", align_corners=align)

    hook = network.feature_extractor.register_forward_hook(stretch)
    try:
        return torch.cat(network(wave, output_hidden_states=True).hidden_states)
    finally:
        hook.remove()
