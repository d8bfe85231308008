"""The whole dub, measured: `python -m benchmarks.dub [--json] [--minutes 3]`.

* how long the shipped sample takes, step by step;
* what one changed line costs against the whole dub of a clip of some minutes (the sample, repeated);
* how many words of an English dub the recogniser of the studio hears right (the sample, told that it
  speaks Spanish and given its own English subtitles as the translation), against how many it hears
  right in the source.
"""

import argparse
import json
import os
import re
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from app import open_studio
from benchmarks.scores import word_error_rate
from media.probe import probe
from media.subtitles import read_subtitles
from media.tools import run_ffmpeg
from studio.errors import StudioError
from studio.jobs import Job
from studio.settings import Settings
from studio.studio import Studio
from workflows.dub.model import Edits, LineEdit
from workflows.dub.request import DubRequest, DubResult
from workflows.dub.sheet import Sheet

ASSETS = Path(__file__).parents[1] / "assets"
SAMPLE, SAID = ASSETS / "sample.mp4", ASSETS / "sample.en.srt"
STEP = re.compile(r"^(.*): ([\d.]+) s$")


@dataclass(frozen=True, slots=True)
class Found:
    """All that is measured; seconds of the clock."""

    sample_s: float  # length of the sample
    dub_s: float
    steps_s: dict[str, float]
    clip_s: float  # length of the longer clip
    whole_s: float
    one_line_s: float
    whole_cpu_s: float  # of this process and its children
    one_line_cpu_s: float
    load: float  # of the machine over the last minute, at the end
    source_wer: float
    dub_wer: float

    @property
    def edit_ratio(self) -> float:
        """How much less one line costs than the whole, in processor seconds."""
        return self.whole_cpu_s / self.one_line_cpu_s


def measure(folder: Path, minutes: float) -> Found:
    """Dub, change, and listen again, in a data folder of its own."""
    studio = open_studio(Settings(data_dir=folder / "data"))
    sample = studio.store.take_in(SAMPLE, "video/mp4")
    first, dub_s = timed(studio, DubRequest(video=sample, source_language="en"))
    clip = studio.store.take_in(repeated(folder, minutes * 60), "video/mp4")
    request = DubRequest(video=clip, source_language="en")
    began_cpu_s = processor_s()
    whole, whole_s = timed(studio, request)
    whole_cpu_s = processor_s() - began_cpu_s
    line = sheet(studio, whole).lines[3]
    edits = Edits(lines=(LineEdit(id=line.id, translation="Esta línea es del todo nueva."),))
    began_cpu_s = processor_s()
    one_line_s = timed(studio, request.model_copy(update={"edits": edits}))[1]
    one_line_cpu_s = processor_s() - began_cpu_s
    return Found(
        sample_s=probe(SAMPLE).duration_s,
        dub_s=dub_s,
        steps_s=steps(studio, first),
        clip_s=minutes * 60,
        whole_s=whole_s,
        one_line_s=one_line_s,
        whole_cpu_s=whole_cpu_s,
        one_line_cpu_s=one_line_cpu_s,
        load=os.getloadavg()[0],
        source_wer=error_rate(studio, first),
        dub_wer=heard_again(studio, folder),
    )


def heard_again(studio: Studio, folder: Path) -> float:
    """Make an English dub with known words, let it be heard, and return its word error rate."""
    sample = studio.store.take_in(SAMPLE, "video/mp4")
    said = studio.store.take_in(SAID, "application/x-subrip")
    english = DubRequest(
        video=sample,
        source_language="es",
        target_language="en",
        subtitles=said,
        translated_subtitles=said,
        keep_original_audio=False,
    )
    job, _ = timed(studio, english)
    film = studio.export(job.id)["video"]
    again = studio.store.take_in(film, "video/mp4", folder.name)
    heard, _ = timed(studio, DubRequest(video=again, source_language="en"))
    return error_rate(studio, heard)


def error_rate(studio: Studio, job: Job) -> float:
    """Return the word error rate of what was heard, against the sample's subtitles."""
    truth = " ".join(cue.text for cue in read_subtitles(SAID))
    heard = " ".join(line.text for line in sheet(studio, job).lines)
    return word_error_rate(truth, heard)


def timed(studio: Studio, request: DubRequest) -> tuple[Job, float]:
    """Run a job here; return it and how long it took."""
    job = studio.submit("dub", request)
    began = time.monotonic()
    done = studio.run_here(job.id, lambda _: None)
    if done.state != "done":
        raise StudioError(f"the benchmark's dub is {done.state}: {done.error}")
    return done, time.monotonic() - began


def processor_s() -> float:
    """Return the processor seconds of this process and its children so far."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def steps(studio: Studio, job: Job) -> dict[str, float]:
    """Return the seconds of every step, as the job's events tell them."""
    found = (STEP.match(each.text) for each in studio.events(job.id))
    return {match[1]: float(match[2]) for match in found if match}


def sheet(studio: Studio, job: Job) -> Sheet:
    """Return the lines of a finished dub."""
    result = studio.result(job.id)
    if not isinstance(result, DubResult):
        raise TypeError(f"{job.id} is no dub")
    text = studio.store.path(result.transcript).read_text(encoding="utf-8")
    return Sheet.model_validate_json(text)


def repeated(folder: Path, length_s: float) -> Path:
    """Write the sample again and again up to that length, copied."""
    out = folder / "longer.mp4"
    source = ["-stream_loop", "-1", "-f", "mov", "-i", f"file:{SAMPLE}"]
    copy = ["-t", str(length_s), "-c", "copy", "-f", "mp4", f"file:{out}"]
    run_ffmpeg([*source, *copy], check=lambda: None)
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--minutes", type=float, default=3.0, help="length of the longer clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), options.minutes)
    if options.json:
        print(json.dumps({**asdict(found), "edit_ratio": found.edit_ratio}))
        return
    print(f"sample of {found.sample_s:.1f} s: dubbed in {found.dub_s:.1f} s")
    for title, seconds in found.steps_s.items():
        print(f"  {seconds:6.1f} s  {title}")
    print(f"clip of {found.clip_s:.0f} s: {found.whole_s:.1f} s; one changed line:")
    print(f"  {found.one_line_s:.1f} s")
    print(f"processor seconds: {found.whole_cpu_s:.1f} and {found.one_line_cpu_s:.1f}, ", end="")
    print(f"{found.edit_ratio:.0f} times less (load {found.load:.1f})")
    print(f"word error rate: source {found.source_wer:.2f}, dub heard again {found.dub_wer:.2f}")


if __name__ == "__main__":
    main()
