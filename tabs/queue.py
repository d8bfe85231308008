"""The Queue tab: every job, how far it is, and its buttons."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.jobs import Job
from tabs.parts.border import border, owner_of
from tabs.parts.cards import job_card
from tabs.parts.going import destinations, go_to
from tabs.parts.page import ACT, Page

TITLE = "Queue"
ORDER = 80
SHOWN = 40

TEMPLATE = """
<div class="queue">
{{#each value.jobs}}<div class="queue-item">{{{this.card}}}
<div class="queue-buttons">
{{#each this.acts}}<button type="button" data-act="{{this.act}}" data-id="{{this.id}}"
 aria-label="{{this.label}}: {{this.title}}">{{this.label}}</button>{{/each}}
</div></div>{{/each}}
{{#unless value.jobs}}<div class="empty">Nothing has been asked for yet.<br>
Jobs stand here from the first click until you delete them.</div>{{/unless}}
</div>
"""
CSS = """
.queue { display: grid; gap: 14px; }
.queue-item { background: var(--card); border: 1px solid var(--line); border-radius: var(--round); box-shadow: var(--shade); }
.queue-item .job { border: 0; box-shadow: none; background: transparent; padding-bottom: 10px; }
.queue-buttons { display: flex; flex-wrap: wrap; gap: 8px; padding: 0 18px 16px; }
.queue-buttons button { font: inherit; font-size: 13px; padding: 5px 14px; min-height: 32px; border-radius: 999px; cursor: pointer;
  border: 1px solid var(--input-border-color); background: transparent; color: var(--body-text-color); margin: 0; }
.queue-buttons button:hover { border-color: var(--color-accent); }
"""
SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (button) trigger('click', { act: button.dataset.act, id: button.dataset.id });
});
"""


def render(page: Page) -> None:
    """Draw the tab and wire it."""
    studio = page.studio
    seen = gr.State("")
    board = gr.HTML(
        {"jobs": []},
        html_template=TEMPLATE,
        css_template=CSS,
        js_on_load=SCRIPT,
        elem_id="queue",
    )

    @border
    def paint(last: str, request: gr.Request) -> Any:
        known = studio.jobs(owner_of(request), limit=SHOWN)
        hidden = {name for name, each in studio.workflows.items() if not each.listed}
        jobs = [job for job in known if job.workflow not in hidden]
        now = " ".join(f"{job.id}:{job.seq}:{job.position}:{int(job.elapsed_s)}" for job in jobs)
        if now == last:
            return gr.skip(), gr.skip()
        return now, {
            "jobs": [
                shown(job, studio.settings.currency, job.workflow in page.rooms) for job in jobs
            ]
        }

    @border
    def act(event: gr.EventData, request: gr.Request) -> list[Any]:
        owner, id_, wanted = owner_of(request), str(event.id), str(event.act)
        if wanted == "cancel":
            studio.cancel(id_, owner)
        elif wanted == "retry":
            studio.retry(id_, owner)
        elif wanted == "delete":
            studio.delete(id_, owner)
        else:
            return go_to(page, studio.job(id_, owner), fill=wanted == "same")
        nothing: list[Any] = [gr.skip()] * len(destinations(page))
        return nothing

    page.each_second(paint, [seen], [seen, board])
    board.click(act, None, destinations(page), **ACT)


def shown(job: Job, currency: str, has_room: bool = True) -> Mapping[str, Any]:
    """Return a job as the browser's template takes it; without a tab of its own it is not opened."""
    acts = [("cancel", "Stop")] if not job.finished else []
    acts += [("retry", "Try again")] if job.state in {"failed", "cancelled"} else []
    acts += [("open", "Open"), ("same", "Use these settings")] if has_room else []
    acts += [("delete", "Delete")] if job.finished else []
    return {
        "card": job_card(job, currency),
        "acts": [
            {"act": act, "label": label, "id": job.id, "title": job.title} for act, label in acts
        ],
    }
