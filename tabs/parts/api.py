"""The API of every workflow, for scripts (gradio_client) and agents (MCP); handlers submit or read.

`/<workflow>` blocks, streams the job's progress and returns its files; the job goes on if the caller
leaves. `/submit`, `/status`, `/events`, `/cancel`, `/retry`, `/answer`, `/result`, `/jobs`, `/characters`,
`/create_character` and `/voices` never block.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict
from typing import Any, cast

import gradio as gr
from gradio.data_classes import FileData
from gradio_client import utils as client_utils

from engines import catalog
from studio.characters import Character
from studio.errors import StudioError
from studio.fields import fields_of
from studio.jobs import Job
from studio.request import Request
from studio.studio import FOLLOW_S, Studio
from studio.workflow import Workflow, choose
from tabs.parts import character_form, form
from tabs.parts.border import border, member_of, owner_of, translated, typed
from tabs.parts.given import no_upload

PRIVATE = {"owner", "request", "result", "review_value"}
FOLLOWED = 24
"""Jobs that are followed at once: each holds one of the 40 places of Gradio's queue; the page needs some."""


def declare(studio: Studio) -> None:
    """Declare every endpoint; called inside the window's `Blocks`."""
    for workflow in studio.workflows.values():
        if workflow.shown:
            _declare_workflow(studio, workflow)
    for function in (*_asking(studio), *_changing(studio), *_casting(studio)):
        gr.api(  # pyright: ignore[reportPrivateImportUsage] - public, says its documentation
            border(typed(function)), api_name=function.__name__, queue=False
        )


def job_facts(job: Job) -> dict[str, Any]:
    """Return what a caller may know of a job, as plain JSON."""
    return {name: value for name, value in asdict(job).items() if name not in PRIVATE}


