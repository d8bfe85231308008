"""From a list to a workflow's tab: to look at a job, or to start from its settings."""

from typing import Any

import gradio as gr

from studio.jobs import Job
from tabs.parts.page import Page


def destinations(page: Page) -> list[Any]:
    """Return what `go_to` updates: the tabs, then every workflow's job and form."""
    found: list[Any] = [page.tabs]
    for room in page.rooms.values():
        found += [room.opened, *room.form.inputs]
    return found


def go_to(page: Page, job: Job, *, fill: bool) -> list[Any]:
    """Return updates of `destinations` that open `job`'s tab.

    Args:
        page: the page.
        job: the job to show.
        fill: whether its settings go into the form.
    """
    updates: list[Any] = []
    chosen: Any = gr.update()
    for name, room in page.rooms.items():
        if name != job.workflow:
            updates += [gr.skip()] * (1 + len(room.form.inputs))
            continue
        chosen = gr.Tabs(selected=room.tab)
        request = room.form.request.model_validate_json(job.request)
        filled: list[Any] = [gr.skip()] * len(room.form.inputs)
        if fill:
            filled = room.form.fill(request)
        updates += [job.id, *filled]
    return [chosen, *updates]
