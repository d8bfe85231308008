"""The dub put together: the sound, the subtitles, the film, and what tells how it went."""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from media.aac import join_pieces
from media.audio import AudioFile, open_audio
from media.captions import write_captions
from media.cues import Cue
from media.lay import lay_on_silence
from media.layout import FRAME_S, bilingual, lay_out, violations
from media.mux import Format, MuxPlan, Subtitle, format_for, suffix_for
from media.mux import mux as mux_film
from media.probe import probe
from media.speech import Span
from media.subtitles import write_srt, write_vtt
from media.verify import picture_hash
from studio.artefacts import Artefact
from studio.library import safe_name
from studio.steps import Desk, Run, step
from workflows.dub.hearing import Stems
from workflows.dub.mixing import FLAC, Spoken, Track, silence_before
from workflows.dub.model import Source, Take, called
from workflows.dub.report import DubReport, readable
from workflows.dub.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Wordings:
    """The subtitle files; None where there is nothing to write."""

    source: Artefact | None
    target: Artefact | None
    target_vtt: Artefact | None
    bilingual: Artefact | None
    captions: Artefact | None  # ASS, to be drawn into the picture
    violations: tuple[str, ...]  # of the reading rules, in the subtitles of the dub


@dataclass(frozen=True, slots=True)
class Subtitled:
    """A line as the subtitles need it; times on the clock of the video."""

    start_s: float
    end_s: float
    text: str
    translation: str
    dub_start_s: float
    dub_end_s: float


@step("Write the subtitles", version=2)
def subtitle(
    desk: Desk,
    source: Source,
    lines: tuple[Subtitled, ...],
    languages: tuple[str, str],
    *,
    burn: str,
    style: str,
) -> Wordings:
    """Write subtitles of the source, of the dub, and of both; their times are the dub's."""
    desk.check()
    frame_s = source.frame_s or FRAME_S
    said, dubbed = languages
    original = [Cue(each.start_s, each.end_s, each.text) for each in lines if each.text]
    spoken = [
        Cue(each.dub_start_s, each.dub_end_s, each.translation)
        for each in lines
        if each.translation
    ]
    both = [
        (each.dub_start_s, each.dub_end_s, each.translation, each.text)
        for each in lines
        if each.translation
    ]
    end_s = source.audio_start_s + source.duration_s
    original_cues = _within(lay_out(original, said, frame_s), end_s)
    dubbed_cues = _within(lay_out(spoken, dubbed, frame_s), end_s)
    both_cues = _within(bilingual(both, dubbed, said, frame_s), end_s)
    drawn = {"translated": dubbed_cues, "bilingual": both_cues}.get(burn, ())
    return Wordings(
        source=_kept(desk, original_cues, f"subtitles.{said}.srt"),
        target=_kept(desk, dubbed_cues, f"subtitles.{dubbed}.srt"),
        target_vtt=_kept(desk, dubbed_cues, f"subtitles.{dubbed}.vtt"),
        bilingual=_kept(desk, both_cues, "subtitles.both.srt"),
        captions=_drawn(desk, source, drawn, style) if drawn else None,
        violations=tuple(violations(dubbed_cues, dubbed, frame_s)),
    )


@dataclass(frozen=True, slots=True)
class Film:
    """The finished file."""

    video: Artefact
    format: Format
    video_is_copied: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be seen in place of the source's picture, or in it."""

    captions: Artefact | None = None  # ASS, to be drawn into it
    picture: Artefact | None = None  # the whole picture, with new lips

    @property
    def is_new(self) -> bool:
        """Whether the picture is coded anew."""
        return self != Look()


@step("Choose the container")
def choose_container(
    desk: Desk, source: Source, wanted: Format, *, keep_original: bool, burns: bool
) -> Format:
    """Return what was wanted, or the other one where it cannot hold what is copied."""
    info = probe(desk.path(source.media), source.media.name, check=desk.check)
    return format_for(info, wanted, keep_original=keep_original, burns=burns)


