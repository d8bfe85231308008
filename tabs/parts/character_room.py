"""The Library's characters: to look at, make, change, copy, take along as a file, and delete."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from studio.character_command import character_file
from studio.character_files import export_character, import_character
from studio.deliver import MB
from studio.erase import export_folder
from studio.errors import BadInput
from tabs.parts import character_form
from tabs.parts.border import border, member_of, owner_of
from tabs.parts.character_form import CharacterForm
from tabs.parts.characters import character_cards, version
from tabs.parts.form import uploaded
from tabs.parts.gallery import gallery, shown
from tabs.parts.page import ACT, Page

LABEL, NOTHING = "Characters", "There are no characters yet."
FOLLOW = "() => setTimeout(() => document.querySelector('#character-file a')?.click(), 300)"
ASK = "() => setTimeout(() => document.querySelector('#character-sure')?.scrollIntoView({ block: 'nearest' }), 100)"
SHOW = "() => document.querySelector('#character-panel')?.scrollIntoView({ block: 'nearest' })"


NEW = '<h2 class="new">A new character</h2>'  # the style sheet hides what cannot be done


@dataclass(frozen=True, slots=True)
class CharacterRoom:
    """What was drawn."""

    page: Page
    seen: gr.State  # the version of the cards that was painted last
    opened: gr.State  # id of the character in the form; "" for a new one
    board: gr.HTML
    panel: gr.Column
    title: gr.HTML
    form: CharacterForm
    file: gr.HTML
    sure: gr.Column
    told: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What `open_` updates, in order."""
        first: list[Any] = [self.seen, self.opened, self.panel, self.title, self.file, self.sure]
        return [*first, *self.form.shown]

    def open_(self, id_: str, owner: str, *, visible: bool = True) -> list[Any]:
        """Return updates of `outputs` that show a character, or an empty form."""
        studio = self.page.studio
        found = studio.characters.find(id_, owner) if id_ else None
        is_ours = found is not None and studio.characters.is_shipped(found)
        note = '<p class="hint">The studio\'s own: duplicate it to change it.</p>'
        kind = ' class="ours"' if is_ours else ""
        title = f"<h2{kind}>{escape(found.name)}</h2>" if found else NEW
        head = title + (note if is_ours else "")
        hidden = gr.update(visible=False)
        first = ["", id_, gr.update(visible=visible), head, "", hidden]
        return [*first, *character_form.show(studio, found)]


@dataclass(frozen=True, slots=True)
class _Buttons:
    new: gr.Button
    bring: gr.UploadButton
    save: gr.Button
    copy: gr.Button
    take: gr.Button
    delete: gr.Button
    yes: gr.Button
    no: gr.Button


def character_room(page: Page) -> None:
    """Draw the characters and wire them."""
    with gr.Row(equal_height=False, elem_classes="stage", elem_id="characters"):
        with gr.Column(scale=4, min_width=280, elem_classes=["card", "single"]):
            gr.HTML("<h2>Characters</h2>", elem_classes="card-heading")
            board = gallery(LABEL, NOTHING, "character-board")
            with gr.Row(elem_classes="acts"):
                new = gr.Button("New character", size="md", elem_id="character-new")
                bring = gr.UploadButton(
                    "Import a file", size="md", file_types=[".zip"], elem_id="character-import"
                )
        with (
            gr.Column(scale=7, min_width=320),
            gr.Column(visible=False, elem_id="character-panel", elem_classes="card") as panel,
        ):
            title = gr.HTML("", elem_classes="card-heading")
            form = character_form.draw_form()
            with gr.Row(elem_classes="acts"):
                save = gr.Button("Save", variant="primary", size="md", elem_id="character-save")
                copy = gr.Button("Duplicate", size="md", elem_id="character-copy")
                take = gr.Button("Export", size="md", elem_id="character-export")
                delete = gr.Button("Delete", size="md", variant="stop", elem_id="character-delete")
            file = gr.HTML("", elem_id="character-file")
            with gr.Column(visible=False, elem_id="character-sure") as sure:
                told = gr.HTML("")
                with gr.Row(elem_classes="acts"):
                    yes = gr.Button(
                        "Delete for good", variant="stop", size="md", elem_id="character-yes"
                    )
                    no = gr.Button("Keep it", size="md", elem_id="character-no")
    state = (gr.State(""), gr.State(""))
    room = CharacterRoom(page, *state, board, panel, title, form, file, sure, told)
    _wire_cards(room, new, bring)
    _wire_form(room, _Buttons(new, bring, save, copy, take, delete, yes, no))


