"""A finished dub made by hand, in which every number is known."""

from dataclasses import replace

from media.lip_sync import LipSync
from media.mix_report import MixedLine, MixReport
from media.speech import Word
from studio.artefacts import Artefact
from workflows.dub.delivery import Facts, Wordings
from workflows.dub.lips import Lips
from workflows.dub.mixing import Mixed
from workflows.dub.model import Line, Source
from workflows.dub.reporting import Told
from workflows.dub.sheet import Sheet, SheetLine, SheetMember


def artefact(name: str = "film.mp4") -> Artefact:
    return Artefact(sha256="0" * 64, media_type="video/mp4", size_bytes=1, name=name)


def row(number: int = 1, **changes) -> SheetLine:
    """A line of 2 s every 3 s, dubbed where it was said."""
    start_s = 3.0 * (number - 1)
    usual = SheetLine(
        id=f"L{number:04d}",
        speaker="S1",
        start_s=start_s,
        end_s=start_s + 2,
        text="good evening my friend",
        translation="buenas noches mi amigo",
        dub_start_s=start_s,
        dub_end_s=start_s + 2,
        speed=1.0,
        flag="",
        voice="nora",
        locked=False,
        take=0,
    )
    return usual.model_copy(update=changes)


def member(speaker: str = "S1", **changes) -> SheetMember:
    usual = SheetMember(
        speaker=speaker,
        name=speaker,
        speaking_s=8.0,
        is_main=True,
        pitch_hz=180.0,
        voice="nora",
        converted=True,
        reference=artefact("voice.flac"),
    )
    return usual.model_copy(update=changes)


def sheet(lines=(), cast=(), **changes) -> Sheet:
    usual = Sheet(
        media=artefact(),
        source_language="en",
        target_language="es",
        duration_s=90.0,
        audio_start_s=0.0,
        lines=tuple(lines) or tuple(map(row, range(1, 5))),
        cast=tuple(cast) or (member(),),
    )
    return usual.model_copy(update=changes)


def mixed_line(**changes) -> MixedLine:
    usual = MixedLine(
        start_s=0.0,
        end_s=2.0,
        speaker="S1",
        gain_db=0.0,
        lufs=-23.0,
        source_lufs=-23.2,
        target_lufs=-23.2,
        duck_db=9.0,
        cut_s=0.0,
    )
    return replace(usual, **changes)


def mix(*lines: MixedLine, **changes) -> MixReport:
    usual = MixReport(
        lines=lines or (mixed_line(),),
        sample_rate_hz=48_000,
        channels=2,
        n_samples=90 * 48_000,
        touched_s=8.0,
        exact_share=0.9,
        is_exact_outside=True,
        true_peak_dbtp=-1.2,
        touched_true_peak_dbtp=-1.2,
        original_true_peak_dbtp=-1.5,
        loudness_lufs=-23.0,
        original_loudness_lufs=-23.0,
        range_lu=6.0,
        original_range_lu=5.5,
        bleed=0.05,
        notes=(),
    )
    return replace(usual, **changes)


def told(lines=(), cast=(), *, mixed: MixReport | None = None, **changes) -> Told:
    """A dub in which every check holds, but for what is changed."""
    source = Source(
        media=artefact(),
        audio=artefact("sound.flac"),
        audio_stream=1,
        audio_start_s=0.0,
        duration_s=90.0,
        has_video=True,
        frame_s=0.04,
        language="en",
    )
    words = Wordings(artefact(), artefact(), artefact(), artefact(), None, ())
    usual = Told(
        sheet=sheet(lines, cast),
        source=source,
        mixed=Mixed(artefact("dub.flac"), mixed or mix()),
        words=words,
        facts=Facts((0.01, 0.0), 0.04, sound_is_exact=True, picture_is_copied=True),
        lips=Lips(None, 1, (), LipSync(2, 0.4, None), LipSync(0, 0.6, None)),
        engines={"VoiceConverter": "spectral-converter", "Diarizer": "d", "Speaker": "espeak-ng"},
    )
    return replace(usual, **changes)


def heard(number: int = 1, confidence: float = 1.0) -> Line:
    """The line as it was recognised."""
    line = row(number)
    words = tuple(Word(each, line.start_s, line.end_s, confidence) for each in line.text.split())
    return Line(line.id, line.speaker, line.start_s, line.end_s, line.text, words)
