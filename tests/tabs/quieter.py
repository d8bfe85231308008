"""A small real workflow for the shell's own tests: it makes a sound quieter, second by second."""

import time
import wave
from typing import Literal

from pydantic import Field

from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.request import Report, Request, Result
from studio.steps import Desk, Run, step
from studio.workflow import Need, Workflow

HELD = ".held"  # of a file beside the data folder: while it is there, no second is done


class QuieterRequest(Request):
    """Makes a sound quieter."""

    sound: Artefact | None = Field(
        default=None, json_schema_extra={"file": ["audio"], "group": "Content"}
    )
    """The sound to make quieter"""
    note: str = Field(default="", max_length=40, json_schema_extra={"group": "Content"})
    """What to write into the report"""
    by_db: float = Field(default=6.0, ge=0, le=40, json_schema_extra={"group": "Look"})
    """How much quieter"""
    shape: Literal["flat", "fading", "rising", "wild"] = Field(
        default="flat", json_schema_extra={"group": "Look", "advanced": True}
    )
    """How the quiet is spread"""
    pause_s: float = Field(default=0.0, ge=0, le=60, json_schema_extra={"group": "Look"})
    """How long to think about each second"""
    target_language: str = Field(
        default="es", json_schema_extra={"language_of": "target", "advanced": True}
    )
    """The language of the note"""
    parts: tuple[Artefact, ...] = Field(
        default=(), json_schema_extra={"file": ["audio"], "advanced": True}
    )
    """More sounds, for nothing"""
    hidden: str = Field(default="kept", json_schema_extra={"hidden": True})


class QuieterReport(Report):
    """What was done."""

    seconds: int = 0


class QuieterResult(Result):
    """The files."""

    audio: Artefact
    report_text: Artefact
    report: QuieterReport


@step("Count the seconds")
def count(desk: Desk, sound: Artefact) -> int:
    try:
        with wave.open(str(desk.path(sound)), "rb") as file:
            return max(1, file.getnframes() // file.getframerate())
    except (wave.Error, EOFError) as error:
        raise BadInput(f"{sound.name!r} is no WAV file", remedy="Give a WAV file.") from error


@step("Turn a second down")
def turn_down(desk: Desk, second: int, sound: Artefact, by_db: float, pause_s: float) -> Artefact:
    data = desk.scratch.parents[1]
    while data.with_suffix(HELD).exists():
        time.sleep(0.02)
        desk.progress(0, 10)
    for done in range(10):
        time.sleep(pause_s / 10)
        desk.progress(done + 1, 10)
    with wave.open(str(desk.path(sound)), "rb") as file:
        rate = file.getframerate()
        file.setpos(min(second * rate, file.getnframes()))
        samples = memoryview(file.readframes(rate)).cast("h")
    path, gain = desk.scratch / "second.raw", 10 ** (-by_db / 20)
    path.write_bytes(
        b"".join(int(each * gain).to_bytes(2, "little", signed=True) for each in samples)
    )
    return desk.keep(path, "application/octet-stream", f"{second}.raw")


@step("Join the seconds")
def join(desk: Desk, seconds: tuple[Artefact, ...], sound: Artefact) -> Artefact:
    path = desk.scratch / "quieter.wav"
    with wave.open(str(desk.path(sound)), "rb") as source, wave.open(str(path), "wb") as out:
        out.setparams(source.getparams())
        for each in seconds:
            out.writeframes(desk.path(each).read_bytes())
    return desk.keep(path, "audio/wav", f"quieter {sound.name}")


@step("Write the report")
def write(desk: Desk, seconds: int, note: str) -> Artefact:
    path = desk.scratch / "report.md"
    path.write_text(f"# Quieter\n\n{seconds} seconds. {note}\n", encoding="utf-8")
    return desk.keep(path, "text/markdown", "report.md")


def quieter(request: QuieterRequest, run: Run) -> QuieterResult:
    assert request.sound is not None
    seconds = run.step(count, request.sound)
    parts = run.map(turn_down, range(seconds), request.sound, request.by_db, request.pause_s)
    sound = run.step(join, parts, request.sound)
    text = run.step(write, seconds, request.note)
    warnings = (f"Your note: {request.note}",) if request.note else ()
    report = QuieterReport(seconds=seconds, warnings=warnings)
    return QuieterResult(audio=sound, report_text=text, report=report)


def check(request: QuieterRequest) -> None:
    if request.sound is None:
        raise BadInput("there is no sound yet", remedy="Choose a file.")


WORKFLOW = Workflow(
    name="quieter",
    title="Make a sound quieter",
    request=QuieterRequest,
    result=QuieterResult,
    run=quieter,
    needs=lambda request: (Need("Writer", "en", optional=True),),
    steps=(count, turn_down, join, write),
    check=check,
)
