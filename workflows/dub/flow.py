"""The dub, top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass

from engines.roles import BuiltInVoice
from media.languages import language_name
from media.score import MixOptions
from media.speech import Span, Turn
from media.spoken import spoken
from studio.errors import BadInput
from studio.request import Record
from studio.steps import Run
from studio.workflow import Workflow
from workflows import likeness
from workflows.dub import casting, delivery, hearing, lines, lips, mixing, speaking, wording
from workflows.dub import edits as edited
from workflows.dub.cautions import about_takes
from workflows.dub.glossary import read_glossary
from workflows.dub.model import Edits, Line, Member, Placed, Source, Take
from workflows.dub.reporting import Told, report_on
from workflows.dub.request import (
    DubRequest,
    DubResult,
    check,
    check_copies,
    consent_of,
    needs,
)
from workflows.dub.sheet import Sheet, SheetVoice, cast_rows, rows

SURE_OF_LANGUAGE = 0.5


class Review(Record):
    """What a person looks at before anything is spoken; the answer carries their edits."""

    sheet: Sheet
    edits: Edits


@dataclass(frozen=True, slots=True)
class Heard:
    """What the source says, before anyone changed it."""

    language: str
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that is decided before the first line is spoken."""

    lines: tuple[Line, ...]
    members: tuple[Member, ...]
    voices: tuple[BuiltInVoice, ...]


def dub(request: DubRequest, run: Run) -> DubResult:
    """Let the people of a video speak another language."""
    media = request.video or run.step(hearing.fetch, request.link)
    source = run.step(hearing.inspect, media, request.source_language)
    run.weigh(source.duration_s)
    stems = hearing.Stems(source.audio, None)
    if "Separator" in run.engines:
        stems = run.step(hearing.separate, source.audio)
    speech = run.step(hearing.find_speech, stems.vocals)
    if not speech:  # the separator may have taken it for noise: listen to everything then
        speech = run.step(hearing.find_speech, source.audio)
        stems = hearing.Stems(source.audio, None) if speech else stems
    heard = listen(request, run, source, stems, speech)
    edits = request.edits
    draft = prepare(heard, stems, edits, request, run)
    asked = Review(
        sheet=sheet_of(request, source, heard, draft, placed=(), edits=edits), edits=edits
    )
    answer = run.review("lines", asked).edits
    if answer != edits:
        edits = answer
        draft = prepare(heard, stems, edits, request, run)
    performance = perform(draft, edits, request, run, source)
    sheet = sheet_of(
        request, source, heard, performance.draft, placed=performance.placed, edits=edits
    )
    return deliver(request, run, Dubbed(source, stems, heard, performance, sheet))


@dataclass(frozen=True, slots=True)
class Performance:
    """The lines as they were spoken and placed."""

    draft: Draft
    placed: tuple[Placed, ...]
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class Dubbed:
    """Everything that is put together at the end."""

    source: Source
    stems: hearing.Stems
    heard: Heard
    performance: Performance
    sheet: Sheet


def listen(
    request: DubRequest,
    run: Run,
    source: Source,
    stems: hearing.Stems,
    speech: tuple[Span, ...],
) -> Heard:
    """Find out who says what, from the sound or from subtitles.

    Raises:
        BadInput: if nobody speaks, or in a language that cannot be recognised.
    """
    given = request.subtitles or request.translated_subtitles
    if given is None and not speech:
        raise BadInput(
            f"nobody speaks in {source.media.name or 'the file'}",
            remedy="Choose a file in which people speak, or give subtitles of what is to be said.",
        )
    turns = hearing.speaking_turns(speech)
    if speech and "Diarizer" in run.engines and request.speakers != 1:
        turns = run.step(hearing.diarize, stems.vocals, speech, request.speakers)
    if given is not None:
        language = request.source_language or source.language or "en"
        found = run.step(
            lines.lines_of_subtitles,
            source,
            request.subtitles,
            request.translated_subtitles,
            turns,
        )
        return Heard(language, found, source.warnings)
    return _heard_by_machine(request, run, source, stems, speech=speech, turns=turns)


