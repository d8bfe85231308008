"""Steps: the named pieces of a workflow, each computed once for the same inputs.

A step's function takes what the run gives first (an engine where its first parameter is a role,
then a `Desk`), and what the workflow gives after that. Only so can a type checker see the call
through `Run.step`. What it returns must be plain data: artefacts, frozen dataclasses or `Record`s.
"""

import inspect
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from studio.artefacts import Artefact, Store
from studio.errors import BadInput, OutOfMemory, first_said
from studio.holdings import Keeper
from studio.keys import digest
from studio.memory import Memory, Origin
from studio.progress import Progress

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a map
V = TypeVar("V")


class Lender(Protocol):
    """Lends the engine of that id; the model manager is one."""

    def identity(self, engine: str) -> str:
        """Return what its output depends on: id, revision, weights, settings, dtype."""
        ...

    def expect(self, job: str, engines: Sequence[str], tell: Callable[[str], None]) -> None:
        """Hear which engines a job will use, in order; `tell` takes lines for its report."""
        ...

    def withdraw(self, job: str) -> None:
        """Hear that a job ended."""
        ...

    def lease(
        self, engine: str, job: str = "", check: Callable[[], None] = ...
    ) -> AbstractContextManager[Any]:
        """Lend it, loaded, until the `with` block ends; `check` is called while it waits."""
        ...

    def relieve(self, engine: str, error: BaseException) -> bool:
        """Make room after `error` in a lease that goes on; tell whether to try again.

        Raises:
            OutOfMemory: if everything was tried.
        """
        ...


class Watcher(Protocol):
    """Is told how a run goes; the job table is one."""

    def started(self, step: "Step[Any, Any]", engine: str, items: int) -> None:
        """`step` begins; it has that many items (1 unless it is a map)."""
        ...

    def item(self, done: int) -> None:
        """That many items of the running step are finished."""
        ...

    def progress(self, done: int, total: int) -> None:
        """The running item is that far."""
        ...

    def finished(self, step: "Step[Any, Any]", seconds: float, computed: int) -> None:
        """`step` ended; that many of its items were computed, the others remembered."""
        ...

    def weigh(self, media_s: float) -> None:
        """The job's size, in seconds of media: what times are learned per."""
        ...

    def answer(self, name: str, shown: str) -> str | None:
        """Return what the user answered to the review `name`, as JSON; raise to park the job."""
        ...

    def check(self) -> None:
        """Raise `Cancelled` if the user pressed Stop."""
        ...


def read_answer(kind: type[V], name: str, answer: str) -> V:
    """Return what a person answered to the review `name`.

    Raises:
        BadInput: if it is not JSON, or not of that kind.
    """
    try:
        return TypeAdapter(kind).validate_json(answer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"the answer to {name!r} cannot be used: {f'{where}: ' if where else ''}{first_said(error)}",
            remedy="Answer with the JSON that the job shows, as you changed it.",
        ) from error


@dataclass(frozen=True, slots=True)
class Desk:
    """What a step may use: the store, a scratch folder of its own, progress, the stop button."""

    store: Store
    scratch: Path
    progress: Progress
    check: Callable[[], None]

    def path(self, artefact: Artefact) -> Path:
        """Return where the bytes of `artefact` are, to be read only."""
        return self.store.path(artefact)

    def keep(self, path: Path, media_type: str, name: str = "") -> Artefact:
        """Store a finished file of the scratch folder."""
        return self.store.keep(path, media_type, name)


