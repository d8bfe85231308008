"""A workflow's whole tab: form and preflight on the left, its job and result on the right."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr

from studio.errors import NotFound
from studio.request import Request
from studio.workflow import Workflow
from tabs.parts import form, weights
from tabs.parts.border import member_of, owner_of
from tabs.parts.characters import offer_characters
from tabs.parts.form import Form
from tabs.parts.job_view import JobView, job_view
from tabs.parts.page import ACT, QUIET, Page, Room
from tabs.parts.preflight import Price, preflight

R = TypeVar("R", bound=Request)

ASK_TO_NOTIFY = """() => { if ('Notification' in window && Notification.permission === 'default')
  Notification.requestPermission(); }"""
AT_ONCE = "() => 'Taking it in…'"
SHOW_JOB = """() => {
  const show = (left) => {
    const place = document.getElementById('ID-job');
    if (left && !place?.querySelector('.job')) setTimeout(show, 200, left - 1);
    else place?.scrollIntoView({ behavior: 'smooth',
      block: matchMedia('(max-width: 720px)').matches ? 'start' : 'nearest' });
  };
  if (!document.querySelector('#ID-wrong .note')) show(25); }"""
TO_JOB = """<a class="to-job" href="#ID-job"><span class="works">See how far it is</span>
<span class="waits">It waits for you: have a look</span><span class="over">See the result</span>
<span class="failed">See what happened</span> ↓</a>"""
DECIDING = (
    "language_of",
    "engine_of",
    "quality",
    "voice",
    "file",
    "decides",
    "character",
)  # what engines depend on


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that is shipped, so that the first click ends in a real result."""

    field: str
    path: Path
    label: str = "Use the sample"
    texts: tuple[tuple[str, str], ...] = ()  # other fields, and what is written where nothing is


@dataclass(frozen=True, slots=True)
class Stage(Generic[R]):
    """What was drawn; `with stage.left:` and `with stage.right:` draw more."""

    form: Form[R]
    view: JobView
    left: gr.Column
    right: gr.Column
    start: gr.Button
    wrong: gr.HTML  # what hinders the start


def stage(
    page: Page,
    workflow: Workflow[R],
    *,
    action: str,
    invitation: str,
    sample: Sample | None = None,
    beside: Mapping[str, Callable[[], gr.HTML]] = form.NOTHING,
) -> Stage[R]:
    """Draw a workflow's tab and wire it.

    Args:
        page: the page.
        workflow: what the tab is for.
        action: the word on the button that starts a job.
        invitation: HTML that stands where the job will be.
        sample: what a newcomer may try.
        beside: draws something more below the field of that name.
    """
    name = workflow.name
    with gr.Row(equal_height=False, elem_classes="stage"):
        with gr.Column(scale=5, min_width=320) as left:
            asked = form.build(
                workflow.request, prefix="" if name == "dub" else f"{name}-", beside=beside
            )
            flight = gr.HTML("", elem_id=f"{name}-flight")
            bring = gr.Button("", size="sm", elem_id=f"{name}-fetch", visible=False)
            with gr.Row(elem_classes="starting"):
                gr.HTML(TO_JOB.replace("ID", name))
                wrong = gr.HTML("", elem_id=f"{name}-wrong", elem_classes="wrong")
                start = gr.Button(
                    action, variant="primary", size="lg", elem_id=f"{name}-start", min_width=180
                )
                tried = gr.Button(
                    sample.label if sample else "",
                    size="lg",
                    elem_id=f"{name}-sample",
                    visible=sample is not None,
                    min_width=140,
                )
                fresh = gr.Button("Clear", size="lg", elem_id=f"{name}-fresh", min_width=80)
        with gr.Column(scale=7, min_width=320) as right:
            view = job_view(page, name, invitation)
    made = Stage(asked, view, left, right, start, wrong)
    page.rooms[name] = Room(page.tab, view.opened, asked)
    _wire_start(page, workflow, made, action, made.start.click)
    _wire_preflight(page, workflow, asked, (flight, bring))
    for field, view_ in asked.views.items():
        if view_.kind == "character":
            offer_characters(page, asked.components[field], "Nobody")
    fresh.click(asked.clear, None, asked.inputs, **ACT)
    changes = [_change(asked, name) for name in asked.components]
    gr.on([fresh.click, *changes], None, None, wrong, js="() => ''", **QUIET)
    if sample is not None:
        tried.click(None, None, start, js=AT_ONCE, **ACT)
        filled = _wire_sample(asked, sample, tried)
        _wire_start(page, workflow, made, action, filled.success)
    return made


