"""First half of hearing: what is in the file, what of it is voice, where people speak, and who."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.roles import Aligner, Diarizer, Separator, SpeechDetector, Transcriber
from media.audio import Audio, AudioWriter, open_audio
from media.decode import decode_audio
from media.fetch import fetch_link
from media.listen import put_together
from media.probe import MediaInfo, choose_audio, probe
from media.speech import Span, Transcript, Turn
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, Run, engine_step, step
from workflows.dub.model import Source

FLAC = "audio/flac"
SILENT_RATE_HZ = 48_000
WINDOW_S = 30.0
LONG_S = 4 * WINDOW_S  # shorter films are heard whole at once
MINUTE_S = 60.0  # of speech, written down at once
AROUND_S = 1.0  # of sound around it


@dataclass(frozen=True, slots=True)
class Stems:
    """The voices alone, and everything else; their sum is the source's sound."""

    vocals: Artefact
    bed: Artefact | None  # None: they could not be told apart, `vocals` is the whole sound


@step("Fetch the video")
def fetch(desk: Desk, link: str) -> Artefact:
    """Download `link`, if it is an address that may be asked."""
    path = fetch_link(link, desk.scratch, check=desk.check, progress=desk.progress)
    return desk.keep(path, "video/mp4", path.name)


@step("Look into the file")
def inspect(desk: Desk, media: Artefact, language: str) -> Source:
    """Probe the file, and decode the sound that will be dubbed.

    Raises:
        BadInput: if it is no media file, or has nothing that lasts.
    """
    info = probe(desk.path(media), media.name, check=desk.check)
    stream = choose_audio(info, language)
    picture = info.video
    out = desk.scratch / "original.flac"
    start_s, tag, warnings = 0.0, "", ()
    if stream is not None:
        decoded = decode_audio(info, stream, out, check=desk.check, progress=desk.progress)
        start_s, tag, warnings = decoded.start_s, stream.language, decoded.warnings
    else:
        _write_silence(desk, info, out)
    duration_s = open_audio(out).duration_s
    return Source(
        media=media,
        audio=desk.keep(out, FLAC),
        audio_stream=None if stream is None else stream.index,
        audio_start_s=start_s,
        duration_s=duration_s,
        has_video=picture is not None,
        frame_s=0.0 if picture is None else picture.frame_s,
        language=tag,
        warnings=warnings,
    )


@engine_step("Separate voices and background")
def separate(separator: Separator, desk: Desk, audio: Artefact) -> Stems:
    """Split the sound, block by block."""
    source = open_audio(desk.path(audio))
    paths = [desk.scratch / "vocals.flac", desk.scratch / "background.flac"]
    rate_hz, channels = source.sample_rate_hz, source.channels
    with (
        AudioWriter(paths[0], rate_hz, channels) as vocals,
        AudioWriter(paths[1], rate_hz, channels) as bed,
    ):
        for block in separator.separate(source, desk.progress):
            vocals.write(block["vocals"])
            bed.write(block["other"])
    return Stems(*(desk.keep(path, FLAC) for path in paths))


@engine_step("Find the speech")
def find_speech(detector: SpeechDetector, desk: Desk, vocals: Artefact) -> tuple[Span, ...]:
    """Return where people speak."""
    return detector.detect(open_audio(desk.path(vocals)), desk.progress)


@engine_step("Tell the speakers apart")
def diarize(
    diarizer: Diarizer, desk: Desk, vocals: Artefact, speech: tuple[Span, ...], speakers: int
) -> tuple[Turn, ...]:
    """Return who speaks when, over the whole track."""
    return diarizer.diarize(open_audio(desk.path(vocals)), speech, speakers, desk.progress)


@step("Make the voice clear")
def clear_voice(desk: Desk, stems: Stems) -> Artefact:
    """Return the voice, with as much of the background as helps to understand it."""
    if stems.bed is None:
        return stems.vocals
    voice, bed = open_audio(desk.path(stems.vocals)), open_audio(desk.path(stems.bed))
    path = desk.scratch / "heard.flac"
    put_together(voice, bed, path, desk.check)
    return desk.keep(path, FLAC)