def read_settings(studio: Studio, kind: Workflow[Any], settings: dict[str, Any]) -> Request:
    """Make a request of JSON in which files are uploads (Gradio's FileData) or artefacts.

    Raises:
        ValidationError: if a value is outside its limits.
        BadInput: if a file is not one that was uploaded.
    """

    def taken(value: Any) -> Any:
        if client_utils.is_file_obj_with_meta(value):
            return form.stored(studio.store, str(value["path"]))
        if isinstance(value, list):
            return [taken(each) for each in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {name: taken(each) for name, each in cast("dict[str, Any]", value).items()}
        return value

    for view in fields_of(kind.request):
        given: Any = settings.get(view.name) if view.kind == "file" else None
        for each in cast("list[Any]", given) if isinstance(given, list) else [given]:
            if isinstance(each, str):
                raise no_upload(each)
    return kind.request.model_validate({name: taken(value) for name, value in settings.items()})


def _asking(studio: Studio) -> list[Callable[..., Any]]:
    def status(job: str, request: gr.Request) -> dict[str, Any]:
        """Return how far a job is: state, step, item, seconds to go, cost, error.

        Args:
            job: its id.
            request: of the caller; given by Gradio.
        """
        return job_facts(studio.job(job, owner_of(request)))

    def events(job: str, request: gr.Request, after: int = 0) -> list[dict[str, Any]]:
        """Return what happened to a job, oldest first.

        Args:
            job: its id.
            request: of the caller; given by Gradio.
            after: number of the last event that is known already; 0: from the beginning.
        """
        return [asdict(each) for each in studio.events(job, owner_of(request), after)]

    def result(job: str, request: gr.Request) -> dict[str, Any]:
        """Return the files of a finished job and its report in numbers.

        Args:
            job: its id.
            request: of the caller; given by Gradio.
        """
        owner = owner_of(request)
        files = {
            name: FileData(path=str(path), orig_name=path.name).model_dump()
            for name, path in studio.export(job, owner).items()
        }
        return {"job": job, "files": files, "report": _report(studio, job, owner)}

    def jobs(request: gr.Request, limit: int = 100) -> list[dict[str, Any]]:
        """Return your jobs, newest first.

        Args:
            request: of the caller; given by Gradio.
            limit: how many at most.
        """
        return [job_facts(each) for each in studio.jobs(owner_of(request), limit=max(0, limit))]

    return [status, events, result, jobs]


def _changing(studio: Studio) -> list[Callable[..., Any]]:
    def submit(workflow: str, settings: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Queue a job and return it at once; ask /status and /result for the rest.

        Args:
            workflow: its name, such as "dub".
            settings: what it is asked, by field name; files as uploads. What is left out has its default.
            request: of the caller; given by Gradio.
        """
        owner = member_of(request)
        kind = choose(dict(studio.workflows), workflow)
        return job_facts(
            studio.submit(workflow, read_settings(studio, kind, settings), owner=owner)
        )

    def cancel(job: str, request: gr.Request) -> dict[str, Any]:
        """Stop a job; it ends within two seconds, and what it finished is kept.

        Args:
            job: its id.
            request: of the caller; given by Gradio.
        """
        return job_facts(studio.cancel(job, owner_of(request)))

    def retry(job: str, request: gr.Request) -> dict[str, Any]:
        """Queue a failed or cancelled job again; its finished steps are recalled.

        Args:
            job: its id.
            request: of the caller; given by Gradio.
        """
        return job_facts(studio.retry(job, owner_of(request)))

    def answer(job: str, value: str, request: gr.Request) -> dict[str, Any]:
        """Let a job go on that waits for a person to look at something.

        Args:
            job: its id.
            value: the JSON of what it showed, as you changed it; a character's name will do for it.
            request: of the caller; given by Gradio.
        """
        return job_facts(studio.answer(job, owner_of(request), value))

    return [submit, cancel, retry, answer]


def _casting(studio: Studio) -> list[Callable[..., Any]]:
    def characters(request: gr.Request) -> list[dict[str, Any]]:
        """Return your characters and the studio's own: id, name, voice, consent, what they have.

        Args:
            request: of the caller; given by Gradio.
        """
        return [_character_facts(studio, each) for each in studio.characters.of(owner_of(request))]

    def create_character(
        name: str,
        pictures: list[Any],
        recordings: list[Any],
        settings: dict[str, str],
        request: gr.Request,
    ) -> dict[str, Any]:
        """Make a character and return its facts, as /characters does.

        Args:
            name: of the character; none of yours may have it.
            pictures: of the face, as uploads; the first is the main one.
            recordings: of the voice to take on, as uploads; the first is used; may be empty.
            settings: consent ("me", "agreed" or "nobody"), given_by and about (who agreed, and whose
                face and voice they are), voice (id of a built-in one), text (what is said in the
                recording), purpose, licence. All but consent may be left out.
            request: of the caller; given by Gradio.
        """
        owner = member_of(request)
        faces, sounds = [_path(each) for each in pictures], [_path(each) for each in recordings]
        made = character_form.create(studio, name, faces, sounds, settings)
        return _character_facts(studio, studio.save_character(made, owner))

    def voices(request: gr.Request, language: str = "") -> list[dict[str, Any]]:
        """Return the built-in voices: id, title, languages, pitch_hz, engine, about.

        Args:
            request: of the caller; given by Gradio.
            language: only those that speak it, such as "en"; empty: all.
        """
        owner_of(request)
        return [asdict(each) for each in catalog.voices(language).values()]

    return [characters, create_character, voices]


def _character_facts(studio: Studio, character: Character) -> dict[str, Any]:
    """Return what a caller may know of a character of theirs, as plain JSON."""
    voice, consent = character.voice, character.consent
    return {
        "id": character.id,
        "name": character.name,
        "shipped": studio.characters.is_shipped(character),
        "consent": consent.kind if consent else "",
        "voice": voice.built_in,
        "language": voice.language,
        "pictures": len(character.looks),
        "recordings": len(voice.recordings),
        "loras": len(character.loras),
        "voice_models": len(voice.models),
    }


def _path(file: Any) -> str:
    """Return the path of an upload.

    Raises:
        BadInput: if it is none.
    """
    if not client_utils.is_file_obj_with_meta(file):
        raise no_upload(file)
    return str(file["path"])


def _report(studio: Studio, job: str, owner: str) -> dict[str, Any]:
    found: Any = json.loads(studio.job(job, owner).result).get("report")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _declare_workflow(studio: Studio, workflow: Workflow[Any]) -> None:
    """Declare `/<workflow>`: a button that nobody sees, since only such endpoints stream progress."""
    with gr.Column(visible=False):
        asked = form.build(workflow.request, prefix="-")
        button = gr.Button()
        files = gr.File(file_count="multiple", label="files")
        report = gr.JSON(label="about")

    async def run(*given: Any) -> AsyncGenerator[Any, None]:
        try:
            async for told in _stream(studio, workflow, asked, given):
                yield told
        except Exception as error:
            raise translated(error) from error

    form.signed(run, list(asked.components), progress=True)
    run.__name__ = workflow.name
    run.__doc__ = _documentation(workflow, asked)
    button.click(
        run,
        list(asked.components.values()),
        [files, report],
        api_name=workflow.name,
        concurrency_limit=FOLLOWED,
        concurrency_id="follow",
    )


async def _stream(
    studio: Studio, workflow: Workflow[Any], asked: form.Form[Any], given: Sequence[Any]
) -> AsyncGenerator[Any, None]:
    """Submit, then follow; whoever stops listening stops only this.

    It waits without a thread, so that it ends at once when its caller leaves: Gradio lets a thread
    come back first.
    """
    *values, request, progress = given
    owner = member_of(request)
    job = await asyncio.to_thread(_submit, studio, workflow, asked, values, owner)
    step: str | None = None
    while True:
        if job.step != step:  # no more often: what is given hides the progress from who polls
            step = job.step
            yield gr.skip(), {"job": job.id}
        progress(job.fraction, desc=f"{job.step or job.state} ({job.step_n}/{job.step_m})")
        if job.finished or job.state == "waiting":
            break
        await asyncio.sleep(FOLLOW_S)
        job = await asyncio.to_thread(studio.job, job.id, owner)
    yield await asyncio.to_thread(_made, studio, job, owner)


def _submit(
    studio: Studio, workflow: Workflow[Any], asked: form.Form[Any], values: list[Any], owner: str
) -> Job:
    return studio.submit(workflow.name, asked.read(studio.store, ["", *values]), owner=owner)


def _made(studio: Studio, job: Job, owner: str) -> tuple[list[str], dict[str, Any]]:
    """Return the files of a job that ended and what is told about them.

    Raises:
        StudioError: if it made none.
    """
    if job.state == "waiting":
        raise StudioError(
            f"the job {job.id} waits for you to look at the {job.review}",
            remedy="Look at it in the browser, or let it go on with /answer.",
        )
    if job.state != "done":
        raise StudioError(job.error or f"the job {job.id} is {job.state}")
    made = studio.export(job.id, owner)
    about = {"job": job.id, "artefacts": list(made), "report": _report(studio, job.id, owner)}
    return [str(path) for path in made.values()], about


def _documentation(workflow: Workflow[Any], asked: form.Form[Any]) -> str:
    """Return what the API page and MCP tell about a workflow, made from its request."""
    fields = "\n".join(
        f"    {name}: {f'{view.help} {view.limits}'.strip() or form.label(view)}"
        for name, view in asked.views.items()
    )
    return f"{workflow.about}\n\nArgs:\n{fields}"