def _wire_sample(asked: Form[Any], sample: Sample, tried: gr.Button) -> Any:
    """One click puts the sample into the form; return the event after which it can start."""
    given = [text for _, text in sample.texts]
    texts = [asked.components[name] for name, _ in sample.texts]

    def fill(*written: str) -> Any:
        both = zip(written, given, strict=True)
        kept = [old if (old or "").strip() else new for old, new in both]
        return [str(sample.path), *kept] if kept else str(sample.path)

    return tried.click(fill, texts, [asked.components[sample.field], *texts], **ACT)


def _wire_start(
    page: Page, workflow: Workflow[R], made: Stage[R], action: str, when: Callable[..., Any]
) -> None:
    """The button says that files are taken in, which takes seconds for long films, then submits."""

    def submit(wanted: R, request: gr.Request) -> str:
        return page.studio.submit(workflow.name, wanted, owner=member_of(request)).id

    taken = made.form.handler(page.studio.store, submit)

    @wraps(taken)
    def send(*given: Any) -> tuple[Any, Any, str]:
        """Whatever happens, the button is ready again: so what is wrong is told, not raised."""
        ready = gr.update(value=action, interactive=True)
        try:
            return taken(*given), ready, ""
        except gr.Error as error:
            return gr.update(), ready, f'<p class="note" role="alert">{error.message}</p>'

    def busy() -> tuple[Any, str]:
        return gr.update(value="Taking it in…", interactive=False), ""

    clicked = when(busy, None, [made.start, made.wrong], js=ASK_TO_NOTIFY, **ACT)
    outputs = [made.view.opened, made.start, made.wrong]
    sent = clicked.then(send, made.form.inputs, outputs, **ACT)
    sent.failure(lambda: gr.update(value=action, interactive=True), None, made.start, **ACT)
    sent.then(None, js=SHOW_JOB.replace("ID", workflow.name), **ACT)


def _wire_preflight(
    page: Page, workflow: Workflow[R], asked: Form[R], shown: tuple[gr.HTML, gr.Button]
) -> None:
    """Show what will run, and offer to fetch what the wanted quality lacks."""

    def look_ahead(wanted: R, request: gr.Request) -> tuple[str, Any]:
        with suppress(NotFound):  # a name that is half written
            wanted = page.studio.characters.resolved(wanted, owner_of(request))
        lacking = weights.absent_for(workflow, wanted)
        known, settings = page.studio, page.studio.settings
        price = Price(settings.price_per_hour, settings.currency)
        told = preflight(workflow, wanted, known.timings, known.keeper, price)
        return told, weights.offer(lacking)

    def bring(wanted: R, request: gr.Request) -> None:
        lacking = weights.absent_for(workflow, wanted)
        weights.fetch(page.studio, lacking, member_of(request))

    look = asked.handler(None, look_ahead)
    changes = [_change(asked, name) for name in _deciding(asked)]
    gr.on([page.window.load, *changes], look, asked.inputs, list(shown), **QUIET)
    shown[1].click(asked.handler(None, bring), asked.inputs, None, **ACT)


def _deciding(asked: Form[Any]) -> Sequence[str]:
    return [
        name for name, view in asked.views.items() if any(key in view.extra for key in DECIDING)
    ]


def _change(asked: Form[Any], name: str) -> Any:
    return getattr(asked.components[name], "change")  # noqa: B009 - declared on each component
