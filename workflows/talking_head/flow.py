"""The talking head, top to bottom."""

from dataclasses import replace
from pathlib import Path

from engines.roles import Aligned, Phone
from media.formats import format_of
from media.lip_sync import LipSync
from media.pictures import PasteBack
from media.speech import Word
from media.spoken import spoken
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Run
from studio.workflow import Workflow
from workflows import likeness
from workflows.talking_head import (
    animation,
    background,
    driving,
    filming,
    portrait,
    report,
    sheet,
    talk,
)
from workflows.talking_head import voicing as voices
from workflows.talking_head.portrait import Portrait
from workflows.talking_head.request import (
    TalkingHeadReport,
    TalkingHeadRequest,
    TalkingHeadResult,
    check,
    consents_of,
    needs,
    picture_of,
)
from workflows.talking_head.script import Sentence, read_script
from workflows.talking_head.sheet import SentenceEdit
from workflows.talking_head.talk import Said, Speech
from workflows.talking_head.voicing import Voicing

LONGEST_ALIGNED_S = 55.0
MUTE = (
    "This engine moves the mouth as in the driving video, not to other words: "
    "leave the script and the recording away, or take another quality."
)


def talking_head(request: TalkingHeadRequest, run: Run) -> TalkingHeadResult:
    """Let a portrait say a script or a recording."""
    avatar = picture_of(request)
    if avatar is None:
        raise BadInput("there is no picture yet", remedy="Choose a portrait of the one who speaks.")
    script = read_script(request.script) if request.script.strip() else ()
    asked = sheet.edited(script, () if request.recording else request.edits)
    sentences = tuple(sentence for sentence, _ in asked)
    seen = _seen(avatar, request, run)
    framed = run.step(portrait.frame, seen, request.format)
    said, voicing = _said(request, asked, run)
    speech = run.step(talk.join, said)
    run.weigh(speech.duration_s)
    said = tuple(
        replace(each, start_s=start_s) for each, start_s in zip(said, speech.starts_s, strict=True)
    )
    heard = _aligned(said, speech, request, run)
    phones = tuple(phone for each in heard for phone in each.phones)
    moving, warned = _moving(request, framed, speech, phones, run)
    pasted, staged = moving.pasted, background.stage(request, moving, run)
    moving = staged.moving
    captions = None
    text = _text(said, heard, speech, sentences)
    if request.captions != "off" and text.cues:
        captions = run.step(
            filming.caption,
            text,
            request.language,
            moving,
            request.caption_style if request.captions == "burned" else "",
            below_px=portrait.below_chin_px(framed),
            covered_px=format_of(request.format).covered_px,
        )
    film = run.step(
        filming.assemble,
        moving,
        speech,
        captions,
        language=request.language,
        name=_name(avatar),
    )
    lips = run.step(filming.measure_lips, film, speech, request.fps)
    warned += staged.warnings() + (voicing.notes if voicing else ())
    made = _report(
        request, framed, speech, moving, lips, pasted=pasted, warned=warned, voicing=voicing
    )
    return TalkingHeadResult(
        video=film,
        audio=speech.audio,
        subtitles=captions.srt if captions else None,
        subtitles_vtt=captions.vtt if captions else None,
        sentences=_sheet(request, script, said, run) if request.recording is None else None,
        report_text=run.step(report.write_report, made),
        report=made,
    )


def _seen(avatar: Artefact, request: TalkingHeadRequest, run: Run) -> Portrait:
    """Return the face in the picture; where the finder sees none, look where one was spotted."""
    seen = run.step(portrait.look, avatar, request.points)
    if seen is None and "FaceSpotter" in run.engines:
        spotted = run.step(portrait.spot, avatar)
        seen = run.step(portrait.look, avatar, spotted=spotted) if spotted else None
    if seen is None:
        raise portrait.faceless(avatar.name or "the picture")
    return seen


def _moving(
    request: TalkingHeadRequest,
    framed: Portrait,
    speech: Speech,
    phones: tuple[Phone, ...],
    run: Run,
) -> tuple[filming.Moving, tuple[str, ...]]:
    """Return the portrait in motion, by what is said or by the driving video, and what to warn of."""
    if request.driving_video is None:
        moving = animation.animated(run, framed, speech, phones, fps=request.fps, seed=request.seed)
        return moving, ()
    seen = run.step(driving.watch, request.driving_video, request.fps)
    moving = driving.led(
        run,
        framed,
        seen,
        speech,
        phones,
        own_sound=request.recording == request.driving_video,
    )
    mute = (MUTE,) if moving.is_mute else ()
    return moving, seen.warnings + mute


def _said(
    request: TalkingHeadRequest, asked: tuple[tuple[Sentence, SentenceEdit], ...], run: Run
) -> tuple[tuple[Said, ...], Voicing | None]:
    """Return what is heard, in parts, and with which voice: the recording has its own."""
    if request.recording is not None:
        sound = run.step(talk.level, run.step(talk.take_recording, request.recording))
        written = " ".join(each.text for each, _ in asked)
        text = spoken(written, request.language)
        return (Said(sound.audio, text, written, sound.duration_s, 0.0),), None
    voicing = voices.choose(request, run)
    texts = [spoken(each.text, request.language) for each, _ in asked]
    wanted = [(text, edit.take) for text, (_, edit) in zip(texts, asked, strict=True)]
    takes = run.map(talk.level, voices.speak(wanted, voicing, request, run))
    return tuple(
        Said(
            take.audio,
            text,
            each.text,
            take.duration_s,
            sheet.pause_after(each, edit, take.duration_s),
        )
        for take, text, (each, edit) in zip(takes, texts, asked, strict=True)
    ), voicing


