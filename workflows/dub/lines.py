"""From what was heard, or read in subtitles, to lines: one sentence of one speaker each."""

from collections.abc import Sequence
from dataclasses import replace

from media.cues import Cue, speech_only
from media.sentences import Sentence, sentences_from_cues, sentences_from_words
from media.speech import Span, Transcript, Turn
from media.subtitles import read_subtitles
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, step
from workflows.dub.model import Line, Source

LEAST_S = 0.1


@step("Make lines of the words")
def lines_of_words(desk: Desk, transcript: Transcript, turns: tuple[Turn, ...]) -> tuple[Line, ...]:
    """Give every word its speaker, and cut at speakers, pauses and sentences."""
    desk.check()
    return _numbered(sentences_from_words(transcript.words, turns, transcript.language))


@step("Read the subtitles")
def lines_of_subtitles(
    desk: Desk,
    source: Source,
    said: Artefact | None,
    translated: Artefact | None,
    turns: tuple[Turn, ...],
) -> tuple[Line, ...]:
    """Make lines of subtitles in the source language, the target language, or both.

    Args:
        desk: the step's.
        source: the video; its clock is the subtitles' clock, and what lies behind its end is left out.
        said: what is said, in the source language.
        translated: the translation; its cues count for the line with which they overlap most.
        turns: who speaks when, for cues that do not name their speaker.

    Raises:
        BadInput: if there is not one cue inside the video, or the two files have no time in common.
    """
    cues = _cues(desk, said or translated, source)
    if said is None or translated is None:
        sentences = sentences_from_cues(cues, turns)
        lines = _numbered(sentences)
        return lines if said else tuple(replace(each, translation=each.text) for each in lines)
    lines = _numbered([_alone(cue, turns) for cue in cues])
    texts: list[list[str]] = [[] for _ in lines]
    for cue in _cues(desk, translated, source):
        span = Span(cue.start_s, cue.end_s)
        best = max(range(len(lines)), key=lambda i: lines[i].span.overlap_s(span))
        if lines[best].span.overlap_s(span) > 0:
            texts[best].append(cue.text)
    if not any(texts):
        raise BadInput(
            "the two subtitle files have no time in common",
            remedy="Give subtitles of the same video.",
        )
    return tuple(
        replace(line, translation=" ".join(" ".join(own).split()))
        for line, own in zip(lines, texts, strict=True)
    )


def turns_of(lines: Sequence[Line]) -> tuple[Turn, ...]:
    """Return who speaks when, without the words."""
    return tuple(Turn(line.speaker, line.start_s, line.end_s) for line in lines)


def _cues(desk: Desk, subtitles: Artefact | None, source: Source) -> list[Cue]:
    if subtitles is None:
        return []
    cues = speech_only(read_subtitles(desk.path(subtitles), subtitles.name))
    shift_s, last_s = source.audio_start_s, source.duration_s
    inside = [
        replace(
            cue,
            start_s=max(0.0, cue.start_s - shift_s),
            end_s=min(cue.end_s - shift_s, last_s),
        )
        for cue in cues
        if cue.end_s > shift_s and cue.start_s - shift_s < last_s - LEAST_S
    ]
    if not inside:
        raise BadInput(
            f"no subtitle of {subtitles.name or 'the file'} lies within the video",
            remedy="Give the subtitles of this video.",
        )
    return inside


def _alone(cue: Cue, turns: Sequence[Turn]) -> Sentence:
    return sentences_from_cues([cue], turns)[0]


def _numbered(sentences: Sequence[Sentence]) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=f"L{index:04d}",
            speaker=each.speaker,
            start_s=each.start_s,
            end_s=each.end_s,
            text=each.text,
            words=each.words,
        )
        for index, each in enumerate(sentences, start=1)
    )
