"""The job that fetches weights: durable, seen in the Queue and stopped there; and what there is to fetch.

It is no tab's: Engine Room, preflight and `./run.sh weights` submit it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines import catalog, hub
from engines.catalog import Entry
from engines.weights import is_offline
from studio.errors import BadInput, BadPreset, LicenceRefused, MissingWeights
from studio.fields import fields_of
from studio.request import Report, Request, Result
from studio.steps import Desk, Run, step
from studio.weights import Holding
from studio.workflow import Workflow, choose

USES: Mapping[bool | str, str] = {True: "yes", False: "no", "unknown": "unknown"}
UNKNOWN_BYTES = 1 << 20  # stands for a size that nobody told, in the progress alone


class WeightsRequest(Request):
    """Which engines' weights to fetch."""

    engines: tuple[str, ...] = ()
    """Engines whose weights are fetched, by id"""


class WeightsReport(Report):
    """What was done."""

    engines: tuple[str, ...] = ()
    """Engines whose weights are here now"""
    bytes: int = 0
    """Size of their weights"""


class WeightsResult(Result):
    """Weights go to the hub's cache: the result has no files."""

    report: WeightsReport


@step("Fetch weights")
def fetch(desk: Desk, engines: tuple[str, ...], job: str) -> int:
    """Fetch what is missing, one engine after the other; what cannot be had is told at the end.

    Args:
        desk: of the step.
        engines: ids.
        job: whose step it is: what one job fetched may be deleted before the next.

    Returns:
        The size of all of it.

    Raises:
        LicenceRefused, MissingWeights: if something cannot be fetched; everything else was, by then.
    """
    del job
    sizes = {id_: _size(catalog.entry(id_)) for id_ in engines}
    before, refused = 0, list[MissingWeights | LicenceRefused]()
    for id_ in engines:
        weights = catalog.entry(id_).weights
        if weights is None:
            continue

        def tell(done: int, total: int, id_: str = id_, before: int = before) -> None:
            sizes[id_] = max(1, total)
            desk.progress(before + done, sum(sizes.values()))

        try:
            hub.download(weights, tell, desk.check)
        except (MissingWeights, LicenceRefused) as error:
            refused.append(error)
        before += sizes[id_]
    if refused:
        rest = f"; and {len(refused) - 1} more cannot be had" if len(refused) > 1 else ""
        raise type(refused[0])(f"{refused[0]}{rest}", remedy=refused[0].remedy)
    return sum(_size(catalog.entry(id_)) for id_ in engines)


def fetch_weights(request: WeightsRequest, run: Run) -> WeightsResult:
    """Bring weights onto this machine."""
    size = run.step(fetch, request.engines, run.job)
    return WeightsResult(report=WeightsReport(engines=request.engines, bytes=size))


def check(request: WeightsRequest) -> None:
    """Refuse what is no engine, or has no weights.

    Raises:
        BadInput: with its name.
    """
    if not request.engines:
        raise BadInput("there is nothing to fetch", remedy="Name an engine.")
    for id_ in request.engines:
        _known(id_)


WORKFLOW = Workflow(
    name="weights",
    title="Weights",
    request=WeightsRequest,
    result=WeightsResult,
    run=fetch_weights,
    needs=lambda _: (),
    steps=(fetch,),
    check=check,
    shown=False,
)


def holdings(
    workflows: Mapping[str, Workflow[Any]],
    workflow: str,
    quality: str,
    engines: Sequence[str],
    languages: Mapping[str, str],
) -> list[Holding]:
    """Return what `./run.sh weights` lists.

    Args:
        workflows: those that there are.
        workflow: whose engines; empty: of all.
        quality: a quality preset; empty: what suits this machine.
        engines: ids, in place of workflow and quality.
        languages: "source" and "target", where only what those need is wanted.

    Raises:
        BadInput: if there is no such engine, or it has no weights.
        BadPreset: if there is no such quality.
        NotFound: if there is no such workflow.
    """
    if engines:
        found = [_known(id_) for id_ in dict.fromkeys(engines)]
    else:
        asked = [choose(dict(workflows), workflow)] if workflow else list(workflows.values())
        roles = [each.role for kind in asked for each in kind.steps if each.role]
        found = list(catalog.with_weights(roles, quality))
        if languages:
            needs = [need for kind in asked for need in kind.needs(_asking(kind, languages))]
            found = list(catalog.wanted(needs, quality))
    return [_sized(each, holding(each)) for each in found]


def _asking(kind: Workflow[Any], languages: Mapping[str, str]) -> Request:
    """Return a request in which only the languages are chosen."""
    fields = {each.name: each.extra.get("language_of", "") for each in fields_of(kind.request)}
    return kind.request.model_validate(
        {name: languages[of] for name, of in fields.items() if of in languages}
    )


def holding(engine: Entry) -> Holding:
    """Return how it stands with an engine's weights.

    Raises:
        BadInput: if it has none.
    """
    here = engine.held()
    if engine.weights is None or here is None:
        raise BadInput(f"{engine.title} ({engine.id}) has no weights to fetch")
    state = "gated" if engine.weights.gated and here.state == "missing" else here.state
    others = [each for each in engine.missing() if "./run.sh weights" not in each.remedy[:16]]
    return Holding(
        engine=engine.id,
        role=engine.role,
        repo=engine.weights.repo,
        state=state,
        bytes=here.bytes,
        to_fetch_bytes=here.to_fetch_bytes,
        licence=engine.licence,
        commercial=USES[engine.commercial],
        also="; ".join(f"{each.what}: {each.remedy}" for each in others),
    )


def _sized(engine: Entry, seen: Holding) -> Holding:
    """Ask the hub for a size that the preset does not know, where that is possible."""
    if seen.bytes or engine.weights is None or is_offline():
        return seen
    try:
        size = hub.size_bytes(engine.weights)
    except (MissingWeights, LicenceRefused):  # the hub will tell, when it is asked to send
        return seen
    here = engine.held()
    return replace(seen, bytes=size, to_fetch_bytes=max(0, size - (here.here_bytes if here else 0)))


def _known(id_: str) -> Entry:
    try:
        engine = catalog.entry(id_)
    except BadPreset as error:
        raise BadInput(str(error), remedy=error.remedy) from error
    if engine.weights is None:
        raise BadInput(f"{engine.title} ({id_}) has no weights to fetch")
    return engine


def _size(engine: Entry) -> int:
    here = engine.held()
    return (here.bytes if here else 0) or UNKNOWN_BYTES