@step("Put the film together")
def assemble(
    desk: Desk,
    source: Source,
    dub: Track,
    words: Wordings | None,
    *,
    languages: tuple[str, str],
    format_: Format,
    keep_original: bool,
    look: Look,
) -> Film:
    """Copy the picture, add the new sound, keep the old one and the subtitles beside it."""
    info = probe(desk.path(source.media), source.media.name, check=desk.check)
    suffix, media_type = suffix_for(info, format_)
    out, sound = desk.scratch / f"film{suffix}", open_audio(desk.path(dub.audio))
    plan = MuxPlan(
        source=info,
        dub=sound,
        dub_start_s=source.audio_start_s,
        dub_language=languages[1],
        dub_title="Dub",
        keep_original=keep_original,
        original_language=languages[0],
        subtitles=_tracks(desk, words, languages),
        format=format_,
        is_lossless=format_ == "mkv",
        captions=_linked(desk, look.captions, "captions.ass"),
        picture=None if look.picture is None else desk.path(look.picture),
        coded=_joined(desk, source, sound, dub.coded) if dub.coded else None,
    )
    mux_film(plan, out, check=desk.check, progress=desk.progress)
    stem = Path(source.media.name or "film").stem
    name = f"{stem}.{languages[1]}{suffix}"
    return Film(desk.keep(out, media_type, name), format_, not look.is_new)


def _joined(desk: Desk, source: Source, sound: AudioFile, coded: Sequence[Artefact]) -> Path:
    path = desk.scratch / "sound.m4a"
    join_pieces(
        [desk.path(each) for each in coded],
        path,
        sample_rate_hz=sound.sample_rate_hz,
        channels=sound.channels,
        n_samples=silence_before(source, sound.sample_rate_hz) + sound.n_samples,
        check=desk.check,
    )
    return path


@dataclass(frozen=True, slots=True)
class Part:
    """What one speaker says."""

    speaker: str
    lines: tuple[tuple[float, Artefact], ...]  # where each line starts, in seconds


@step("Lay out each speaker")
def lay_out_speaker(desk: Desk, part: Part, source: Artefact) -> Artefact:
    """Write one speaker's lines at their times, on silence."""
    path = desk.scratch / "speaker.flac"
    placed = [(start_s, open_audio(desk.path(audio))) for start_s, audio in part.lines]
    lay_on_silence(placed, open_audio(desk.path(source)), path, check=desk.check)
    return desk.keep(path, FLAC)


@step("Pack the stems")
def pack_stems(desk: Desk, files: tuple[tuple[str, Artefact], ...]) -> Artefact:
    """Zip the files under their names, as they are: FLAC does not get smaller."""
    out = desk.scratch / "stems.zip"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as box:
        for name, artefact in files:
            desk.check()
            _pack(box, desk.path(artefact), f"{name}.flac")
    return desk.keep(out, "application/zip", "stems.zip")


def stems_zip(
    run: Run, source: Source, stems: Stems, lines: Sequence[Spoken], dub: Artefact
) -> Artefact:
    """Zip the new sound, the background, the original voices, and one file a speaker."""
    speakers = sorted({each.speaker for each in lines})
    parts = [
        Part(who, tuple((each.start_s, each.audio) for each in lines if each.speaker == who))
        for who in speakers
    ]
    tracks = run.map(lay_out_speaker, parts, source.audio)
    files = [("dub", dub), ("background", stems.bed), ("original voices", stems.vocals)]
    files += [(_track_name(who), track) for who, track in zip(speakers, tracks, strict=True)]
    return run.step(pack_stems, tuple((name, each) for name, each in files if each is not None))


@step("Write the transcript")
def write_sheet(desk: Desk, sheet: Sheet) -> Artefact:
    """Write the line table and the cast as JSON."""
    path = desk.scratch / "transcript.json"
    path.write_text(sheet.model_dump_json(indent=1), encoding="utf-8")
    return desk.keep(path, "application/json", "transcript.json")


