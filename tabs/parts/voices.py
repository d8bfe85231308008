"""The voices of a language and a quality: heard with a click, chosen with a click."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from engines import catalog
from studio.errors import StudioError
from studio.studio import Studio
from studio.workflow import Need
from tabs.parts.border import border, member_of
from tabs.parts.clips import player
from tabs.parts.gallery import Card, gallery, shown
from tabs.parts.page import ACT, QUIET, Page
from workflows.voice_sample import WORKFLOW, VoiceSampleRequest

LABEL = "Voices"
NOTHING = "No voice speaks this language here."
REMEMBERED = 300  # jobs that are looked through for a sample
PATIENCE_S, LOOK_S = 60.0, 0.1


def voice_gallery(prefix: str) -> tuple[gr.HTML, gr.HTML]:
    """Draw the voices and the place where one is heard; `wire_voices` brings them to life."""
    board = gallery(LABEL, NOTHING, f"{prefix}-voices")
    return board, gr.HTML("", elem_id=f"{prefix}-voice-heard")


def wire_voices(
    page: Page, drawn: tuple[gr.HTML, gr.HTML], fields: Mapping[str, Component]
) -> None:
    """Show the voices of the form's language and quality; a click writes one into `voice`."""
    board, heard = drawn

    @border
    def fit(code: str, wanted: str, chosen: str) -> Any:
        return shown(LABEL, NOTHING, voice_cards(code, wanted, chosen))

    @border
    def pick(event: gr.EventData, request: gr.Request, code: str, wanted: str) -> list[Any]:
        if str(event.act) == "choose":
            return [str(event.id), gr.skip()]
        path = sample(page.studio, member_of(request), code, wanted, str(event.id))
        return [gr.skip(), player(path, "The voice")]

    asked = [fields["language"], fields["quality"]]
    changes = [getattr(each, "change") for each in asked]  # noqa: B009 - declared on each
    gr.on([page.window.load, *changes], fit, [*asked, fields["voice"]], board, **QUIET)
    waiting: dict[str, Any] = {**ACT, "show_progress": "minimal"}
    board.select(pick, asked, [fields["voice"], heard], **waiting)


def voice_cards(language: str, quality: str, chosen: str) -> list[Card]:
    """Return the voices that serve a language at a quality; none where no engine does."""
    known = catalog.voices()
    try:
        engine = _engine(language, quality)
    except StudioError:  # the preflight says why, and how to get one
        return []
    return [
        Card(
            id=each.id,
            title=each.title,
            about=known[each.id].about if each.id in known else "",
            listen=True,
            chosen=str(each.id == chosen).lower(),
        )
        for each in catalog.built_in(engine, language)
        if each.id != catalog.OWN
    ]


def sample(studio: Studio, owner: str, language: str, quality: str, voice: str) -> Path:
    """Return where a voice can be heard; it is asked once and remembered.

    Raises:
        StudioError: if it cannot be heard, or the studio is at work on something long.
    """
    engine = _engine(language, quality)
    built_in = {each.id: each for each in catalog.built_in(engine, language)}
    name = built_in[voice].name if voice in built_in else voice
    wanted = VoiceSampleRequest(engine=engine, voice=name, language=language)
    text = wanted.model_dump_json()
    known = (job for job in studio.jobs(owner, limit=REMEMBERED) if job.request == text)
    job = next((each for each in known if each.state not in {"failed", "cancelled"}), None)
    job = job or studio.submit(WORKFLOW.name, wanted, owner=owner)
    until_s = time.monotonic() + PATIENCE_S
    while not job.finished and time.monotonic() < until_s:
        time.sleep(LOOK_S)
        job = studio.job(job.id, owner)
    if not job.finished:
        raise StudioError("the studio is at work", remedy="Listen again when it is done.")
    if job.state != "done":
        raise StudioError(job.error or "the voice was not heard")
    return studio.export(job.id, owner)["audio"]


def _engine(language: str, quality: str) -> str:
    """Return the engine that would speak; one that knows no voice where none would.

    Raises:
        StudioError: if none does.
    """
    (choice,) = catalog.choose([Need("Speaker", language)], quality)
    if choice.engine is None:
        raise StudioError(choice.why)
    return choice.engine.id
