"""What a workflow module says of itself; a module that has a `WORKFLOW` is a workflow by being there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Generic, TypeVar

from studio.errors import NotFound
from studio.request import Record, Request, Result
from studio.steps import Run, Step

Q = TypeVar("Q", bound=Request)


@dataclass(frozen=True, slots=True)
class Need:
    """A role that a request will call for; languages are ISO 639-1, empty where they do not matter."""

    role: str  # a Protocol of engines.roles
    language: str = ""
    target_language: str = ""
    optional: bool = False  # the workflow goes on without it, and says so
    engine: str = ""  # the id of the only engine that the user wants for it; empty: the preset's
    instead: str = ""  # a sentence: what the user may do where nothing serves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow(Generic[Q]):
    """A workflow, as the queue, the forms, the command line and the API see it."""

    name: str  # "dub": the command, the endpoint, the job's kind
    title: str
    request: type[Q]
    result: type[Result]
    run: Callable[[Q, Run], Result]
    needs: Callable[[Q], tuple[Need, ...]]
    steps: tuple[Step[Any, Any], ...]
    """All steps in their order: the queue shows «step n of m» from it."""
    check: Callable[[Q], None] = lambda _: None
    """Raises `BadInput` for what no single field can tell; called before a job is queued."""
    reviews: Mapping[str, type[Record]] = field(default_factory=dict[str, type[Record]])
    """What it lets a person look at on the way, by the review's name."""
    check_copies: Callable[[Q], None] = lambda _: None
    """The same, where the engine that speaks can copy voices: raises unless they may be copied."""
    shown: bool = True
    """Whether people start it by its name and keep its results: else it is a job of the studio's own."""
    listed: bool = True
    """Whether the Queue lists its jobs."""

    @property
    def about(self) -> str:
        """What it does, in one sentence."""
        return (self.run.__doc__ or self.title).partition("\n")[0]

    def lent(self, engines: Mapping[str, str]) -> tuple[str, ...]:
        """Return the engines of its steps in their order, of those by role."""
        return tuple(engines[each.role] for each in self.steps if each.role in engines)


def discover(room: ModuleType) -> dict[str, Workflow[Any]]:
    """Return the workflows of the package `room`, by name."""
    found = (import_module(f"{room.__name__}.{each.name}") for each in iter_modules(room.__path__))
    all_ = [module.WORKFLOW for module in found if hasattr(module, "WORKFLOW")]
    return {each.name: each for each in all_}


def choose(known: dict[str, Workflow[Any]], name: str) -> Workflow[Any]:
    """Return the workflow of that name.

    Raises:
        NotFound: if there is none.
    """
    if name not in known:
        raise NotFound(f"there is no workflow {name!r}", remedy=f"Choose {', '.join(known)}.")
    return known[name]
