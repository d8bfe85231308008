"""A small real workflow for the kernel's own tests: it counts a word list, one file an item."""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from media.tools import follow_program
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.request import Record, Report, Request, Result
from studio.settings import Settings
from studio.steps import Desk, Run, engine_step, step
from studio.studio import Studio
from studio.workflow import Need, Workflow


class ToyRequest(Request):
    """What the toy is asked."""

    words: tuple[str, ...] = ("one", "two")
    source: Artefact | None = None
    pause_s: float = Field(0.0, ge=0)
    nap_s: float = Field(0.0, ge=0)
    fill_bytes: int = Field(0, ge=0)
    fail: str = ""


class Words(Record):
    """What a person may look at."""

    words: tuple[str, ...]


class ToyReport(Report):
    """What the toy counted."""

    letters: int = 0


class ToyResult(Result):
    """The toy's files."""

    book: Artefact
    report: ToyReport


class Full(MemoryError):
    """The toy's engine took too much."""


@dataclass(slots=True)
class Echo:
    """The toy's engine; a big word fits at the second try only."""

    tried: set[str] = field(default_factory=set[str])

    def say(self, word: str) -> bytes:
        if word.startswith("big") and word not in self.tried:
            self.tried.add(word)
            raise Full(word)
        return (word * 1000).encode()


@dataclass(frozen=True, slots=True)
class Shelf:
    """Lends the toy's engine; it is out of memory for each word that begins with "big"."""

    _tell: dict[str, Any] = field(default_factory=dict[str, Any])

    def identity(self, engine: str) -> str:
        return f"{engine}@1"

    def expect(self, job: str, engines: Sequence[str], tell: Any) -> None:
        self._tell[job] = tell

    def withdraw(self, job: str) -> None:
        del self._tell[job]

    def lease(self, engine: str, job: str = "", check: Any = None) -> AbstractContextManager[Any]:
        return nullcontext(Echo())

    def relieve(self, engine: str, error: BaseException) -> bool:
        if not isinstance(error, Full):
            return False
        for tell in self._tell.values():
            tell(f"Memory ran out at {error}, and it was tried again.")
        return True


@step("Look at the words")
def look(desk: Desk, words: tuple[str, ...], fail: str) -> int:
    if fail == "look":
        raise BadInput("the words are not good", remedy="Take others.")
    if fail == "bug":
        raise KeyError(fail)
    return sum(map(len, words))


@step("Take a nap")
def nap(desk: Desk, seconds: float) -> int:
    """Wait for another program, as a step does that runs ffmpeg."""
    follow_program(["sleep", f"{seconds}"], check=desk.check)
    return 0


@engine_step("Say each word")
def say(echo: "Echo", desk: Desk, word: str, pause_s: float) -> Artefact:
    path = desk.scratch / "word.txt"
    path.write_bytes(echo.say(word))
    while word.startswith("/") and Path(word).exists():  # it takes as long as that file is there
        time.sleep(0.02)
        desk.progress(0, 1)
    parts = max(10, int(pause_s / 0.1))
    for done in range(parts):
        time.sleep(pause_s / parts)
        desk.progress(done + 1, parts)
    return desk.keep(path, "text/plain", f"{word}.txt")


@step("Fill the disk")
def fill(desk: Desk, size_bytes: int) -> Artefact | None:
    path = desk.scratch / "big.bin"
    with path.open("wb") as file:
        for _ in range(size_bytes // 65536):
            file.write(os.urandom(65536))
    return desk.keep(path, "application/octet-stream") if size_bytes else None


@step("Bind the book")
def bind(desk: Desk, words: tuple[Artefact, ...], fail: str) -> Artefact:
    if fail == "bind":
        raise BadInput("the book does not hold", remedy="Use less glue.")
    path = desk.scratch / "book.txt"
    with path.open("wb") as file:
        for each in words:
            file.write(desk.path(each).read_bytes())
    return desk.keep(path, "text/plain", "book.txt")


def toy(request: ToyRequest, run: Run) -> ToyResult:
    letters = run.step(look, request.words, request.fail)
    run.weigh(float(letters))
    run.step(nap, request.nap_s)
    words = run.review("words", Words(words=request.words)).words
    said = run.map(say, words, request.pause_s)
    run.step(fill, request.fill_bytes)
    book = run.step(bind, said, request.fail)
    return ToyResult(book=book, report=ToyReport(letters=letters))


WORKFLOW = Workflow(
    name="toy",
    title="Toy",
    request=ToyRequest,
    result=ToyResult,
    run=toy,
    needs=lambda request: (Need("Echo"),),
    reviews={"words": Words},
    steps=(look, nap, say, fill, bind),
)


def engines_for(needs: Sequence[Need], quality: str) -> dict[str, str]:
    return {need.role: "echo" for need in needs}


def on_gpu(engines: Iterable[str]) -> bool:
    return False


def make_studio(folder: Path, **settings: Any) -> Studio:
    return Studio(
        Settings(data_dir=folder, _env_file=None, **settings),
        {"toy": WORKFLOW},
        Shelf(),
        engines_for,
    )
