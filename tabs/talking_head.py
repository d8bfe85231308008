"""The Talking Head tab: script and portrait on the left, the film on the right."""

from pathlib import Path

from tabs.parts.face_points import face_points, wire_face_points
from tabs.parts.head_editor import head_editor
from tabs.parts.page import Page
from tabs.parts.script_facts import script_facts, wire_script_facts
from tabs.parts.stage import Sample, stage
from workflows.talking_head import WORKFLOW

TITLE = "Talking Head"
ORDER = 30
SAMPLE = Path(__file__).parents[1] / "assets" / "portrait.jpg"
SCRIPT = "Hello! I was a drawing a minute ago. [PAUSE 0.6] Now I can say whatever you write."
INVITATION = (
    "Write what shall be said, and choose a portrait.<br>"
    "It comes back as a film of that face saying it, with captions."
)


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    made = stage(
        page,
        WORKFLOW,
        action="Let it speak",
        invitation=INVITATION,
        sample=Sample("avatar", SAMPLE, "Try it with the sample", (("script", SCRIPT),)),
        beside={"script": script_facts, "avatar": face_points},
    )
    wire_script_facts(page, made.form, made.form.beside["script"])
    wire_face_points(page, made.form, made.form.beside["avatar"])
    with made.right:
        head_editor(page, made.view)