def _heard_by_machine(
    request: DubRequest,
    run: Run,
    source: Source,
    stems: hearing.Stems,
    *,
    speech: tuple[Span, ...],
    turns: tuple[Turn, ...],
) -> Heard:
    wanted = request.source_language
    told = wanted
    voice = run.step(hearing.clear_voice, stems)
    if source.duration_s > hearing.LONG_S and not wanted:
        first = run.step(hearing.listen_in, voice, speech, wanted)
        _must_be_understood(first.confidence, wanted or source.language)
        told = first.language
    transcript = hearing.write_down(run, voice, speech, told)
    _must_be_understood(transcript.confidence, wanted or source.language)
    if transcript.words and "Aligner" in run.engines:
        transcript = run.step(hearing.time_words, voice, transcript)
    found = run.step(lines.lines_of_words, transcript, turns)
    if not found:
        raise BadInput(
            "no words could be understood",
            remedy="Give subtitles of what is said, or a clearer recording.",
        )
    return Heard(transcript.language, found, (*source.warnings, *transcript.warnings))


def _must_be_understood(confidence: float, language: str) -> None:
    if confidence >= SURE_OF_LANGUAGE or language == "en":
        return
    raise BadInput(
        "this does not sound like a language that the recogniser knows",
        remedy="Give subtitles of what is said, or name the source language.",
    )


def prepare(
    heard: Heard, stems: hearing.Stems, edits: Edits, request: DubRequest, run: Run
) -> Draft:
    """Translate, cast, and lay the user's changes over both.

    Raises:
        BadInput: if the source speaks the target language already.
    """
    if heard.language == request.target_language and request.translated_subtitles is None:
        raise BadInput(
            f"the video speaks {language_name(heard.language)} already",
            remedy="Choose another target language, or name the one that is spoken in it.",
        )
    said = edited.heard(heard.lines, edits)
    told = wording.in_other_words(
        said,
        run,
        heard.language,
        request.target_language,
        read_glossary(request.glossary),
    )
    told = edited.translated(told, edits)
    turns = lines.turns_of(told)
    portraits = run.step(casting.portray, stems.vocals, stems.bed, turns)
    mine = None
    if request.use_my_voice and request.my_voice is not None:
        mine = casting.portrait_of(run.step(likeness.listen, request.my_voice))
    voices = run.step(likeness.built_in, request.target_language)
    known = likeness.introduced(voices, run, request.target_language)
    members = casting.cast(
        portraits, known, edits, clone=request.clone_voices, mine=mine, lines=told
    )
    return Draft(told, members, voices)


def perform(
    draft: Draft, edits: Edits, request: DubRequest, run: Run, source: Source
) -> Performance:
    """Speak every line that has a text, and place it."""
    parts: list[speaking.Part] = []
    for line in draft.lines:
        texts = tuple(
            filter(
                None,
                (spoken(t, request.target_language) for t in (line.translation, *line.shorter)),
            )
        )
        if texts:
            model = casting.voice_of(line, draft.members, draft.voices, edits)
            edit = edited.of_line(edits, line.id)
            parts.append(
                speaking.Part(
                    line,
                    model.voice,
                    model.recording,
                    texts,
                    edit.take,
                    edit.locked,
                    said=model.said,
                )
            )
    placed, takes = speaking.perform(parts, run, request, source.duration_s)
    return Performance(draft, placed, takes)


def sheet_of(
    request: DubRequest,
    source: Source,
    heard: Heard,
    draft: Draft,
    *,
    placed: Sequence[Placed],
    edits: Edits,
) -> Sheet:
    """Return the line table and the cast sheet."""
    return Sheet(
        media=source.media,
        source_language=heard.language,
        target_language=request.target_language,
        duration_s=source.duration_s,
        audio_start_s=source.audio_start_s,
        lines=rows(draft.lines, placed, draft.members, edits),
        cast=cast_rows(draft.members),
        voices=tuple(SheetVoice(id=each.id, title=each.title) for each in draft.voices),
        edits=edits,
    )


