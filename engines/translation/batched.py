"""What the neural translators share: lines cut into sentences, sentences said in batches."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from engines.chat import heeding
from engines.networks import device_of
from engines.plain import one_line
from engines.roles import Translation
from engines.translation.units import is_shouted, sentence_cased
from studio.errors import BadInput
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

Say = Callable[[Sequence[str], Callable[[], None]], Sequence[str]]

MOST_TOKENS = 400
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")


def translated(
    texts: Sequence[str], batch: int, say: Say, progress: Progress
) -> tuple[Translation, ...]:
    """Translate lines sentence by sentence: these models were taught single ones, and drop a second.

    Args:
        texts: lines; shouted ones are said in usual case and shouted again.
        batch: sentences that are said together, those of like length.
        say: translates sentences; it calls what it is given as often as it can.
        progress: lines done, of all.
    """
    progress(0, len(texts))
    lines = [one_line(text) for text in texts]
    parts = [[p for p in _SENTENCE.split(sentence_cased(line)) if p] for line in lines]
    places = [(i, j) for i, own in enumerate(parts) for j, part in enumerate(own) if _worded(part)]
    places.sort(key=lambda place: -len(parts[place[0]][place[1]]))
    for start in range(0, len(places), batch):
        together = places[start : start + batch]
        done = len(texts) * start // len(places)
        said = say([parts[i][j] for i, j in together], lambda done=done: progress(done, len(texts)))
        for (i, j), new in zip(together, said, strict=True):
            parts[i][j] = one_line(new)
    progress(len(texts), len(texts))
    joined = [" ".join(filter(None, own)) for own in parts]
    return tuple(
        Translation(new.upper() if is_shouted(line) else new)
        for new, line in zip(joined, lines, strict=True)
    )


def generated(
    network: "torch.nn.Module",
    sentences: Sequence[Sequence[int]],
    pad: int,
    beams: int,
    check: Callable[[], None],
    **options: Any,
) -> list[list[int]]:
    """Return what a sequence-to-sequence model of transformers says, as token ids.

    Args:
        network: the model.
        sentences: token ids of each, of different lengths.
        pad: the token that fills up.
        beams: width of the beam search.
        check: called a few times a second; what it raises passes.
        options: for `generate`.
    """
    import torch  # noqa: PLC0415 - heavy

    longest = max(map(len, sentences))
    device = device_of(network)
    ids = torch.tensor([[*each, *[pad] * (longest - len(each))] for each in sentences])
    mask = torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in sentences])
    model: Any = network
    told = model.generate(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        num_beams=beams,
        do_sample=False,
        max_new_tokens=min(MOST_TOKENS, 16 + 3 * longest),
        stopping_criteria=heeding(check),
        **options,
    )
    return told.tolist()


def unknown_pair(title: str, source: str, target: str, known: Sequence[str]) -> BadInput:
    """Return the error of a translator that is asked for a pair that it does not know."""
    return BadInput(
        f"{title} does not translate {source!r} to {target!r}",
        remedy=f"It knows {', '.join(known)}.",
    )


def check_between(title: str, languages: Collection[str], source: str, target: str) -> None:
    """Refuse a pair that a translator between any two of `languages` does not know.

    Raises:
        BadInput: with those that it knows.
    """
    if not {source, target} <= set(languages) or source == target:
        known = [f"en→{each}" for each in languages if each != "en"]
        raise unknown_pair(title, source, target, [*known, "and back, and between them"])


def all_pairs(languages: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Return every pair of two different languages."""
    return frozenset((a, b) for a in languages for b in languages if a != b)


def _worded(part: str) -> bool:
    return any(map(str.isalpha, part))