def _aligned(
    said: tuple[Said, ...], speech: Speech, request: TalkingHeadRequest, run: Run
) -> tuple[Aligned, ...]:
    """Return the clock of every part; of what is unknown or too long, an empty one."""
    known = "PhoneAligner" in run.engines and all(each.text for each in said)
    if request.recording is not None and speech.duration_s > LONGEST_ALIGNED_S:
        known = False
    if not known:
        return tuple(Aligned((), ()) for _ in said)
    return run.map(talk.align, said, request.language)


def _text(
    said: tuple[Said, ...],
    heard: tuple[Aligned, ...],
    speech: Speech,
    sentences: tuple[Sentence, ...],
) -> filming.Text:
    """Return a caption for each sentence; a recording's are parted by the times of its words."""
    spans: list[tuple[str, float, float, tuple[Word, ...]]] = []
    if len(said) == len(sentences):
        ends = [*speech.starts_s[1:], speech.duration_s]
        for each, clock, end_s in zip(said, heard, ends, strict=True):
            last_s = clock.words[-1].end_s if clock.words else end_s - each.pause_s
            spans.append((each.written, each.start_s, min(last_s, end_s), clock.words))
    elif sentences and heard and heard[0].words:
        words, done = heard[0].words, 0
        for sentence in sentences:
            count = len(sentence.text.split())
            own = words[done : done + count] or words[-1:]
            spans.append((sentence.text, own[0].start_s, own[-1].end_s, own))
            done += count
    return filming.text_of(spans)


def _sheet(
    request: TalkingHeadRequest, script: tuple[Sentence, ...], said: tuple[Said, ...], run: Run
) -> Artefact:
    """Return the table of sentences."""
    made = [
        sheet.SheetSentence(
            number=number,
            text=each.written,
            written=sentence.text,
            start_s=each.start_s,
            end_s=each.start_s + each.duration_s,
            slot_s=each.duration_s + each.pause_s,
            take=sheet.of_sentence(request.edits, number).take,
        )
        for number, (each, sentence) in enumerate(zip(said, script, strict=True))
    ]
    whole = sheet.Sheet(language=request.language, sentences=tuple(made), edits=request.edits)
    return run.step(sheet.write_sheet, whole)


def _report(
    request: TalkingHeadRequest,
    framed: Portrait,
    speech: Speech,
    moving: filming.Moving,
    lips: LipSync | None,
    *,
    pasted: PasteBack | None,
    warned: tuple[str, ...],
    voicing: Voicing | None,
) -> TalkingHeadReport:
    warnings = framed.warnings + warned
    if request.captions != "off" and not request.script.strip():
        warnings += ("There are no captions: write what the recording says into the script.",)
    told = TalkingHeadReport(
        warnings=warnings,
        duration_s=round(speech.duration_s, 3),
        frames=moving.frames,
        width_px=moving.width_px,
        height_px=moving.height_px,
        loudness_lufs=round(speech.loudness_lufs, 2),
        true_peak_dbtp=round(speech.true_peak_dbtp, 2),
        voice=voicing.title if voicing else "",
        consent=" ".join(each.sentence for each in consents_of(request)),
        face_score=round(framed.score, 3),
        lip_lag_frames=lips.lag_frames if lips else None,
        lip_correlation=round(lips.correlation, 3) if lips else None,
        silent_opening=round(lips.silent_opening, 3)
        if lips and lips.silent_opening is not None
        else None,
        paste_psnr_db=round(pasted.psnr_db, 1) if pasted else None,
        paste_is_exact_outside=pasted.is_exact_outside if pasted else None,
        paste_scale=round(pasted.scale, 3) if pasted else None,
    )
    return told.model_copy(update={"metrics": report.measured(told, request.fps)})


def _name(avatar: Artefact) -> str:
    return f"{Path(avatar.name or 'portrait').stem} speaks.mp4"


WORKFLOW = Workflow(
    name="talking-head",
    title="Talking Head",
    request=TalkingHeadRequest,
    result=TalkingHeadResult,
    run=talking_head,
    needs=needs,
    check=check,
    steps=(
        portrait.look,
        portrait.spot,
        portrait.frame,
        talk.take_recording,
        likeness.built_in,
        likeness.listen,
        likeness.introduce,
        talk.speak,
        likeness.convert,
        talk.level,
        talk.join,
        talk.align,
        animation.part_film,
        animation.animate,
        driving.watch,
        driving.fit,
        driving.follow,
        animation.join_parts,
        background.make,
        background.fit,
        background.fill,
        background.set_before,
        filming.caption,
        filming.assemble,
        filming.measure_lips,
        sheet.write_sheet,
        report.write_report,
    ),
)
