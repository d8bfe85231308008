"""What every tab is given when it is drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import gradio as gr
from gradio.blocks import Block

from studio.studio import Studio

QUIET: Mapping[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How what the clock calls is wired: at once, unseen, and no part of the API."""
ACT: Mapping[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How what a person presses is wired: only by way of Gradio's queue do errors and news reach them."""

CLOCK = """
// Each second while a job is at work or somebody has just done something, else every other second; a
// page that nobody sees asks only while there is work, whose end it tells.
const LIVELY_MS = 15_000;
let touched_ms = performance.now(), rests = 0;
['pointerdown', 'keydown', 'visibilitychange'].forEach((kind) => document.addEventListener(kind,
  () => { touched_ms = performance.now(); }, { capture: true, passive: true }));
setInterval(() => {
  const works = document.querySelector('.job.queued, .job.running') !== null;
  rests = works || performance.now() - touched_ms < LIVELY_MS ? 0 : rests + 1;
  if (!(document.hidden && !works) && rests % 2 === 0) trigger('tick');
}, 1000);
"""
FOLLOW = "(counts) => counts.split(' ').map(Number)"


@dataclass(frozen=True, slots=True)
class Room:
    """A workflow's tab: what other tabs need to send somebody there."""

    tab: str  # its id
    opened: gr.BrowserState  # takes the id of the job to show
    form: Any  # its `parts.form.Form`


@dataclass(frozen=True, slots=True)
class Painter:
    """What repaints a part of the page."""

    work: Callable[..., Sequence[Any]]  # takes the inputs' values and the `request`
    inputs: Sequence[Block]
    outputs: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """The studio behind the page, and what the page's tabs share."""

    studio: Studio
    window: gr.Blocks
    tabs: gr.Tabs
    tab: str = ""  # id of the one that is drawn
    rooms: dict[str, Room] = field(
        default_factory=dict[str, Room]
    )  # by workflow, as they are drawn
    painters: list[Painter] = field(default_factory=list[Painter])

    def each_second(
        self,
        work: Callable[..., Sequence[Any]],
        inputs: Sequence[Block],
        outputs: Sequence[Block],
    ) -> None:
        """Let `work` repaint `outputs` within a second; it returns `gr.skip()` for what stays.

        Args:
            work: takes the values of `inputs`, and the `request`; returns one value an output. It is
                asked each second, and once more when it has news: it changes nothing by itself.
            inputs: what it looks at.
            outputs: what it paints; nobody else's painter paints them.
        """
        self.painters.append(Painter(work, inputs, outputs))

    def start_clock(self) -> None:
        """Ask all painters together, and let those paint that have something new.

        A browser is busy a tenth of a second with every call, and Gradio makes an output anew even for
        `gr.skip()`. So a tick has one output, which counts each painter's news; only where it changes,
        a hidden number a painter follows, and the browser calls the painters whose number changed.
        """
        painters = tuple(self.painters)
        inputs = [each for painter in painters for each in painter.inputs]
        clock = gr.HTML("", js_on_load=CLOCK, elem_id="clock")
        news = gr.Textbox(" ".join("0" for _ in painters), visible="hidden")
        calls = [gr.Number(0, precision=0, visible="hidden") for _ in painters]

        def look(request: gr.Request, counted: str, *values: Any) -> str:
            left, stays = iter(values), cast("Any", gr.skip())
            counts = [int(each) for each in counted.split()]
            for number, painter in enumerate(painters):
                own = [next(left) for _ in painter.inputs]
                painted = painter.work(*own, request=request)
                counts[number] += any(each != stays for each in painted)
            return " ".join(map(str, counts))

        tick = getattr(clock, "tick")  # noqa: B009 - declared on each component
        tick(look, [news, *inputs], news, **QUIET)
        news.change(None, news, calls, js=FOLLOW, **QUIET)
        for call, painter in zip(calls, painters, strict=True):
            call.change(painter.work, list(painter.inputs), list(painter.outputs), **QUIET)
