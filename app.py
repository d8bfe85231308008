"""The front door: `python app.py` serves the studio, `python app.py dub …` runs a job."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.processors import threads_here

# Numeric libraries ask for it once, when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", str(threads_here()))

import workflows
from engines import catalog, fetching, own_files
from engines.copies import any_copies
from engines.doctor import inspect_engines
from engines.offers import offered
from engines.residency.here import manager_here
from engines.weights import is_offline, own_folders
from media.doctor import inspect_ffmpeg
from studio.command import House, main
from studio.doctor import Finding, inspect_machine
from studio.settings import Settings
from studio.startup import keeping_everything
from studio.studio import Studio
from studio.weights import Holding
from studio.workflow import Workflow, discover


def known() -> Mapping[str, Workflow[Any]]:
    """Return every workflow, by name, and the job that fetches weights."""
    return {**discover(workflows), fetching.WORKFLOW.name: fetching.WORKFLOW}


def open_studio(settings: Settings) -> Studio:
    """Return the studio of that data folder; it works on nothing yet."""
    lender = manager_here(settings)
    return Studio(
        settings,
        known(),
        lender,
        catalog.engines_for,
        uses_gpu=catalog.any_on_gpu,
        copies=any_copies,
    )


def serve(settings: Settings) -> None:
    """Serve the studio until it is stopped; what the set-up did not fetch comes meanwhile."""
    with keeping_everything():
        from tabs import shell  # noqa: PLC0415 - Gradio takes seconds, and no command needs it

        studio = open_studio(settings)
    if not is_offline():
        own_files.fetch_behind(own_folders())
    shell.serve(studio)


def inspect(settings: Settings) -> Iterator[Finding]:
    """Look at the machine, at ffmpeg and at the engines."""
    yield from inspect_machine(settings, Path(__file__).parent)
    yield inspect_ffmpeg()
    yield from inspect_engines(known())


def holdings(
    workflow: str, quality: str, engines: Sequence[str], languages: Mapping[str, str]
) -> Sequence[Holding]:
    """Look at the weights of those engines."""
    return fetching.holdings(known(), workflow, quality, engines, languages)


if __name__ == "__main__":
    house = House(
        workflows=known,
        open_studio=open_studio,
        serve=serve,
        inspect=inspect,
        weights=holdings,
        offered=offered,
    )
    sys.exit(main(sys.argv[1:], house))
