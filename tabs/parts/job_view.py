"""A workflow's job on its tab: the card that the page's clock paints, its buttons, and its result."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from tabs.parts.border import border, owner_of
from tabs.parts.cards import account_table, job_card
from tabs.parts.page import ACT, Page
from tabs.parts.result import ResultView, find, result_view

KEY = (
    "understudy"  # fixed, so that a browser finds its job again; a job id is no secret of its owner
)
EMPTY = (
    '<div class="empty"><svg viewBox="0 0 56 56" aria-hidden="true" fill="none" stroke="currentColor"'
    ' stroke-width="2.5" stroke-linecap="round"><path d="M8 44V26a20 20 0 0 1 40 0v18"/>'
    '<path d="M18 31v6M24 27v14M30 22v24M36 28v12"/></svg>{}</div>'
)


@dataclass(frozen=True, slots=True)
class JobView:
    """The parts, and what is known of the job that they show."""

    opened: gr.BrowserState  # id of the job, kept by the browser
    seen: gr.State  # (id, seq) that was painted last
    card: gr.HTML
    cancel: gr.Button
    retry: gr.Button
    result: ResultView
    account: gr.HTML


def job_view(page: Page, workflow: str, invitation: str) -> JobView:
    """Draw the view of one workflow's job, and let the page's clock paint it.

    Args:
        page: the page.
        workflow: whose jobs.
        invitation: what stands there while there is no job.
    """
    opened = gr.BrowserState("", storage_key=f"understudy-{workflow}", secret=KEY)
    seen = gr.State(("", -1))
    card = gr.HTML(EMPTY.format(invitation), elem_id=f"{workflow}-job")
    with gr.Row(elem_classes="acts"):
        cancel = gr.Button("Stop", visible=False, elem_id=f"{workflow}-cancel", size="md")
        retry = gr.Button("Try again", visible=False, elem_id=f"{workflow}-retry", size="md")
    result, account = result_view(workflow), gr.HTML("", elem_id=f"{workflow}-account")
    view = JobView(opened, seen, card, cancel, retry, result, account)
    outputs = [seen, card, cancel, retry, account, *view.result.outputs]

    @border
    def paint(id_: str, last: tuple[str, int], request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        page.studio.idle.seen()
        job = find(page.studio, id_, owner)
        now = (job.id, job.seq) if job else ("", 0)
        if now == tuple(last):
            return [gr.skip()] * len(outputs)
        if job is None:
            hidden = gr.update(visible=False)
            nothing = view.result.show(page.studio, None, owner)
            return [now, EMPTY.format(invitation), hidden, hidden, "", *nothing]
        currency = page.studio.settings.currency
        return [
            now,
            job_card(job, currency),
            gr.update(visible=not job.finished),
            gr.update(visible=job.state in {"failed", "cancelled"}),
            account_table(job.account, currency) if job.finished else "",
            *(
                view.result.show(page.studio, job, owner)
                if job.finished
                or last[0] not in {job.id, job.parent}  # what is being changed stays
                else [gr.skip()] * len(view.result.outputs)
            ),
        ]

    @border
    def stop(id_: str, request: gr.Request) -> None:
        page.studio.cancel(id_, owner_of(request))

    @border
    def again(id_: str, request: gr.Request) -> None:
        page.studio.retry(id_, owner_of(request))

    page.each_second(paint, [opened, seen], outputs)
    cancel.click(stop, opened, None, **ACT)
    retry.click(again, opened, None, **ACT)
    return view
