"""The Dub tab: the form on the left, the job and its lines on the right."""

from pathlib import Path
from typing import Any

import gradio as gr

from tabs.parts import form
from tabs.parts.border import owner_of
from tabs.parts.dub_editor import editor
from tabs.parts.job_view import ASK_TO_NOTIFY, job_view
from tabs.parts.page import Page, Room
from tabs.parts.preflight import preflight
from workflows.dub import WORKFLOW
from workflows.dub.request import DubRequest

TITLE = "Dub"
ORDER = 20
SAMPLE = Path(__file__).parents[1] / "assets" / "sample.mp4"
INVITATION = (
    "Choose a video in which people speak, and the language it shall speak.<br>"
    "It comes back at its own length, with its music, subtitles and a report."
)

WHAT_DECIDES = (
    "source_language",
    "target_language",
    "subtitles",
    "translated_subtitles",
    "quality",
)


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            sample = gr.Button("Try it with the sample", size="sm", elem_id="dub-sample")
            asked = form.build(DubRequest)
            flight = gr.HTML("", elem_id="dub-flight")
            start = gr.Button("Dub it", variant="primary", size="lg", elem_id="dub-start")
        with gr.Column(scale=7, min_width=320):
            view = job_view(page, WORKFLOW.name, INVITATION)
            editor(page, view)

    def submit(wanted: DubRequest, request: gr.Request) -> str:
        return page.studio.submit(WORKFLOW.name, wanted, owner=owner_of(request)).id

    def look_ahead(wanted: DubRequest, request: gr.Request) -> str:
        del request
        return preflight(WORKFLOW, wanted)

    page.rooms[WORKFLOW.name] = Room("dub", view.opened, asked)
    store = page.studio.store
    start.click(
        asked.handler(store, submit),
        asked.inputs,
        view.opened,
        queue=False,
        api_visibility="private",
    ).then(fn=None, js=ASK_TO_NOTIFY, api_visibility="private")
    changes: list[Any] = [getattr(asked.components[name], "change") for name in WHAT_DECIDES]  # noqa: B009
    gr.on(
        changes,
        asked.handler(store, look_ahead),
        asked.inputs,
        flight,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    sample.click(lambda: str(SAMPLE), None, asked.components["video"], api_visibility="private")
