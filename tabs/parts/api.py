"""The API of every workflow, for scripts (gradio_client) and agents (MCP); handlers submit or read.

`/<workflow>` blocks, streams the job's progress and returns its files; the job goes on if the caller
leaves. `/submit`, `/status`, `/events`, `/cancel`, `/result` and `/jobs` never block.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from studio.errors import StudioError
from studio.jobs import Job
from studio.studio import Studio
from studio.workflow import Workflow, choose
from tabs.parts import form
from tabs.parts.border import border, owner_of

PRIVATE = {"owner", "request", "result", "review_value"}


def declare(studio: Studio) -> None:
    """Declare every endpoint; called inside the window's `Blocks`."""
    for workflow in studio.workflows.values():
        _declare_workflow(studio, workflow)
    for function in _functions(studio):
        gr.api(  # pyright: ignore[reportPrivateImportUsage] - public, says its documentation
            function, api_name=function.__name__, queue=False
        )


def job_facts(job: Job) -> dict[str, Any]:
    """Return what a caller may know of a job, as plain JSON."""
    return {name: value for name, value in asdict(job).items() if name not in PRIVATE}


def _functions(studio: Studio) -> list[Callable[..., Any]]:
    @border
    def submit(workflow: str, request_json: str, request: gr.Request) -> dict[str, Any]:
        """Queue a job and return it at once.

        Args:
            workflow: its name, such as "dub".
            request_json: the request as JSON, as a library entry's recipe shows it.
            request: of the caller; given by Gradio.
        """
        kind = _known(studio, workflow)
        asked = kind.request.model_validate_json(request_json)
        return job_facts(studio.submit(workflow, asked, owner=owner_of(request)))

    @border
    def status(job: str, request: gr.Request) -> dict[str, Any]:
        """Return how far a job is: state, step, item, seconds to go, cost, error."""
        return job_facts(studio.job(job, owner_of(request)))

    @border
    def events(job: str, after: int, request: gr.Request) -> list[dict[str, Any]]:
        """Return what happened to a job after the event number `after` (0: from the beginning)."""
        return [asdict(each) for each in studio.events(job, owner_of(request), after)]

    @border
    def cancel(job: str, request: gr.Request) -> dict[str, Any]:
        """Stop a job; it ends within two seconds, and what it finished is kept."""
        return job_facts(studio.cancel(job, owner_of(request)))

    @border
    def result(job: str, request: gr.Request) -> dict[str, Any]:
        """Return the files of a finished job and its report."""
        return _result(studio, job, owner_of(request))

    @border
    def jobs(limit: int, request: gr.Request) -> list[dict[str, Any]]:
        """Return your jobs, newest first."""
        return [job_facts(each) for each in studio.jobs(owner_of(request), limit=limit)]

    return [submit, status, events, cancel, result, jobs]


def _known(studio: Studio, name: str) -> Workflow[Any]:
    return choose(dict(studio.workflows), name)


def _result(studio: Studio, job: str, owner: str) -> dict[str, Any]:
    files = {
        name: FileData(path=str(path), orig_name=path.name).model_dump()
        for name, path in studio.export(job, owner).items()
    }
    report = json.loads(studio.job(job, owner).result).get("report", {})
    return {"job": job, "files": files, "report": report}


def _declare_workflow(studio: Studio, workflow: Workflow[Any]) -> None:
    """Declare `/<workflow>`: a button that nobody sees, since only such endpoints stream progress."""
    with gr.Column(visible=False):
        asked = form.build(workflow.request, prefix="-")
        button = gr.Button()
        files, report = gr.File(file_count="multiple"), gr.JSON()

    @border
    def run(*given: Any) -> tuple[list[str], Any]:
        *values, request, progress = given
        owner = owner_of(request)
        job = studio.submit(workflow.name, asked.read(studio.store, ["", *values]), owner=owner)
        for now in studio.follow(job.id, owner):
            progress(now.fraction, desc=f"{now.step or now.state} ({now.step_n}/{now.step_m})")
            job = now
        if job.state != "done":
            raise StudioError(job.error or f"the job {job.id} is {job.state}")
        done = _result(studio, job.id, owner)
        return [str(path) for path in studio.export(job.id, owner).values()], done

    form.signed(run, list(asked.components), progress=True)
    run.__name__ = workflow.name
    run.__doc__ = f"{workflow.title}: {inspect.getdoc(workflow.request) or ''}"
    button.click(
        run,
        list(asked.components.values()),
        [files, report],
        api_name=workflow.name,
        concurrency_limit=None,
    )
