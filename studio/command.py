"""The command line: serves the studio, or runs a job without a browser.

Exit codes: 0 done, 2 bad input, 130 interrupted (the job can be resumed), 1 anything else.
What a person reads goes to standard error; the last line of standard output is one JSON object.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from studio import character_command
from studio.artefacts import storage_errors
from studio.console import Console, clock, printable
from studio.deliver import hand_out, make_folder, take_in
from studio.doctor import Finding, inspect_port, write_findings
from studio.errors import BadInput, BadPreset, StudioError
from studio.flags import (
    Offered,
    Parser,
    add_fields,
    nothing_offered,
    read_arguments,
    read_fields,
)
from studio.jobs import Job
from studio.logs import to_file
from studio.settings import Settings, load_settings
from studio.studio import Studio
from studio.weights import Holding, amount, lacking, write_holdings, write_summary
from studio.workflow import Workflow

PROGRAM = "./run.sh"
WEIGHTS = "List what engines load, and fetch what is missing of it"
DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
SERVING = ("data_dir", "host", "port")  # settings that are flags too
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# What a Space, or whoever starts a Gradio app, says in its own words.
ADOPTED = {
    "GRADIO_SERVER_NAME": "UNDERSTUDY_HOST",
    "GRADIO_SERVER_PORT": "UNDERSTUDY_PORT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the front door knows of the rooms above this one."""

    workflows: Callable[[], Mapping[str, Workflow[Any]]]
    open_studio: Callable[[Settings], Studio]
    serve: Callable[[Settings], None]  # until it is stopped
    inspect: Callable[[Settings], Iterable[Finding]]  # for the doctor
    weights: Callable[[str, str, Sequence[str], Mapping[str, str]], Sequence[Holding]]
    """Of a workflow, a quality, engines, and the languages "source" and "target"; each may be empty"""
    offered: Offered = nothing_offered