def deliver(request: DubRequest, run: Run, dubbed: Dubbed) -> DubResult:
    """Mix, subtitle, put the film together, and tell how it went."""
    source, stems, sheet = dubbed.source, dubbed.stems, dubbed.sheet
    spoken_lines = delivery.spoken_lines(dubbed.performance.takes, sheet)
    options = MixOptions(request.keep_background, request.duck_db)
    sound = mixing.mixed(run, source, stems, spoken_lines, options=options)
    mixed = sound.mixed
    words = run.step(
        delivery.subtitle,
        source,
        delivery.subtitled(sheet),
        (dubbed.heard.language, request.target_language),
        burn=request.burn_captions,
        style=request.caption_style,
    )
    mouths = None
    if request.lip_sync and source.has_video:
        burns = words.captions is not None
        mouths = lips.with_lips(run, source, spoken_lines, to_work_on=burns)
    look = delivery.Look(words.captions, mouths.film if mouths else None)
    film = film_of(
        request, run, dubbed, sound, words=words if request.subtitle_tracks else None, look=look
    )
    facts = run.step(delivery.examine, source, film, mixed.audio)
    report = report_on(
        Told(
            sheet,
            source,
            mixed,
            words,
            facts,
            heard=dubbed.heard.lines,
            engines=run.engines,
            is_narration=request.narration,
            warnings=(*dubbed.heard.warnings, *about_takes(dubbed.performance.takes)),
            members=dubbed.performance.draft.members,
            glossary=read_glossary(request.glossary),
            lips=mouths,
            consent=consent_of(request),
        )
    )
    numbers, text = run.step(delivery.write_report, report)
    return DubResult(
        video=film.video,
        audio=mixed.audio,
        subtitles_source=words.source,
        subtitles_target=words.target,
        subtitles_target_vtt=words.target_vtt,
        subtitles_bilingual=words.bilingual,
        transcript=run.step(delivery.write_sheet, sheet),
        stems=delivery.stems_zip(run, source, stems, spoken_lines, mixed.audio),
        report_json=numbers,
        report_text=text,
        report=report,
    )


def film_of(
    request: DubRequest,
    run: Run,
    dubbed: Dubbed,
    sound: mixing.Sound,
    *,
    words: delivery.Wordings | None,
    look: delivery.Look,
) -> delivery.Film:
    """Put the film together, in a container that holds what is copied."""
    source = dubbed.source
    keep_original = request.keep_original_audio and source.has_video
    format_ = run.step(
        delivery.choose_container,
        source,
        request.container,
        keep_original=keep_original,
        burns=look.is_new,
    )
    is_coded = format_ == "mp4"
    return run.step(
        delivery.assemble,
        source,
        mixing.encoded(run, source, sound) if is_coded else mixing.Track(sound.mixed.audio),
        words,
        languages=(dubbed.heard.language, request.target_language),
        format_=format_,
        keep_original=keep_original,
        look=look,
    )


WORKFLOW = Workflow(
    name="dub",
    title="Dub",
    request=DubRequest,
    result=DubResult,
    run=dub,
    needs=needs,
    check=check,
    reviews={"lines": Review},
    check_copies=check_copies,
    steps=(
        hearing.fetch,
        hearing.inspect,
        hearing.separate,
        hearing.find_speech,
        hearing.diarize,
        lines.lines_of_subtitles,
        hearing.clear_voice,
        hearing.listen_in,
        hearing.transcribe,
        hearing.time_words,
        lines.lines_of_words,
        wording.translate,
        wording.shorten,
        casting.portray,
        likeness.listen,
        likeness.built_in,
        likeness.introduce,
        speaking.plan_texts,
        speaking.speak,
        speaking.plan_times,
        likeness.convert,
        speaking.fit,
        mixing.weigh,
        mixing.write_score,
        mixing.mix,
        mixing.join,
        delivery.subtitle,
        lips.find_cuts,
        lips.watch,
        lips.choose,
        lips.follow,
        lips.repicture,
        lips.read_back,
        delivery.choose_container,
        mixing.encode,
        delivery.assemble,
        delivery.examine,
        delivery.write_report,
        delivery.write_sheet,
        delivery.lay_out_speaker,
        delivery.pack_stems,
    ),
)