@engine_step("Listen in at three places")
def listen_in(
    transcriber: Transcriber, desk: Desk, voice: Artefact, speech: tuple[Span, ...], language: str
) -> Transcript:
    """Hear up to 30 s at the start, the middle and the end: a wrong language is told in seconds."""
    file = open_audio(desk.path(voice))
    last_s = max(0.0, file.duration_s - WINDOW_S)
    windows = [Span(at_s, at_s + WINDOW_S) for at_s in (0.0, last_s / 2, last_s)]
    heard = tuple(
        Span(max(each.start_s, window.start_s), min(each.end_s, window.end_s))
        for window in windows
        for each in speech
        if each.overlap_s(window) > 0.5
    )
    return transcriber.transcribe(file, heard or speech[:8], language, desk.progress)


@engine_step("Write down what is said")
def transcribe(
    transcriber: Transcriber, desk: Desk, speech: tuple[Span, ...], voice: Artefact, language: str
) -> Transcript:
    """Return the words of a few stretches with their times; nothing else of the film is read."""
    file = open_audio(desk.path(voice))
    start_s = max(0.0, speech[0].start_s - AROUND_S)
    rate_hz = file.sample_rate_hz
    start, stop = (round(at * rate_hz) for at in (start_s, speech[-1].end_s + AROUND_S))
    path = desk.scratch / "part.flac"
    with AudioWriter(path, rate_hz, file.channels) as writer:
        for at in range(start, min(stop, file.n_samples), round(WINDOW_S * rate_hz)):
            desk.check()
            writer.write(file.read(at, min(stop, at + round(WINDOW_S * rate_hz))))
    start_s = start / rate_hz
    inside = [Span(each.start_s - start_s, each.end_s - start_s) for each in speech]
    found = transcriber.transcribe(open_audio(path), inside, language, desk.progress)
    words = tuple(
        replace(each, start_s=each.start_s + start_s, end_s=each.end_s + start_s)
        for each in found.words
    )
    return replace(found, words=words)


@engine_step("Time the words")
def time_words(aligner: Aligner, desk: Desk, voice: Artefact, transcript: Transcript) -> Transcript:
    """Return the same words with the times at which they are heard."""
    return aligner.align(open_audio(desk.path(voice)), transcript, desk.progress)


def write_down(run: Run, voice: Artefact, speech: tuple[Span, ...], language: str) -> Transcript:
    """Return all words, heard a minute of speech at a time: a kill loses no more than that.

    The first minute tells the language, where nobody did.
    """
    parts = minutes(speech)
    first = run.map(transcribe, parts[:1], voice, language)
    known = language or (first[0].language if len(parts) > 1 else "")
    others = run.map(transcribe, parts[1:], voice, known) if len(parts) > 1 else ()
    words = tuple(word for each in (*first, *others) for word in each.words)
    return replace(first[0], words=words)


def minutes(speech: Sequence[Span], longest_s: float = MINUTE_S) -> tuple[tuple[Span, ...], ...]:
    """Return the stretches in groups of about a minute of speech, cut in the pauses between them."""
    total_s = sum(each.duration_s for each in speech)
    wanted_s = total_s / max(1, math.ceil(total_s / longest_s))
    groups: dict[int, list[Span]] = {}
    said_s = 0.0
    for each in speech:  # a stretch belongs to the minute in which its middle lies
        number = int((said_s + each.duration_s / 2) / wanted_s) if wanted_s > 0 else 0
        groups.setdefault(number, []).append(each)
        said_s += each.duration_s
    return tuple(tuple(group) for group in groups.values())


def speaking_turns(speech: Sequence[Span]) -> tuple[Turn, ...]:
    """Return the turns of a track where nobody tells speakers apart: one speaker says all."""
    return tuple(Turn("S1", each.start_s, each.end_s) for each in speech)


def _write_silence(desk: Desk, info: MediaInfo, path: Path) -> None:
    if info.video is None or info.duration_s <= 0:
        raise BadInput(
            f"{info.name} has neither sound nor a film",
            remedy="Choose a video or a sound file.",
        )
    left = round(info.duration_s * SILENT_RATE_HZ)
    with AudioWriter(path, SILENT_RATE_HZ, 2) as writer:
        while left:
            desk.check()
            size = min(left, SILENT_RATE_HZ * 10)
            writer.write(Audio(np.zeros((2, size), np.float32), SILENT_RATE_HZ))
            left -= size