@step("Write the report")
def write_report(desk: Desk, report: DubReport) -> tuple[Artefact, Artefact]:
    """Write the numbers for programs and for people."""
    numbers, text = desk.scratch / "report.json", desk.scratch / "report.md"
    numbers.write_text(report.model_dump_json(indent=1), encoding="utf-8")
    text.write_text(readable(report), encoding="utf-8")
    return (
        desk.keep(numbers, "application/json", "report.json"),
        desk.keep(text, "text/markdown", "report.md"),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the finished file is, read back from it."""

    length_errors_s: tuple[float, ...]  # of every stream, against the source's
    frame_s: float
    sound_is_exact: bool  # as many samples as the source's sound
    picture_is_copied: bool  # packet for packet, compared by their hashes


@step("Look at what was made")
def examine(desk: Desk, source: Source, film: Film, dub: Artefact) -> Facts:
    """Read the film again: lengths, and whether the picture is the source's, packet for packet."""
    before = probe(desk.path(source.media), source.media.name, check=desk.check)
    after = probe(desk.path(film.video), film.video.name, check=desk.check)
    pairs: list[tuple[float, float]] = []
    if before.video is not None and after.video is not None:
        pairs.append((before.video.duration_s, after.video.duration_s))
    pairs += [(source.duration_s, each.duration_s) for each in after.audios[:1]]
    same = film.video_is_copied and source.has_video
    if same:
        hashes = [picture_hash(each, check=desk.check) for each in (before, after)]
        same = hashes[0] == hashes[1]
    sounds = [open_audio(desk.path(each)).n_samples for each in (source.audio, dub)]
    return Facts(
        length_errors_s=tuple(round(b - a, 6) for a, b in pairs),
        frame_s=source.frame_s,
        sound_is_exact=sounds[0] == sounds[1],
        picture_is_copied=same,
    )


def spoken_lines(takes: Sequence[Take], sheet: Sheet) -> tuple[Spoken, ...]:
    """Return the takes with their places, as the mix wants them."""
    rows = {each.id: each for each in sheet.lines}
    return tuple(
        Spoken(
            speaker=rows[take.line].speaker,
            start_s=rows[take.line].dub_start_s,
            audio=take.audio,
            source=Span(rows[take.line].start_s, rows[take.line].end_s),
        )
        for take in takes
    )


def subtitled(sheet: Sheet) -> tuple[Subtitled, ...]:
    """Return the lines with times on the clock of the video."""
    shift_s = sheet.audio_start_s
    return tuple(
        Subtitled(
            start_s=max(0.0, each.start_s + shift_s),
            end_s=each.end_s + shift_s,
            text=each.text,
            translation=each.translation,
            dub_start_s=max(0.0, each.dub_start_s + shift_s),
            dub_end_s=each.dub_end_s + shift_s,
        )
        for each in sheet.lines
    )


def _kept(desk: Desk, cues: Sequence[Cue], name: str) -> Artefact | None:
    if not cues:
        return None
    write, media_type = (
        (write_vtt, "text/vtt") if name.endswith(".vtt") else (write_srt, "application/x-subrip")
    )
    return desk.keep(write(cues, desk.scratch / name), media_type, name)


def _within(cues: Sequence[Cue], end_s: float) -> list[Cue]:
    """Let no subtitle outlast the film: players would show a black end."""
    return [replace(each, end_s=min(each.end_s, end_s)) for each in cues if each.start_s < end_s]


def _drawn(desk: Desk, source: Source, cues: Sequence[Cue], style: str) -> Artefact:
    picture = probe(desk.path(source.media), source.media.name, check=desk.check).video
    width, height = (picture.width, picture.height) if picture else (1920, 1080)
    if picture and picture.rotation % 180:
        width, height = height, width
    path = desk.scratch / "captions.ass"
    write_captions(cues, style, path, width=width, height=height)
    return desk.keep(path, "text/x-ssa", "captions.ass")


def _track_name(speaker: str) -> str:
    """Return the name of a speaker's file; subtitles may call people anything, "dub" or "../x" too."""
    name = called(speaker)
    return safe_name(name if name != speaker else f"speaker {name}", "speaker")


def _pack(box: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name)  # with the zip format's first date: equal content, equal bytes
    with box.open(entry, "w", force_zip64=True) as into, path.open("rb") as file:
        shutil.copyfileobj(file, into, 1 << 20)


def _linked(desk: Desk, artefact: Artefact | None, name: str) -> Path | None:
    """Give a stored file a name with an ending, for programs that look at it."""
    if artefact is None:
        return None
    path = desk.scratch / name
    path.symlink_to(desk.path(artefact))
    return path


def _tracks(desk: Desk, words: Wordings | None, languages: tuple[str, str]) -> tuple[Subtitle, ...]:
    if words is None:
        return ()
    found = (
        (words.target, languages[1], "Translated"),
        (words.source, languages[0], "Original"),
        (words.bilingual, languages[1], "Both"),
    )
    tracks: list[Subtitle] = []
    for index, (artefact, language, title) in enumerate(found):
        path = _linked(desk, artefact, f"track{index}.srt")
        if path is not None:
            tracks.append(Subtitle(path=path, language=language, title=title))
    return tuple(tracks)
