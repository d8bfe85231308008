"""English speech recognition with PocketSphinx: a draft that people mend in the line table.

The search runs in a process of its own (it holds the interpreter's lock for seconds), two pieces at
a time; this side makes the plan, reads the words, and judges how far they can be believed.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import exp
from pathlib import Path
from typing import Any

from engines.transcription.sphinx_worker import LEVEL, Plan
from media.audio import AudioFile
from media.listen import speech_level
from media.speech import Span, Transcript, Word
from media.tools import Check, follow_program
from studio.errors import BadInput
from studio.progress import Progress

ROOT = Path(__file__).parents[2]
LANGUAGE = "en"
MARGIN_S = 0.05  # the recogniser needs a breath of silence around speech
LOUD_TO_MEAN = 2.0  # a loud moment of speech is about twice its mean level
MOST_GAIN = 1000.0
MOST_PROCESSES = 4
PHONES_S = 40.0  # so much speech tells the language
LOSS_LIMIT, LOSS_STEP = 29.0, 1.0  # of the likelihood per 10 ms, words against phones
LOSS_EXPECTED, PRIOR_FRAMES = 25.0, 200  # what two seconds nobody heard would have lost
REPEATS, MOST_LETTERS_PER_S = 4, 30.0
CAPITALS = {"i": "I", "i'm": "I'm", "i'll": "I'll", "i've": "I've", "i'd": "I'd"}


@dataclass(slots=True)
class _Heard:
    """What came back so far."""

    words: list[Word] = field(default_factory=list[Word])
    frames: int = 0
    as_words: float = 0.0
    as_phones: float = 0.0
    until_s: float = 0.0


class PocketSphinx:
    """PocketSphinx with the US English model of its wheel.

    Args:
        settings: of pocketsphinx's decoder: `lw` (weight of the language model), `lm`, beams.
        processes: how many pieces are searched at a time, 110 MB each; 0: as the machine allows.
    """

    def __init__(self, settings: dict[str, Any] | None = None, processes: int = 0) -> None:
        self._settings = settings or {}
        self._processes = processes or min(MOST_PROCESSES, os.cpu_count() or 2)

    def transcribe(
        self, audio: AudioFile, speech: Sequence[Span], language: str, progress: Progress
    ) -> Transcript:
        """Return the words with their times. See `engines.roles.Transcriber`.

        `Transcript.confidence` is the probability of the language; 1 where it was given.
        """
        if language not in {"", LANGUAGE}:
            raise BadInput(
                f"PocketSphinx understands English only, not {language!r}",
                remedy="Give subtitles of what is said.",
            )
        spans = list(joined(speech, audio.duration_s))
        level = speech_level(audio) if spans else 0.0
        if level == 0.0:
            return Transcript(LANGUAGE, (), 0.0)
        plan = Plan(
            path=str(audio.path.resolve()),
            spans=tuple((each.start_s, each.end_s) for each in spans),
            gain=min(MOST_GAIN, LEVEL * LOUD_TO_MEAN / level),
            processes=self._processes,
            phones_s=0.0 if language else PHONES_S,
            settings=self._settings,
        )
        heard = _Heard()
        whole_s = int(sum(each.duration_s for each in spans))

        def check() -> None:
            done_s = sum(max(0.0, min(heard.until_s, s.end_s) - s.start_s) for s in spans)
            progress(int(done_s), whole_s)

        _run(plan, heard, check)
        confidence = 1.0 if language else _confidence(heard)
        return Transcript(LANGUAGE, tuple(heard.words), confidence)


def joined(speech: Sequence[Span], duration_s: float) -> Iterator[Span]:
    """Yield the stretches in order with a small margin; those that touch become one."""
    last: Span | None = None
    for each in sorted(speech, key=lambda span: span.start_s):
        start_s = max(0.0, each.start_s - MARGIN_S)
        end_s = min(duration_s, each.end_s + MARGIN_S)
        if last is not None and start_s <= last.end_s:
            last = Span(last.start_s, max(last.end_s, end_s))
            continue
        if last is not None:
            yield last
        last = Span(start_s, end_s)
    if last is not None and last.end_s > last.start_s:
        yield last


def _run(plan: Plan, heard: _Heard, check: Check) -> None:
    """Let the worker process do the plan; it dies with this call."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    follow_program(
        [sys.executable, "-m", "engines.transcription.sphinx_worker"],
        check=check,
        on_line=lambda line: _take(json.loads(line), heard),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        stdin=json.dumps(asdict(plan)),
    )


def _take(found: dict[str, Any], heard: _Heard) -> None:
    """Add what the worker found in one piece."""
    words = [
        Word(CAPITALS.get(str(text), str(text)), round(start_s, 3), round(end_s, 3), round(sure, 4))
        for text, start_s, end_s, sure in found["words"]
    ]
    heard.until_s = found["end_s"]
    heard.words += believable(words)
    if found["frames"]:
        heard.frames += found["frames"]
        heard.as_words += found["as_words"]
        heard.as_phones += found["as_phones"]


def believable(words: Sequence[Word]) -> list[Word]:
    """Leave out what nobody says: one word over and over, and more words than a mouth can make."""
    kept: list[Word] = []
    for word in words:
        same = [each.text == word.text for each in kept[-REPEATS:]]
        if len(same) == REPEATS and all(same):
            continue
        kept.append(word)
    if not kept:
        return []
    letters = sum(len(word.text) for word in kept)
    span_s = kept[-1].end_s - kept[0].start_s
    return kept if span_s > 0 and letters / span_s <= MOST_LETTERS_PER_S else []


def _confidence(heard: _Heard) -> float:
    """Return how probable it is that this was English, 0..1.

    English words explain English nearly as well as free sequences of phones do; another language
    they explain much worse. The numbers are measured (benchmarks/RESULTS.md).
    """
    if not heard.words or not heard.frames:
        return 0.0
    lost = heard.as_phones - heard.as_words + LOSS_EXPECTED * PRIOR_FRAMES
    loss = lost / (heard.frames + PRIOR_FRAMES)
    return round(1 / (1 + exp((loss - LOSS_LIMIT) / LOSS_STEP)), 4)