def main(arguments: Sequence[str], house: House) -> int:
    """Do what the arguments say; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        return _dispatch(arguments, house)
    except StudioError as error:
        _complain(error.sentence)
        return BAD_INPUT if isinstance(error, BadInput | BadPreset) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _dispatch(arguments: Sequence[str], house: House) -> int:
    workflows = house.workflows()
    asks_help = not {"-h", "--help"}.isdisjoint(arguments)  # looking what there is takes a moment
    parser = make_parser(workflows, house.offered if asks_help else nothing_offered)
    given = read_arguments(arguments, parser)
    settings, command = _settings(given), given["command"]
    if command == "serve":
        _check_address(settings)
        _complain(f"The studio starts at {_address(settings)} (Ctrl-C stops it).")
        house.serve(settings)
        return DONE
    if command == "doctor":
        return FAILED if write_findings(house.inspect(settings), sys.stdout) else DONE
    if command == "weights":
        return _weights(house, settings, given)
    studio = house.open_studio(settings)
    to_file(settings.logs, screen=False)
    if command in MANAGING:
        MANAGING[command](studio, given, sys.stdout)
        return DONE
    signal.signal(signal.SIGTERM, _interrupt)  # so that a job that runs here ends in good order
    resumed = command == "resume"
    job = _take_up(studio, given) if resumed else _submit(studio, workflows[command], given)
    return _follow(studio, job, given)


def _settings(given: Mapping[str, Any]) -> Settings:
    for theirs, ours in ADOPTED.items():
        if theirs in os.environ:
            os.environ.setdefault(ours, os.environ[theirs])
    if os.environ.get("SPACE_ID") and os.environ.get("OAUTH_CLIENT_ID"):
        os.environ.setdefault("UNDERSTUDY_HF_OAUTH", "true")
    for name in SERVING:
        if name in given:
            os.environ[f"UNDERSTUDY_{name.upper()}"] = str(given[name])
    settings = load_settings()
    if settings.presets_dir:  # it may come from .env, where the catalog does not look
        os.environ["UNDERSTUDY_PRESETS_DIR"] = settings.presets_dir
    if settings.offline:  # so that no library asks either
        os.environ["HF_HUB_OFFLINE"] = os.environ["UNDERSTUDY_OFFLINE"] = "1"
    return settings


def _check_address(settings: Settings) -> None:
    """Refuse to serve strangers without a login, and to listen where somebody else does.

    Raises:
        BadInput: with what to set instead.
    """
    login = settings.hf_oauth or settings.auth.get_secret_value() or os.environ.get("SPACE_ID")
    if settings.host not in LOOPBACK and not login:
        raise BadInput(
            f"whoever reaches {settings.host} could use the studio without a login",
            remedy="Set UNDERSTUDY_AUTH=name:password, or leave UNDERSTUDY_HOST at 127.0.0.1.",
        )
    found = inspect_port(settings)
    if settings.port and found.state != "ok":
        raise BadInput(f"the studio cannot listen: {found.seen}", remedy=f"Try {found.remedy}.")


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}{f':{settings.port}' if settings.port else ', on a free port'}"


def make_parser(
    workflows: Mapping[str, Workflow[Any]], offered: Offered = nothing_offered
) -> Parser:
    """Return the parser of all commands: every workflow is one.

    Args:
        workflows: by name.
        offered: what the help names to choose from in a field.
    """
    common = Parser(add_help=False)
    common.add_argument(
        "--data-dir",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="where the studio keeps everything (setting UNDERSTUDY_DATA_DIR)",
    )
    serving = Parser(add_help=False, parents=[common])
    serving.add_argument("--host", default=argparse.SUPPRESS, help="address to listen on")
    serving.add_argument("--port", default=argparse.SUPPRESS, help="port to listen on")
    parser = Parser(
        prog=PROGRAM,
        description="Understudy: dub videos, let portraits speak. Without a command it serves the studio.",
        parents=[serving],
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    parser.set_defaults(command="serve")
    for name, workflow in workflows.items():
        if not workflow.shown:
            continue
        one = commands.add_parser(
            name, parents=[common], help=workflow.about, description=workflow.about
        )
        _add_output(one)
        add_fields(one, workflow.request, offered)
    commands.add_parser("serve", parents=[serving], help="Serve the studio to a browser")
    resume = commands.add_parser(
        "resume", parents=[common], help="Go on with a job that was stopped, failed or waits"
    )
    resume.add_argument("job", metavar="JOB")
    resume.add_argument(
        "--answer",
        metavar="FILE",
        help="the JSON file that the waiting job wrote, as you edited it",
    )
    _add_output(resume)
    jobs = commands.add_parser("jobs", parents=[common], help="List jobs, newest first")
    jobs.add_argument("--limit", type=int, default=20, metavar="N", help="(default: 20)")
    cancel = commands.add_parser("cancel", parents=[common], help="Stop a job")
    cancel.add_argument("job", metavar="JOB")
    character_command.add_parser(commands, common)
    _add_weights(
        commands.add_parser("weights", parents=[common], help=WEIGHTS, description=WEIGHTS)
    )
    commands.add_parser(
        "doctor", parents=[common], help="Tell what is installed, what is missing and how to get it"
    )
    return parser


def _add_weights(parser: argparse.ArgumentParser) -> None:
    asked = "what suits this machine"
    parser.add_argument("--quality", default="", help=f"a quality preset (default: {asked})")
    parser.add_argument("--workflow", default="", help="only what this one needs (default: all)")
    only = "only what this language needs, such as"
    parser.add_argument("--from", dest="source", default="", metavar="LANG", help=f"{only} en")
    parser.add_argument("--to", dest="target", default="", metavar="LANG", help=f"{only} es")
    parser.add_argument(
        "--engine", action="append", default=[], metavar="ID", help="this engine; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="only list them, fetch nothing")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask before fetching")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", "-o", metavar="DIR", help="folder for the results (default: out/JOB)"
    )


def _submit(studio: Studio, workflow: Workflow[Any], given: Mapping[str, Any]) -> Job:
    if given["output"]:
        make_folder(Path(given["output"]))
    store = partial(take_in, studio.store, max_mb=studio.settings.max_upload_mb)
    request = read_fields(given, workflow.request, store)
    return studio.submit(workflow.name, request)


def _take_up(studio: Studio, given: Mapping[str, Any]) -> Job:
    """Make a job go on that was stopped, failed or waits; one that is done stays done."""
    job = studio.job(given["job"])
    if given["answer"]:
        try:
            answer = Path(given["answer"]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BadInput(f"{given['answer']!r} cannot be read: {error}") from error
        return studio.answer(job.id, "", answer)
    if job.state == "waiting":
        raise BadInput(
            f"the job waits for you to look at the {job.review}",
            remedy="Answer in the browser, or give --answer FILE.",
        )
    return studio.retry(job.id)


def _weights(house: House, settings: Settings, given: Mapping[str, Any]) -> int:
    """List weights, and fetch what is missing after it was said how much that is."""
    languages = {name: given[name] for name in ("source", "target") if given[name]}

    def look() -> Sequence[Holding]:
        return house.weights(given["workflow"], given["quality"], given["engine"], languages)

    holdings = look()
    write_holdings(holdings, sys.stdout)
    absent = lacking(holdings)
    if given["list"] or not absent:
        write_summary(holdings, "", "listed" if given["list"] else "done")
        return DONE
    _complain(f"To fetch: {amount(absent)}, for {', '.join(each.engine for each in absent)}.")
    if not (given["yes"] or _agreed()):
        write_summary(holdings, "", "cancelled")
        return FAILED
    studio = house.open_studio(settings)
    to_file(settings.logs, screen=False)
    signal.signal(signal.SIGTERM, _interrupt)
    wanted = house.workflows()["weights"].request(engines=[each.engine for each in absent])
    job, interrupted = _see_through(studio, studio.submit("weights", wanted))
    if not interrupted and job.state == "done":
        _complain(f"Done in {clock(job.elapsed_s)}.")
    elif not interrupted:
        _complain(f"{job.error or f'The job was {job.state}.'} What was fetched is kept.")
    write_summary(look(), job.id, job.state)
    return INTERRUPTED if interrupted else DONE if job.state == "done" else FAILED


def _agreed() -> bool:
    """Ask whoever sits at a terminal; where nobody does, the command itself is the answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write("Fetch it? [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def _see_through(studio: Studio, job: Job) -> tuple[Job, bool]:
    """Show a job until it ends; tell whether Ctrl-C ended it."""
    console = Console(sys.stderr)
    console.say(f"Job {job.id}: {job.title}")
    try:
        return studio.run_here(job.id, console.show), False
    except KeyboardInterrupt:
        job = studio.job(job.id)
        console.close()
        stopped = "Stopped" if job.finished else "The job goes on in the studio that is running"
        _complain(f"{stopped}. To go on with it here: {PROGRAM} resume {job.id}")
        return job, True
    finally:
        console.close()


def _follow(studio: Studio, job: Job, given: Mapping[str, Any]) -> int:
    job, interrupted = _see_through(studio, job)
    if interrupted:
        _answer(job, {}, {})
        return INTERRUPTED
    folder = Path(given["output"] or Path("out") / job.id)
    if job.state == "done":
        return _deliver(studio, job, folder)
    if job.state == "waiting":
        return _ask(job, folder)
    sentence = job.error or f"The job was {job.state}."
    _complain(sentence if job.error_kind else f"{sentence} To try again: {PROGRAM} resume {job.id}")
    _answer(job, {}, {})
    return BAD_INPUT if job.error_kind == "input" else FAILED


def _deliver(studio: Studio, job: Job, folder: Path) -> int:
    make_folder(folder)
    placed = hand_out(studio.export(job.id), folder)
    report = getattr(studio.result(job.id), "report", None)
    numbers: dict[str, Any] = {} if report is None else report.model_dump(mode="json")
    for warning in numbers.get("warnings", ()):
        _complain(f"Note: {warning}")
    expected_s = job.account.expected_s
    before = "" if expected_s is None else f" ({clock(expected_s)} were expected)"
    _complain(f"Done in {clock(job.elapsed_s)}{before}:")
    for path in placed.values():
        _complain(f"  {path}")
    _answer(job, placed, numbers)
    return DONE


def _ask(job: Job, folder: Path) -> int:
    """Write what a person is asked to look at, and how to go on."""
    make_folder(folder)
    shown = folder / f"{job.id}-{job.review}.json"
    with storage_errors(folder):
        shown.write_text(json.dumps(json.loads(job.review_value), indent=2, ensure_ascii=False))
    _complain(
        f"The job waits for you to look at the {job.review}. Edit {shown}, then: "
        f"{PROGRAM} resume {job.id} --answer {shown}"
    )
    _answer(job, {job.review: shown}, {})
    return FAILED


def _answer(job: Job, placed: Mapping[str, Path], report: Mapping[str, Any]) -> None:
    """Write the last line: one JSON object, plain ASCII so that every terminal can."""
    paths = {field: str(path) for field, path in placed.items()}
    said = {"job": job.id, "state": job.state, "artefacts": paths, "report": report}
    said["account"] = asdict(job.account)
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _cancel(studio: Studio, given: Mapping[str, Any], out: TextIO) -> None:
    job = studio.cancel(given["job"])
    out.write(f"{job.id} {job.state}\n")


def _write_jobs(studio: Studio, given: Mapping[str, Any], out: TextIO) -> None:
    jobs = studio.jobs(limit=given["limit"])
    if not jobs:
        sys.stderr.write("There are no jobs yet.\n")
    for job in jobs:
        made = datetime.fromtimestamp(job.created_s).astimezone().strftime("%Y-%m-%d %H:%M")
        about = job.error if job.state == "failed" else job.title
        out.write(f"{job.id:<24} {job.state:<10} {job.fraction:4.0%}  {made}  {printable(about)}\n")


def _complain(sentence: str) -> None:
    sys.stderr.write(f"{printable(sentence)}\n")
    sys.stderr.flush()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


MANAGING: Mapping[str, Callable[[Studio, Mapping[str, Any], TextIO], None]] = {
    "jobs": _write_jobs,
    "cancel": _cancel,
    "characters": character_command.work,
}
"""Commands that neither serve nor run a job."""
