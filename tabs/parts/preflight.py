"""What will run: which engine serves each need, what is missing, how to get it, how long it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TypeVar

from engines import catalog
from engines.catalog import Choice
from engines.role_titles import ROLES
from studio.errors import BadPreset
from studio.holdings import Keeper
from studio.request import Request
from studio.timings import Timings
from studio.workflow import Workflow
from tabs.parts.cards import clock, size

Q = TypeVar("Q", bound=Request)


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of this machine costs."""

    per_hour: float = 0.0
    currency: str = ""

    def of(self, seconds: float) -> str:
        """Return what that long costs, in words."""
        return f"{self.per_hour * seconds / 3600:.3f} {escape(self.currency)}"


USES: Mapping[bool | str, str] = {
    True: "commercial use allowed",
    False: "not for commercial use",
    "unknown": "licence for commercial use: not stated",
}
"""What an engine's licence says of work that is sold."""


def preflight(
    workflow: Workflow[Q],
    request: Q,
    timings: Timings | None = None,
    keeper: Keeper | None = None,
    price: Price = Price(),
) -> str:
    """Return, as HTML, which engines will do the work, under which licences, and for how long.

    Args:
        workflow: what will run.
        request: what it is asked; its files are not looked at.
        timings: what was learned on this machine.
        keeper: tells what the engines will take of memory and disk.
        price: what an hour costs.
    """
    try:
        choices = catalog.choose(workflow.needs(request), request.quality)
    except BadPreset as error:
        return f'<div class="flight"><p class="lack">{escape(error.sentence)}</p></div>'
    lacking = any(each.engine is None and not each.need.optional for each in choices)
    head = "This cannot run yet" if lacking else "What will do the work"
    rows = "".join(map(_row, sorted(choices, key=_order)))
    speed = _speed(workflow, choices, timings, price) if timings and not lacking else ""
    rows += _memory(workflow, choices, keeper) if keeper and not lacking else ""
    return f'<details class="flight"{" open" if lacking else ""}><summary>{head}{speed}</summary>{rows}</details>'


def _order(choice: Choice) -> int:
    known = list(ROLES)
    return known.index(choice.need.role) if choice.need.role in known else len(known)


def expected_s(workflow: Workflow[Q], request: Q, timings: Timings, media_s: float) -> float:
    """Return how long that much media will take, as learned on this machine; 0: not known yet."""
    try:
        choices = catalog.choose(workflow.needs(request), request.quality)
    except BadPreset:
        return 0.0
    return media_s * _rate(workflow, choices, timings)


def _rate(workflow: Workflow[Q], choices: tuple[Choice, ...], timings: Timings) -> float:
    """Return the seconds that a second of media takes."""
    engines = {each.engine.id for each in choices if each.engine is not None} | {""}
    steps = {each.name for each in workflow.steps}
    return sum(
        rate
        for (step, engine), rate in timings.rates().items()
        if step in steps and engine in engines
    )


def _speed(
    workflow: Workflow[Q], choices: tuple[Choice, ...], timings: Timings, price: Price
) -> str:
    """Return how long a minute of media takes, and what it costs, as learned on this machine."""
    took_s = 60 * _rate(workflow, choices, timings)
    if not took_s:
        return ""
    cost = f", {price.of(took_s)}" if price.per_hour else ""
    return f' <span class="small">about {clock(took_s)}{cost} for a minute of film</span>'


def _memory(workflow: Workflow[Q], choices: tuple[Choice, ...], keeper: Keeper) -> str:
    """Return what the engines that have weights take, replayed by the planner that will run them."""
    serving = {each.need.role: each.engine.id for each in choices if each.engine is not None}
    told = keeper.forecast(workflow.lent(serving))
    kind = "" if told.in_place else "GPU "
    parts = [
        f"{size(told.peak_bytes)} of {kind}memory at most" if told.peak_bytes else "",
        f"{size(told.read_bytes)} read from disk" if told.read_bytes else "",
        f"{clock(told.wait_s)} of waiting for it" if told.wait_s >= 1 else "",
        f"{size(told.download_bytes)} to download first" if told.download_bytes else "",
    ]
    if not any(parts):
        return ""
    guessed = " (guessed until it ran here once)" if told.guessed else ""
    return f'<p class="small">Weights: {", ".join(filter(None, parts))}{guessed}</p>'


def _row(choice: Choice) -> str:
    does = escape(ROLES.get(choice.need.role, choice.need.role))
    if choice.engine is None:
        kind = "small" if choice.need.optional else "lack"
        return f'<p><b>{does}</b> <span class="{kind}">{escape(choice.why)}</span></p>'
    engine = choice.engine
    instead = "".join(f'<p class="small lack">Not {escape(each)}</p>' for each in choice.passed)
    limits = "" if engine.commercial is True else f" · {USES[engine.commercial]}"
    limits += " · copies voices" if "clone" in engine.capabilities else ""
    return (
        f"<p><b>{does}</b> {escape(engine.title)}"
        f' <span class="small">{escape(engine.licence)}{limits}</span></p>{instead}'
    )
