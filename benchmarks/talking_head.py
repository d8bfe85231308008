"""The talking head, measured: `python -m benchmarks.talking_head [FORMAT ...]`.

For each format (`square` is 512 × 512, `tiktok` 1080 × 1920) a script of about ten seconds is spoken
by the sample portrait, in a process of its own: seconds of the clock and of the processor per second
of film, by step, the largest memory, and what one changed sentence costs after it.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from app import open_studio
from studio.errors import StudioError
from studio.jobs import Job
from studio.settings import Settings
from studio.studio import Studio
from workflows.talking_head.request import TalkingHeadRequest, TalkingHeadResult
from workflows.talking_head.sheet import SentenceEdit, Sheet

AVATAR = Path(__file__).parents[1] / "assets" / "portrait.jpg"
SCRIPT = (
    "Good morning, everybody, and welcome back. Today we look at how a picture learns to speak. "
    "It needs a voice, a clock of the sounds, and a little patience. That is all there is to it."
)
STEP = re.compile(r"^(.*): ([\d.]+) s$")


@dataclass(frozen=True, slots=True)
class Found:
    """One format; seconds are of the clock unless they say otherwise."""

    format: str
    film_s: float
    whole_s: float
    whole_cpu_s: float
    steps_s: dict[str, float]
    peak_bytes: int
    one_sentence_s: float


def measure(format_id: str, folder: Path) -> Found:
    """Make the film, then change its last sentence."""
    studio = open_studio(Settings(data_dir=folder))
    avatar = studio.store.take_in(AVATAR, "image/jpeg")
    request = TalkingHeadRequest(script=SCRIPT, avatar=avatar, format=format_id)
    began_cpu_s = processor_s()
    job, whole_s = timed(studio, request)
    cpu_s = processor_s() - began_cpu_s
    result = studio.result(job.id)
    if not isinstance(result, TalkingHeadResult) or result.sentences is None:
        raise StudioError("the film has no table of sentences")
    sheet = Sheet.model_validate_json(studio.store.path(result.sentences).read_text())
    last = sheet.sentences[-1]
    edit = SentenceEdit(number=last.number, text="That is all that is to it.", slot_s=last.slot_s)
    _, one_s = timed(studio, request.model_copy(update={"edits": (edit,)}))
    told = [STEP.match(each.text) for each in studio.events(job.id)]
    return Found(
        format_id,
        result.report.duration_s,
        whole_s,
        cpu_s,
        {each[1]: float(each[2]) for each in told if each},
        1024 * max(resource.getrusage(who).ru_maxrss for who in WHO),
        one_s,
    )


WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def processor_s() -> float:
    """Return what this process and its finished children took of the processor."""
    used = [resource.getrusage(who) for who in WHO]
    return sum(each.ru_utime + each.ru_stime for each in used)


def timed(studio: Studio, request: TalkingHeadRequest) -> tuple[Job, float]:
    """Run a job here, and return it with its seconds."""
    began_s = time.monotonic()
    job = studio.run_here(studio.submit("talking-head", request).id, lambda _: None)
    if job.state != "done":
        raise StudioError(job.error)
    return job, time.monotonic() - began_s


def told(found: Found) -> str:
    """Return one format as Markdown."""
    film_s = found.film_s
    slowest = sorted(found.steps_s.items(), key=lambda each: -each[1])[:5]
    steps = ", ".join(f"{name} {seconds / film_s:.2f}" for name, seconds in slowest)
    return (
        f"| {found.format} | {film_s:.1f} | {found.whole_s / film_s:.2f} |"
        f" {found.whole_cpu_s / film_s:.2f} | {found.peak_bytes / 1e6:.0f} |"
        f" {found.one_sentence_s:.1f} | {steps} |"
    )


def main() -> None:
    """Measure each format in a process of its own: memory counts from its beginning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=["square", "tiktok"])
    parser.add_argument("--here", action="store_true", help="one format, as JSON")
    asked = parser.parse_args()
    if asked.here:
        with tempfile.TemporaryDirectory() as folder:
            sys.stdout.write(json.dumps(asdict(measure(asked.formats[0], Path(folder)))))
        return
    head = (
        "| format | film, s | s per s | processor s per s | memory, MB | one sentence, s | steps |"
    )
    sys.stdout.write(f"{head}\n|---|---|---|---|---|---|---|\n")
    for each in asked.formats:
        command = [sys.executable, "-m", "benchmarks.talking_head", each, "--here"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        sys.stdout.write(told(Found(**json.loads(done.stdout.splitlines()[-1]))) + "\n")


if __name__ == "__main__":
    main()