@dataclass(frozen=True, slots=True)
class Step(Generic[P, T]):
    """A function with a title for the user, and a role for the manager (empty: none)."""

    title: str
    version: int
    role: str
    work: Callable[..., T]

    @property
    def name(self) -> str:
        """Its place in the code: the step's identity in keys and timings."""
        return f"{self.work.__module__}.{self.work.__qualname__}"

    def parameters(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return every parameter by name, defaults filled in, without what the run gives."""
        signature = inspect.signature(self.work)
        given = list(signature.parameters.values())[2 if self.role else 1 :]
        bound = inspect.Signature(given).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def result(self) -> TypeAdapter[T]:
        """Return what writes and reads its results."""
        return TypeAdapter(get_type_hints(self.work)["return"])


def step(
    title: str, *, version: int = 1
) -> Callable[[Callable[Concatenate[Desk, P], T]], Step[P, T]]:
    """Make a step of a function that needs no engine. Raise `version` when its output changes."""

    def make(work: Callable[Concatenate[Desk, P], T]) -> Step[P, T]:
        return Step(title, version, "", work)

    return make


def engine_step(
    title: str, *, version: int = 1
) -> Callable[[Callable[Concatenate[Any, Desk, P], T]], Step[P, T]]:
    """Make a step of a function whose first parameter is annotated with a role."""

    def make(work: Callable[Concatenate[Any, Desk, P], T]) -> Step[P, T]:
        first = next(iter(inspect.signature(work).parameters.values()))
        role: Any = first.annotation
        return Step(title, version, role if isinstance(role, str) else role.__name__, work)

    return make


@dataclass(frozen=True, slots=True)
class Run:
    """What a workflow may do."""

    store: Store
    memory: Memory
    engines: Mapping[str, str]  # role -> engine id, decided when the job was submitted
    lender: Lender
    watcher: Watcher
    seed: int = 0
    job: str = ""  # noted as the origin of what is computed
    instead: dict[str, str] = field(default_factory=dict[str, str])
    """Role -> the smaller engine that took over, since that of `engines` did not fit"""

    def step(self, step: Step[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `step`, or recall what it gave for the same inputs.

        Raises:
            Cancelled: if the user pressed Stop.
            StudioError: whatever the step raises.
        """
        return self._run(step, [step.parameters(*args, **kwargs)], 1)[0]

    def map(
        self,
        step: Step[Concatenate[I, P], T],
        items: Sequence[I],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[T, ...]:
        """Run `step` for each item; every item is remembered on its own."""
        calls = [step.parameters(item, *args, **kwargs) for item in items]
        return tuple(self._run(step, calls, len(calls)))

    def review(self, name: str, value: V) -> V:
        """Let a person look at `value`; return it as it is, or as it was edited.

        Raises:
            Waiting: (of the watcher) where the user asked to look and has not answered yet.
            BadInput: if the answer is not of the value's kind (of an older version).
        """
        shown = TypeAdapter(type(value)).dump_json(value).decode()
        answer = self.watcher.answer(name, shown)
        return value if answer is None else read_answer(type(value), name, answer)

    def weigh(self, media_s: float) -> None:
        """Tell how many seconds of media the job is about: times are learned per second."""
        self.watcher.weigh(media_s)

    def _run(self, step: Step[..., T], calls: Sequence[Mapping[str, Any]], items: int) -> list[T]:
        self.watcher.check()
        began, adapter = time.monotonic(), step.result()
        results: list[_Found[T] | None] = [None] * len(calls)
        computed: list[int] = []
        while True:
            engine = self.instead.get(step.role) or self.engines[step.role] if step.role else ""
            self.watcher.started(step, engine, items)
            try:
                for index, found in self._found(step, adapter, engine, calls, results):
                    results[index] = found
                    computed.append(index)
                break
            except OutOfMemory:  # its own weights are too large, even in parts
                if not self._take_smaller(step.role, engine):
                    raise
        self.watcher.finished(step, time.monotonic() - began, len(computed))
        return [found.value for found in results if found is not None]

    def _found(
        self,
        step: Step[..., T],
        adapter: TypeAdapter[T],
        engine: str,
        calls: Sequence[Mapping[str, Any]],
        results: "list[_Found[T] | None]",
    ) -> "Iterator[tuple[int, _Found[T]]]":
        """Recall into `results` what is remembered; yield (place, result) of what is computed."""
        open_ = [index for index, found in enumerate(results) if found is None]
        keys = {index: self._key(step, engine, calls[index]) for index in open_}
        for index in open_:
            results[index] = self._recall(adapter, keys[index])
        missing = [index for index in open_ if results[index] is None]
        done = len(calls) - len(missing)
        self.watcher.item(done)
        if missing:
            with self._lent(engine) as given:
                work = _Work(step, adapter, engine, given)
                keeper = self._keeper()
                for count, index in enumerate(missing, start=1):
                    if engine and keeper and count == len(missing):
                        keeper.last_item(engine)
                    yield index, self._compute(work, keys[index], calls[index])
                    self.watcher.item(done + count)

    def _keeper(self) -> Keeper | None:
        return self.lender if isinstance(self.lender, Keeper) else None

    def _take_smaller(self, role: str, engine: str) -> bool:
        """Let a smaller engine do the rest of this run, if there is one and the user allowed it."""
        keeper = self._keeper()
        smaller = keeper.smaller(engine, self.job) if keeper else ""
        if smaller:
            self.instead[role] = smaller
        return bool(smaller)

    def _key(self, step: Step[..., Any], engine: str, call: Mapping[str, Any]) -> str:
        return digest(
            {
                "step": step.name,
                "version": step.version,
                "engine": self.lender.identity(engine) if engine else "",
                "seed": self.seed if engine else 0,
                "inputs": call,
            }
        )

    def _recall(self, adapter: TypeAdapter[T], key: str) -> "_Found[T] | None":
        text = self.memory.recall(key)
        if text is None:
            return None
        try:
            value = adapter.validate_json(text)
        except ValidationError:  # an older version of the step wrote it
            return None
        return _Found(value) if all(map(self.store.has, artefacts_in(value))) else None

    def _compute(self, work: "_Work[T]", key: str, call: Mapping[str, Any]) -> "_Found[T]":
        step, adapter = work.step, work.adapter
        with self.memory.alone(key, self.watcher.check):
            found = self._recall(adapter, key)  # another job may have made it meanwhile
            if found is not None:
                return found
            LOG.info("computing %s %s", step.name, key)
            began = time.monotonic()
            with self.store.scratch("step") as scratch:
                desk = Desk(self.store, scratch, self.watcher.progress, self.watcher.check)
                value = self._work(work, desk, call)
            taken = {each.sha256 for each in artefacts_in(tuple(call.values()))}
            spent_s = time.monotonic() - began
            origin = Origin(self.job, step.title, work.engine, spent_s, tuple(sorted(taken)))
            self.memory.remember(key, adapter.dump_json(value).decode(), origin)
            return _Found(value)

    def _work(self, work: "_Work[T]", desk: Desk, call: Mapping[str, Any]) -> T:
        """Do the step's work, again for as long as the lender can make room for it."""
        while True:
            try:
                return work.step.work(*work.given, desk, **call)
            except (
                MemoryError,
                RuntimeError,
            ) as error:  # torch's OutOfMemoryError is a RuntimeError
                if not work.engine or not self.lender.relieve(work.engine, error):
                    raise

    @contextmanager
    def _lent(self, engine: str) -> Generator[tuple[Any, ...], None, None]:
        if not engine:
            yield ()
            return
        with self.lender.lease(engine, self.job, self.watcher.check) as lent:
            yield (lent,)


@dataclass(frozen=True, slots=True)
class _Work(Generic[T]):
    """What the items of a step have in common."""

    step: Step[..., T]
    adapter: TypeAdapter[T]
    engine: str  # id, or ""
    given: tuple[Any, ...]  # the engine, if there is one


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    value: T  # boxed, so that a result of None is not taken for a miss


def artefacts_in(value: Any) -> Iterator[Artefact]:
    """Yield every artefact that a step's result mentions, however deep."""
    if isinstance(value, Artefact):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from artefacts_in(getattr(value, name))
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from artefacts_in(getattr(value, each.name))
    elif isinstance(value, list | tuple):
        for each in cast("Sequence[Any]", value):
            yield from artefacts_in(each)
