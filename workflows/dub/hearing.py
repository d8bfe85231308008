"""First half of hearing: what is in the file, what of it is voice, where people speak, and who."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.roles import Aligner, Diarizer, Separator, SpeechDetector, Transcriber
from media.audio import Audio, AudioFile, AudioWriter, open_audio
from media.decode import decode_audio
from media.fetch import fetch_link
from media.listen import put_together
from media.probe import MediaInfo, choose_audio, probe
from media.speech import Span, Transcript, Turn
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, engine_step, step
from workflows.dub.model import Source

FLAC = "audio/flac"
SILENT_RATE_HZ = 48_000
WINDOW_S = 30.0
LONG_S = 4 * WINDOW_S  # shorter films are heard whole at once


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


@engine_step("Listen in at three places")
def listen_in(
    transcriber: Transcriber, desk: Desk, stems: Stems, speech: tuple[Span, ...], language: str
) -> Transcript:
    """Hear up to 30 s at the start, the middle and the end: a wrong language is told in seconds."""
    file = _for_recogniser(desk, stems)
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
    transcriber: Transcriber, desk: Desk, stems: Stems, speech: tuple[Span, ...], language: str
) -> Transcript:
    """Return the words with their times."""
    return transcriber.transcribe(_for_recogniser(desk, stems), speech, language, desk.progress)


@engine_step("Time the words")
def time_words(aligner: Aligner, desk: Desk, stems: Stems, transcript: Transcript) -> Transcript:
    """Return the same words with the times at which they are heard."""
    return aligner.align(_for_recogniser(desk, stems), transcript, desk.progress)


def _for_recogniser(desk: Desk, stems: Stems) -> AudioFile:
    """Return the voice, with as much of the background as helps to understand it."""
    vocals = open_audio(desk.path(stems.vocals))
    if stems.bed is None:
        return vocals
    bed = open_audio(desk.path(stems.bed))
    return put_together(vocals, bed, desk.scratch / "heard.flac", desk.check)


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
