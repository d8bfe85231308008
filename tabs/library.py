"""The Library tab: finished results, to play, download, make again, or delete; and the characters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from media.audio import open_audio
from media.waveform import Look, draw_waveform
from studio.artefacts import Artefact
from studio.library import Entry
from tabs.parts.border import border, member_of, owner_of
from tabs.parts.cards import day, kind_of
from tabs.parts.character_room import character_room
from tabs.parts.clips import made_once, previews
from tabs.parts.going import destinations, go_to
from tabs.parts.page import ACT, Page
from tabs.parts.result import ResultView, find, result_view

TITLE = "Library"
ORDER = 90
NOTHING = (
    '<div class="empty">Finished work is kept here, with what made it.<br>'
    "Choose a piece to play, download or make again.</div>"
)
SHOW = """() => { if (matchMedia('(max-width: 720px)').matches) setTimeout(() =>
  document.querySelector('#library-result')?.scrollIntoView({ behavior: 'smooth' }), 200); }"""


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    seen = gr.State("")
    with gr.Row(equal_height=False, elem_classes="stage"):
        with gr.Column(scale=4, min_width=280, elem_classes=["card", "single"]):
            search = gr.Textbox(label="Search", placeholder="A name", elem_id="library-search")
            works = gr.Radio([], label="Finished work", elem_id="library-list")
        with gr.Column(scale=7, min_width=320):
            head = gr.HTML(NOTHING, elem_id="library-head")
            wave = gr.Image(
                label="Waveform",
                show_label=False,
                interactive=False,
                visible=False,
                elem_id="library-wave",
                height=120,
                buttons=[],
                elem_classes="wave",
            )
            view = result_view("library")
            with gr.Column(visible=False, elem_id="library-acts", elem_classes="card") as acts:
                with gr.Row(elem_classes="acts"):
                    open_ = gr.Button("Open in its tab", size="md", elem_id="library-open")
                    same = gr.Button("Use these settings", size="md", elem_id="library-same")
                    rerun = gr.Button("Make it again", size="md", elem_id="library-rerun")
                    star = gr.Button("Favourite", size="md", elem_id="library-star")
                    delete = gr.Button(
                        "Delete", size="md", variant="stop", elem_id="library-delete"
                    )
                with gr.Accordion("Recipe", open=False):
                    recipe = gr.JSON(label="What made it", max_height=360, elem_id="library-recipe")

    character_room(page)
    lists = LibraryList(seen, search, works)
    _wire_list(page, lists, view, [head, wave, acts, recipe, *view.outputs])
    _wire_buttons(page, lists, (open_, same, rerun, star, delete))


@dataclass(frozen=True, slots=True)
class LibraryList:
    """The list of results, and what was listed last."""

    seen: gr.State
    search: gr.Textbox
    works: gr.Radio


def _wire_list(page: Page, lists: LibraryList, view: ResultView, outputs: list[Any]) -> None:
    studio = page.studio

    @border
    def listed(last: str, wanted: str | None, request: gr.Request) -> Any:
        entries = studio.library.list(owner_of(request), search=wanted or "")
        now = f"{wanted} " + " ".join(f"{each.job}{each.favourite:d}" for each in entries)
        if now == last:
            return gr.skip(), gr.skip()
        return now, gr.update(choices=[(_title(each), each.job) for each in entries])

    @border
    def choose(id_: str, request: gr.Request) -> list[Any]:
        owner, hidden = owner_of(request), gr.update(visible=False)
        job = find(studio, id_, owner)
        if job is None:
            return [NOTHING, hidden, hidden, None, *view.show(studio, None, owner)]
        entry = studio.library.entry(id_, owner)
        made = {"request": json.loads(entry.recipe.request), "engines": dict(entry.recipe.engines)}
        return [
            "",
            _wave(page, id_, owner),
            gr.update(visible=True),
            made,
            *view.show(studio, job, owner),
        ]

    page.each_second(listed, [lists.seen, lists.search], [lists.seen, lists.works])
    chosen = lists.works.change(choose, lists.works, outputs, **ACT)
    chosen.then(None, js=SHOW, **ACT)


def _wire_buttons(page: Page, lists: LibraryList, buttons: Sequence[gr.Button]) -> None:
    studio = page.studio
    open_, same, rerun, star, delete = buttons

    @border
    def remove(id_: str, request: gr.Request) -> tuple[str, None]:
        if id_:
            studio.delete(id_, owner_of(request))
        return "", None

    def going(fill: bool) -> Any:
        @border
        def go(id_: str, request: gr.Request) -> list[Any]:
            return go_to(page, studio.job(id_, owner_of(request)), fill=fill)

        return go

    @border
    def again(id_: str, request: gr.Request) -> list[Any]:
        owner = member_of(request)
        old = studio.job(id_, owner)
        kind = studio.workflows[old.workflow]
        wanted = kind.request.model_validate_json(old.request)
        return go_to(page, studio.submit(old.workflow, wanted, owner=owner, parent=id_), fill=False)

    @border
    def favour(id_: str, request: gr.Request) -> str:
        owner = owner_of(request)
        entry = studio.library.entry(id_, owner)
        studio.library.favour(id_, owner, on=not entry.favourite)
        return ""  # so that the list is read again

    star.click(favour, lists.works, lists.seen, **ACT)
    delete.click(remove, lists.works, [lists.seen, lists.works], **ACT)
    open_.click(going(fill=False), lists.works, destinations(page), **ACT)
    same.click(going(fill=True), lists.works, destinations(page), **ACT)
    rerun.click(again, lists.works, destinations(page), **ACT)


def _title(entry: Entry) -> str:
    star = "★ " if entry.favourite else ""
    return f"{star}{entry.title} · {kind_of(entry.workflow)} · {day(entry.created_s)}"


def _wave(page: Page, id_: str, owner: str) -> Any:
    sound: Artefact | None = getattr(page.studio.result(id_, owner), "audio", None)
    if sound is None or not page.studio.store.has(sound):
        return gr.update(visible=False)
    heard, look = open_audio(page.studio.store.path(sound)), Look(colour="#a2558a")
    path = previews(page.studio, id_) / "waveform.png"
    made_once(path, lambda part: draw_waveform(heard, part, look))
    return gr.update(value=str(path), visible=True)
