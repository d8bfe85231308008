"""What the doctor finds about engines: which are here, and whether a plain job can run at all."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engines import catalog
from studio.doctor import Finding
from studio.workflow import Workflow


def inspect_engines(workflows: Mapping[str, Workflow[Any]]) -> Iterator[Finding]:
    """Look at the GPU, at every engine's needs, and at what each workflow calls for."""
    yield _inspect_gpu()
    for each in sorted(catalog.entries().values(), key=lambda entry: (entry.role, entry.id)):
        lacking = each.missing()
        what = f"{each.role} {each.id}"
        if lacking:
            seen = f"without {', '.join(one.what for one in lacking)}"
            remedies = dict.fromkeys(one.remedy for one in lacking)
            yield Finding(what, "missing", seen, "; ".join(remedies))
        else:
            yield Finding(what, "ok", f"{each.title}; licence: {each.licence}")
    for name, workflow in workflows.items():
        if workflow.shown:
            yield _inspect_workflow(name, workflow)


def _inspect_workflow(name: str, workflow: Workflow[Any]) -> Finding:
    """Tell whether the job that needs least, with every setting at its default, finds its engines."""
    quality = catalog.default_quality()
    try:
        needs = workflow.needs(workflow.request())
    except ValidationError:  # a request that has no defaults for everything
        return Finding(name, "ok", "depends on what is asked")
    lacking = [
        each.why
        for each in catalog.choose(needs, quality)
        if each.engine is None and not each.need.optional
    ]
    if lacking:
        return Finding(name, "broken", "; ".join(lacking), "Install what is missing above.")
    return Finding(name, "ok", f"can run with the quality {quality!r}")


def _inspect_gpu() -> Finding:
    driver = Path("/proc/driver/nvidia/version")
    if catalog.has_cuda() or driver.exists():
        return Finding("GPU", "ok", "NVIDIA")
    return Finding("GPU", "ok", "none: the engines work on the processor")
