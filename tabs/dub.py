"""The Dub tab: the form on the left, the job and its lines on the right."""

from pathlib import Path
from typing import cast

import gradio as gr

from tabs.parts.dub_editor import editor
from tabs.parts.page import QUIET, Page
from tabs.parts.stage import Sample, stage
from workflows.dub import WORKFLOW

TITLE = "Dub"
ORDER = 20
SAMPLE = Path(__file__).parents[1] / "assets" / "sample.mp4"
INVITATION = (
    "Choose a video in which people speak, and a language for the dub.<br>"
    "It comes back at its own length, with its music, subtitles and a report.<br>"
    "New here? <b>Try the sample</b> needs nothing from you."
)


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    made = stage(
        page,
        WORKFLOW,
        action="Dub it",
        invitation=INVITATION,
        sample=Sample("video", SAMPLE, "Try the sample"),
    )
    with made.right:
        editor(page, made.view)
    asked = made.form.components
    video, link = cast("gr.File", asked["video"]), cast("gr.Textbox", asked["link"])
    said = [asked["consent"], asked["consent_by"]]  # of one film, and not of the next
    gr.on([video.upload, video.clear, link.input], lambda: (None, ""), None, said, **QUIET)
