"""A studio for the dub's tests, and what they dub."""

from pathlib import Path

from app import open_studio
from media.tools import run_ffmpeg
from studio.jobs import Job
from studio.settings import Settings
from studio.studio import Studio
from workflows.dub.request import DubRequest, DubResult
from workflows.dub.sheet import Sheet

ASSETS = Path(__file__).parents[2] / "assets"
SAMPLE = ASSETS / "sample.mp4"
SAID = ASSETS / "sample.en.srt"


def opening(folder: Path, seconds: float) -> Path:
    """Return the first seconds of the sample as a film in that folder."""
    film = folder / "opening.mp4"
    run_ffmpeg(["-i", str(SAMPLE), "-t", f"{seconds}", "-c", "copy", str(film)])
    return film


def beginning(folder: Path) -> tuple[Path, Path]:
    """Return the first three lines of the sample, as a film and as subtitles, in that folder."""
    said = folder / "beginning.srt"
    said.write_text("\n\n".join(SAID.read_text(encoding="utf-8").split("\n\n")[:3]))
    return opening(folder, 11.2), said


def make(folder: Path) -> Studio:
    """Return a studio of that data folder; it does not give a job up that is killed often."""
    return open_studio(Settings(data_dir=folder, crash_limit=1000))


def ask(studio: Studio, **fields: object) -> DubRequest:
    """Return a request; paths among the fields are taken in."""
    taken = {
        name: studio.store.take_in(value, "application/octet-stream")
        if isinstance(value, Path)
        else value
        for name, value in fields.items()
    }
    return DubRequest.model_validate(taken)


def run(studio: Studio, request: DubRequest, parent: str = "") -> Job:
    """Dub, here and now."""
    job = studio.submit("dub", request, parent=parent)
    return studio.run_here(job.id, lambda _: None)


def result(studio: Studio, job: Job) -> DubResult:
    """Return what a job made; fails, with its error, where it made nothing."""
    assert job.state == "done", job.error
    found = studio.result(job.id)
    assert isinstance(found, DubResult)
    return found


def sheet(studio: Studio, job: Job) -> Sheet:
    """Return the line table of a job."""
    path = studio.store.path(result(studio, job).transcript)
    return Sheet.model_validate_json(path.read_text(encoding="utf-8"))
