"""What one changed line costs, against the whole dub: `python -m benchmarks.edit [--json]`.

A clip of three minutes (the sample, repeated) is dubbed once; then one line's translation is changed
and the dub is made again. The ratio of both times is what the line table promises.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from app import open_studio
from media.tools import run_ffmpeg
from studio.settings import Settings
from workflows.dub.model import Edits, LineEdit
from workflows.dub.request import DubRequest, DubResult
from workflows.dub.sheet import Sheet

SAMPLE = Path(__file__).parents[1] / "assets" / "sample.mp4"
LENGTH_S = 180


def clip(folder: Path) -> Path:
    """Write the sample, repeated to three minutes, pictures and sound copied."""
    out = folder / "three-minutes.mp4"
    source = ["-stream_loop", "-1", "-f", "mov", "-i", f"file:{SAMPLE}"]
    copy = ["-t", str(LENGTH_S), "-c", "copy", "-f", "mp4", f"file:{out}"]
    run_ffmpeg([*source, *copy], check=lambda: None)
    return out


def measure(folder: Path) -> dict[str, float]:
    """Return seconds of the whole dub, of one changed line, and of nothing changed."""
    studio = open_studio(Settings(data_dir=folder / "data"))
    video = studio.store.take_in(clip(folder), "video/mp4", "three-minutes.mp4")
    request = DubRequest(video=video, source_language="en", target_language="es")
    times: list[float] = []
    for edits in (Edits(), None, Edits()):
        asked = request
        if edits is None:
            asked = request.model_copy(update={"edits": _one_change(studio, job.id)})  # noqa: F821
        job = studio.submit("dub", asked)
        began = time.monotonic()
        done = studio.run_here(job.id, lambda _: None)
        times.append(time.monotonic() - began)
        if done.state != "done":
            raise SystemExit(f"{done.state}: {done.error}")
    whole, line, nothing = times
    return {"whole_s": whole, "one_line_s": line, "nothing_s": nothing, "ratio": whole / line}


def _one_change(studio, job: str) -> Edits:
    result = studio.result(job)
    assert isinstance(result, DubResult)  # noqa: S101
    text = studio.store.path(result.transcript).read_text(encoding="utf-8")
    line = Sheet.model_validate_json(text).lines[3]
    return Edits(lines=(LineEdit(id=line.id, translation="Esta línea es completamente nueva."),))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name))
    if as_json:
        print(json.dumps(found))
    else:
        print(f"whole dub {found['whole_s']:.1f} s, one line {found['one_line_s']:.1f} s,"
              f" ratio {found['ratio']:.0f}")
