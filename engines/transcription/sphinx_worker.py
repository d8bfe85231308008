"""The recogniser's own process: pocketsphinx holds the interpreter while it searches.

Reads one plan (JSON) from its standard input, decodes the pieces in parallel and writes one line of
JSON for each, in order. Started by `engines.transcription.pocketsphinx`; it can be killed at once.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from media.audio import open_audio
from media.listen import Wave, mono_cut

RATE_HZ = 16_000
FRAME_S = 0.01
LONGEST_S, SHORTEST_S = 14.0, 6.0  # of a piece
CHUNK = 16_000  # samples handed over at once
READ_S = 120.0  # how much of a long stretch is read at once
MEAN_S = 120.0  # how much speech tells the mean of a voice
LEVEL = 0.1  # root mean square to which speech is brought, full scale is 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to decode, and how."""

    path: str
    spans: tuple[tuple[float, float], ...]  # seconds, in order
    gain: float
    mean: str = ""  # cepstral mean of the voice, as pocketsphinx writes it
    processes: int = 2
    phones_s: float = 0.0  # so many seconds are also decoded as bare phones
    settings: dict[str, Any]


def pieces(wave: Wave, longest_s: float = LONGEST_S, shortest_s: float = SHORTEST_S) -> list[int]:
    """Return where to cut a stretch of speech: borders in samples, from 0 to its end.

    Cuts lie where it is most quiet (100 ms), no piece is longer than `longest_s`.
    """
    borders, width = [0], RATE_HZ // 10
    while wave.size - borders[-1] > longest_s * RATE_HZ:
        first = borders[-1] + int(shortest_s * RATE_HZ)
        part = np.square(wave[first : borders[-1] + int(longest_s * RATE_HZ)], dtype=np.float64)
        energy = np.convolve(part, np.ones(width), mode="valid")
        borders.append(first + int(energy.argmin()) + width // 2)
    return [*borders, wave.size]


def main() -> None:
    """Decode the plan that comes in."""
    plan = TypeAdapter(Plan).validate_json(sys.stdin.buffer.read())
    plan = replace(plan, spans=tuple(_cut(plan)))
    plan = replace(plan, mean=_mean(plan))
    with get_context("fork").Pool(plan.processes, _prepare, (plan,)) as pool:
        for found in pool.imap(_decode, range(len(plan.spans))):
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


_plans: list[Plan] = []  # the one of this worker process


def _prepare(plan: Plan) -> None:
    _plans[:] = [plan]


def _cut(plan: Plan) -> Iterator[tuple[float, float]]:
    """Yield the spans, long ones in pieces; what is searched at once stays small."""
    file = open_audio(Path(plan.path))
    for start_s, end_s in plan.spans:
        if end_s - start_s <= LONGEST_S:
            yield start_s, end_s
            continue
        at_s = start_s
        while at_s < end_s:  # hours without a pause are read a few minutes at a time
            wave = mono_cut(file, RATE_HZ, at_s, min(end_s, at_s + READ_S))
            borders = pieces(wave)
            if at_s + READ_S < end_s:
                borders = borders[:-1]
            for first, last in pairwise(borders):
                yield at_s + first / RATE_HZ, at_s + last / RATE_HZ
            at_s = at_s + borders[-1] / RATE_HZ if at_s + READ_S < end_s else end_s


def _decode(index: int) -> dict[str, Any]:
    """Decode one piece."""
    plan = _plans[0]
    start_s, end_s = plan.spans[index]
    pcm = _pcm(mono_cut(open_audio(Path(plan.path)), RATE_HZ, start_s, end_s), plan.gain)
    decoder = _recogniser(json.dumps(plan.settings))
    as_words = _search(decoder, pcm, plan.mean)
    found: dict[str, Any] = {"end_s": end_s, "words": list(_words(decoder, start_s)), "frames": 0}
    if sum(b - a for a, b in plan.spans[:index]) < plan.phones_s:
        as_phones = _search(_phones(), pcm, plan.mean)
        found |= {"frames": len(pcm) // 320, "as_words": as_words, "as_phones": as_phones}
    return found


def _search(decoder: Any, pcm: bytes, mean: str) -> float:
    """Run a decoder over a piece; return the natural logarithm of its score."""
    if mean:
        decoder.set_cmn(mean)
    decoder.start_utt()
    for at in range(0, len(pcm), 2 * CHUNK):
        decoder.process_raw(pcm[at : at + 2 * CHUNK])
    decoder.end_utt()
    found = decoder.hyp()
    return float(decoder.get_logmath().log(found.score)) if found and found.score > 0 else 0.0


def _words(decoder: Any, start_s: float) -> Iterator[tuple[str, float, float, float]]:
    """Yield (word, start, end, posterior); silence, noises and marks are left out."""
    if decoder.hyp() is None:
        return
    for each in decoder.seg():
        word = str(each.word).partition("(")[0]
        if word[:1] not in {"<", "[", "+", ""}:
            end_s = start_s + (each.end_frame + 1) * FRAME_S
            yield word, start_s + each.start_frame * FRAME_S, end_s, float(min(1.0, each.prob))


def _mean(plan: Plan) -> str:
    """Return the cepstral mean over up to two minutes of the speech, taken from all over it."""
    if not plan.spans:
        return ""
    file, total_s = open_audio(Path(plan.path)), 0.0
    heard: list[Wave] = []
    for start_s, end_s in _spread(plan.spans):
        wave = mono_cut(file, RATE_HZ, start_s, min(end_s, start_s + LONGEST_S))
        heard.append(wave)
        total_s += wave.size / RATE_HZ
        if total_s > MEAN_S:
            break
    spotter = _decoder(lm=None, keyphrase="hello", cmn="batch")
    spotter.start_utt()
    spotter.process_raw(_pcm(np.concatenate(heard), plan.gain), full_utt=True)
    spotter.end_utt()
    return str(spotter.get_cmn(False))


def _spread(spans: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield spans from all over the file: every 16th, then those between."""
    for step in range(16):
        yield from spans[step::16]


def _pcm(wave: Wave, gain: float) -> bytes:
    return (np.clip(wave * gain, -1.0, 1.0) * 32767).astype("<i2").tobytes()


@cache
def _recogniser(settings: str) -> Any:
    return _decoder(cmn="live", **json.loads(settings))


@cache
def _phones() -> Any:
    package = find_spec("pocketsphinx")
    places = (package.submodule_search_locations if package else None) or ["."]
    model = str(Path(next(iter(places))) / "model" / "en-us" / "en-us-phone.lm.bin")
    return _decoder(cmn="live", lm=None, allphone=model, lw=2.0, pip=0.3, beam=1e-20, pbeam=1e-20)


def _decoder(**settings: Any) -> Any:
    sphinx: Any = import_module("pocketsphinx")  # it has no types
    return sphinx.Decoder(loglevel="FATAL", **settings)


if __name__ == "__main__":
    main()
