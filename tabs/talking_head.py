"""The Talking Head tab: faces, voices, script and portrait on the left, the film on the right."""

from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from studio.artefacts import Artefact
from studio.characters import Character
from studio.errors import NotFound
from studio.studio import Studio
from tabs.parts.border import border, owner_of
from tabs.parts.characters import character_cards, face, version
from tabs.parts.face_points import face_points, wire_face_points
from tabs.parts.form import Form
from tabs.parts.gallery import Card, gallery, shown
from tabs.parts.head_editor import head_editor
from tabs.parts.page import ACT, Page
from tabs.parts.script_facts import script_facts, wire_script_facts
from tabs.parts.stage import Sample, stage
from tabs.parts.voices import voice_gallery, wire_voices
from workflows.talking_head import WORKFLOW
from workflows.talking_head.request import TalkingHeadRequest

TITLE = "Talking Head"
ORDER = 30
SAMPLE = Path(__file__).parents[1] / "assets" / "portrait.jpg"
SCRIPT = "Hello! I was a drawing a minute ago. [PAUSE 0.6] Now I can say whatever you write."
INVITATION = (
    "Write what is to be said, and choose a face.<br>"
    "It comes back as a film of that face saying it, with captions.<br>"
    "New here? <b>Try the sample</b> needs nothing from you."
)
LABEL, NOTHING = "Faces", "No character yet: make one in the Library, or give a picture below."
WITH_A_PICTURE = ("points", "consent", "consent_by", "consent_at")  # what was told of it
LOOKED_THROUGH, MOST_PICTURES = 60, 6  # jobs; pictures that were used last


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    heard: list[gr.HTML] = []

    def faces() -> gr.HTML:
        return gallery(LABEL, NOTHING, "talking-head-faces")

    def voices() -> gr.HTML:
        with gr.Accordion("Voices to hear", open=False, elem_classes="card-more"):
            board, player = voice_gallery("talking-head")
        heard.append(player)
        return board

    made = stage(
        page,
        WORKFLOW,
        action="Let it speak",
        invitation=INVITATION,
        sample=Sample("avatar", SAMPLE, "Try the sample", (("script", SCRIPT),)),
        beside={
            "script": script_facts,
            "avatar": face_points,
            "character": faces,
            "voice": voices,
        },
    )
    form, beside = made.form, made.form.beside
    wire_script_facts(page, form, beside["script"])
    wire_face_points(page, form, beside["avatar"])
    _wire_faces(page, beside["character"], form)
    wire_voices(page, (beside["voice"], heard[0]), form.components)
    with made.right:
        head_editor(page, made.view)


def last_pictures(studio: Studio, owner: str) -> dict[str, tuple[Artefact, TalkingHeadRequest]]:
    """Return the pictures that an owner used last, by hash, and what was asked with each."""
    found: dict[str, tuple[Artefact, TalkingHeadRequest]] = {}
    for job in studio.jobs(owner, limit=LOOKED_THROUGH):
        if job.workflow != WORKFLOW.name or len(found) == MOST_PICTURES:
            continue
        try:
            asked = TalkingHeadRequest.model_validate_json(job.request)
        except ValidationError:  # of an older version
            continue
        if asked.avatar is not None and studio.store.has(asked.avatar):
            found.setdefault(asked.avatar.sha256, (asked.avatar, asked))
    return found


def _wire_faces(page: Page, faces: gr.HTML, asked: Form[TalkingHeadRequest]) -> None:
    """Show characters and last pictures; a click puts one into the form."""
    studio, seen = page.studio, gr.State("")
    chosen = [asked.base, asked.components["character"]]

    @border
    def look(last: str, base: str, character: str, request: gr.Request) -> Any:
        owner = owner_of(request)
        newest = studio.jobs(owner, limit=1)
        now = " ".join([version(studio, owner), *(job.id for job in newest), base, character or ""])
        if now == last:
            return gr.skip(), gr.skip()
        used = last_pictures(studio, owner)
        cards = character_cards(studio, owner, character)
        kept = TalkingHeadRequest.model_validate_json(base).avatar if base else None
        known = {each.sha256 for one in studio.characters.of(owner) for each in one.looks}
        cards += [
            Card(
                id=sha,
                title=Path(each.name).stem.replace("_", " "),
                about="used before",
                picture=face(studio, each),
                chosen=str(kept is not None and kept.sha256 == sha).lower(),
            )
            for sha, (each, _) in used.items()
            if sha not in known
        ]
        return now, shown(LABEL, NOTHING, cards)

    @border
    def choose(event: gr.EventData, request: gr.Request, *given: Any) -> list[Any]:
        owner, id_ = owner_of(request), str(event.id)
        now, used = asked.read(studio.store, given), last_pictures(studio, owner)
        if now.character is not None and id_ in {now.character.id, now.character.name}:
            changes: dict[str, Any] = {"character": None}  # a second click lets go
        elif id_ in used:
            avatar, before = used[id_]
            changes = {"avatar": avatar, "character": None}
            changes |= {name: getattr(before, name) for name in WITH_A_PICTURE}
        else:
            one: Character = studio.characters.find(id_, owner)
            if one.id != id_:
                raise NotFound("this face is not here any more", remedy="Choose another.")
            changes = {"avatar": None, "character": one, "points": ()}
        return asked.fill(now.model_copy(update=changes))

    page.each_second(look, [seen, *chosen], [seen, faces])
    faces.select(choose, asked.inputs, asked.inputs, **ACT)