def _wire_cards(room: CharacterRoom, new: gr.Button, bring: gr.UploadButton) -> None:
    studio = room.page.studio

    @border
    def look(last: str, opened: str, request: gr.Request) -> Any:
        owner = owner_of(request)
        now = f"{version(studio, owner)} {opened}"
        if now == last:
            return gr.skip(), gr.skip()
        return now, shown(LABEL, NOTHING, character_cards(studio, owner, opened))

    @border
    def choose(event: gr.EventData, request: gr.Request) -> list[Any]:
        return room.open_(str(event.id), owner_of(request))

    @border
    def empty(request: gr.Request) -> list[Any]:
        return room.open_("", owner_of(request))

    @border
    def take_in(path: str, request: gr.Request) -> list[Any]:
        owner, real = member_of(request), uploaded(path)
        try:
            read = import_character(real, studio.store, studio.settings.max_upload_mb * MB)
        finally:
            real.unlink(missing_ok=True)  # the browser's copy would outlive the character
        made = studio.characters.add_copy(read, owner)
        gr.Info(escape(f"{made.name} is here."), title="Characters")
        return room.open_(made.id, owner)

    room.page.each_second(look, [room.seen, room.opened], [room.seen, room.board])
    for when, work, given in (
        (room.board.select, choose, None),
        (new.click, empty, None),
        (bring.upload, take_in, bring),
    ):
        when(work, given, room.outputs, **ACT).then(None, js=SHOW, **ACT)


def _wire_form(room: CharacterRoom, buttons: _Buttons) -> None:
    studio, form = room.page.studio, room.form

    @border
    def save(id_: str, request: gr.Request, *values: Any) -> list[Any]:
        owner = member_of(request)
        before = studio.characters.own(id_, owner) if id_ else None
        made = studio.save_character(character_form.read(studio, before, values), owner)
        gr.Info(escape(f"{made.name} is saved."), title="Characters")
        return room.open_(made.id, owner)

    @border
    def duplicate(id_: str, request: gr.Request) -> list[Any]:
        owner = member_of(request)
        made = studio.characters.add_copy(studio.characters.find(_known(id_), owner), owner)
        return room.open_(made.id, owner)

    @border
    def export(id_: str, request: gr.Request) -> str:
        found = studio.characters.find(_known(id_), owner_of(request))
        target = export_folder(studio.settings, found.id) / character_file(found.name)
        return _link(export_character(found, studio.store, target))

    @border
    def ask(id_: str, request: gr.Request) -> tuple[str, Any]:
        owner = owner_of(request)
        found = studio.characters.own(_known(id_), owner)
        said = f"Delete {found.name}? {studio.traces(found.id, owner).sentence.capitalize()}."
        return f'<p class="note">{escape(said)}</p>', gr.update(visible=True)

    @border
    def delete(id_: str, request: gr.Request) -> list[Any]:
        owner = member_of(request)
        studio.forget_character(_known(id_), owner)
        return room.open_("", owner, visible=False)

    keep: Callable[[], Any] = lambda: gr.update(visible=False)  # noqa: E731
    buttons.save.click(save, [room.opened, *form.values], room.outputs, **ACT)
    buttons.copy.click(duplicate, room.opened, room.outputs, **ACT)
    buttons.take.click(export, room.opened, room.file, **ACT).success(None, js=FOLLOW, **ACT)
    asked = buttons.delete.click(ask, room.opened, [room.told, room.sure], **ACT)
    asked.success(None, js=ASK, **ACT)
    buttons.yes.click(delete, room.opened, room.outputs, **ACT)
    buttons.no.click(keep, None, room.sure, **ACT)


def _known(id_: str) -> str:
    if not id_:
        raise BadInput("this character is not saved yet", remedy="Save it first.")
    return id_


def _link(path: Path) -> str:
    address = f"gradio_api/file={quote(str(path.absolute()))}"
    name = escape(path.name)
    return f'<p class="hint"><a href="{address}" download="{name}">{name}</a></p>'
