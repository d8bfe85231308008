"""What voices made by networks share: seeds, the stop button, pieces of long lines, quiet ends."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.roles import OWN, Reference, Speech
from engines.speech.line import check_rate, clean, joined, pieces, trimmed
from media.audio import Audio
from studio.errors import BadInput, MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

SLOWEST_LETTER_S, SPARE_S = 0.12, 1.0  # nobody needs longer for a letter, with pauses
EMPTY_S = 0.1


def bound_s(text: str) -> float:
    """Return how long a take of `text` may be at most: a network that finds no end is stopped there."""
    return SPARE_S + SLOWEST_LETTER_S * len(text)


@contextmanager
def seeded(seed: int, device: "torch.device") -> Generator[None, None, None]:
    """Let what is drawn inside depend on `seed` alone, and leave the generators as they were."""
    import torch  # noqa: PLC0415 - heavy

    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.inference_mode():
        torch.manual_seed(seed)
        yield


@contextmanager
def told(
    network: "torch.nn.Module", progress: Progress, done: int, total: int
) -> Generator[None, None, None]:
    """Report before every pass of `network`: the stop button works within one frame of sound."""

    def report(*_: object) -> None:
        progress(done, total)

    hook = network.register_forward_pre_hook(report)
    try:
        yield
    finally:
        hook.remove()


def asked(
    processor: Any,
    role: str,
    content: Sequence[Mapping[str, str]],
    reference: Reference | None,
    most_s: float,
) -> Any:
    """Return what a model of transformers is given to say a text, in a voice if there is one.

    Args:
        processor: the model's.
        role: who speaks, in the words of its chat template.
        content: text and sound, in its template's order; without a reference the sound is left out.
        reference: the voice.
        most_s: seconds of it that are heard.
    """
    given: dict[str, Any] = {}
    if reference is not None:
        rate_hz = int(processor.feature_extractor.sampling_rate)
        voice = reference.audio.mono().cut(0, most_s).resampled(rate_hz)
        given = {"audio": [voice.samples[0]], "sampling_rate": rate_hz}
    parts = [each for each in content if reference is not None or each["type"] != "audio"]
    prompt = processor.apply_chat_template([{"role": role, "content": parts}], tokenize=False)
    return processor(text=[prompt], return_tensors="pt", **given)


def spoken_in_pieces(
    text: str, most: int, progress: Progress, say: Callable[[str, int, int], Audio]
) -> Speech:
    """Speak a line, piece by piece where it is longer than the engine can, and trim its ends.

    Args:
        text: as it came.
        most: characters that the engine speaks at once.
        progress: told before each piece.
        say: speaks one piece, given which of how many it is.

    Raises:
        BadInput: if there is nothing to say.
    """
    parts = pieces(clean(text), most)
    takes: list[Audio] = []
    for index, part in enumerate(parts):
        progress(index, len(parts))
        takes.append(trimmed(say(part, index, len(parts))))
    heard = [each for each in takes if each.samples.size]
    if heard:
        return Speech(joined(heard))
    # A take of nothing is a bad take, not an error: the dub asks for another one.
    rate_hz = takes[0].sample_rate_hz
    return Speech(Audio(np.zeros((1, round(EMPTY_S * rate_hz)), np.float32), rate_hz))


def sound(samples: NDArray[np.float32], sample_rate_hz: int) -> Audio:
    """Return what a network made as (1, samples) within full scale, without NaN."""
    row = np.nan_to_num(np.asarray(samples, np.float32).reshape(1, -1))
    return Audio(np.clip(row, -1.0, 1.0), sample_rate_hz)


def check_voice(
    title: str, voice: str, language: str, languages: tuple[str, ...], rate: float
) -> None:
    """Refuse what an engine that only clones cannot speak.

    Raises:
        BadInput: another voice than the speaker's own, or a language or rate that it does not know.
    """
    check_rate(rate)
    if voice != OWN:
        raise BadInput(f"{title} has no voice {voice!r}", remedy="Let it clone the speaker's own.")
    if language not in languages:
        raise BadInput(
            f"{title} does not speak {language!r}", remedy=f"Choose one of {', '.join(languages)}."
        )


def check_files(title: str, weights: Path, names: tuple[str, ...]) -> None:
    """Refuse a folder in which files of the official layout are missing.

    Raises:
        MissingWeights: it names the first that is not there.
    """
    for name in names:
        if not any(weights.glob(name)):
            raise MissingWeights(
                f"{title} has no {name} in {weights.name or weights}",
                remedy="Get its weights in the Engine Room, or by ./run.sh weights.",
            )
