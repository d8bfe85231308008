"""The button that fetches weights: shown where some are missing, it submits a job for the Queue."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gradio as gr

from engines import catalog
from engines.catalog import Entry
from studio.errors import BadPreset
from studio.request import Request
from studio.studio import Studio
from studio.workflow import Workflow
from tabs.parts.cards import size

Q = TypeVar("Q", bound=Request)


def absent(workflows: Sequence[Workflow[Any]], quality: str) -> tuple[Entry, ...]:
    """Return the engines of a quality whose weights are not (wholly) here; of none that is not there."""
    roles = [step.role for each in workflows for step in each.steps if step.role]
    return _absent(lambda: catalog.with_weights(roles, quality))


def absent_for(workflow: Workflow[Q], request: Q) -> tuple[Entry, ...]:
    """Return the engines that a request wants, and whose weights are not (wholly) here."""
    return _absent(lambda: catalog.wanted(workflow.needs(request), request.quality))


def _absent(wanted: Callable[[], Sequence[Entry]]) -> tuple[Entry, ...]:
    try:
        found = wanted()
    except BadPreset:
        return ()
    return tuple(each for each in found if (here := each.held()) and here.state != "present")


def offer(engines: Sequence[Entry]) -> Any:
    """Return an update of the button: what it would fetch; hidden where that is nothing."""
    if not engines:
        return gr.update(visible=False)
    helds = [each.held() for each in engines]
    count = sum(each.to_fetch_bytes for each in helds if each is not None)
    how_much = size(count) if count else "the weights"
    return gr.update(visible=True, value=f"Fetch {how_much}")


def fetch(studio: Studio, engines: Sequence[Entry], owner: str) -> None:
    """Submit the job that fetches them, gated ones last: those may be refused."""
    if not engines:
        gr.Info("Everything is here already.", title="Weights")
        return
    ordered = sorted(engines, key=lambda each: each.weights is not None and each.weights.gated)
    kind = studio.workflows["weights"]
    job = studio.submit(
        kind.name, kind.request(engines=tuple(each.id for each in ordered)), owner=owner
    )
    gr.Info(f"It is in the Queue as {job.id}, and can be stopped there.", title="Weights")
