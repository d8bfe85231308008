"""Reading, decoding and muxing long films: seconds of a core's work, and memory.

Run from the repository root: `python -m benchmarks.media_io [minutes ...]`.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from media.decode import decode_audio
from media.mux import MuxPlan, mux
from media.probe import MediaInfo, probe
from media.tools import run_ffmpeg
from media.waveform import draw_waveform
from tests.media import SHARED

T = TypeVar("T")
CLIP = SHARED / "video" / "made_talk_4shots.mp4"


def main() -> None:
    """Print the table as Markdown, for films of the minutes given."""
    print("| film | work | CPU, s | of real time | peak memory, MB |\n|---|---|---|---|---|")
    for minutes in [int(arg) for arg in sys.argv[1:]] or [10, 180]:
        with tempfile.TemporaryDirectory() as folder:
            measure(minutes, Path(folder))


def measure(minutes: int, folder: Path) -> None:
    """Print the rows of one film: a talking clip of 12 s, joined end to end."""
    clip = probe(CLIP)
    loops = round(minutes * 60 / clip.duration_s) - 1
    film = folder / "film.mp4"
    run_ffmpeg([*clip.as_input("-stream_loop", str(loops)), "-c", "copy", f"file:{film}"])
    info = probe(film)
    sound = timed("decode to FLAC", info, lambda: decode_audio(info, info.audios[0], folder / "a"))
    timed("waveform", info, lambda: draw_waveform(sound.file, folder / "w.png"))
    for title, kind, is_lossless in [("FLAC", "mkv", True), ("AAC", "mp4", False)]:
        if minutes > 30 and not is_lossless:
            continue  # ten minutes tell it already
        plan = MuxPlan(source=info, dub=sound.file, format=kind, is_lossless=is_lossless)
        timed(f"mux, dub as {title}", info, lambda plan=plan: mux(plan, folder / "out"))


def timed(title: str, info: MediaInfo, work: Callable[[], T]) -> T:
    """Do it, print its row, return what it gives."""
    begun_s = cpu_s()
    result = work()
    spent_s = cpu_s() - begun_s
    who = resource.RUSAGE_CHILDREN if title.startswith("mux") else resource.RUSAGE_SELF
    peak = resource.getrusage(who).ru_maxrss // 1024
    share = spent_s / info.duration_s
    print(f"| {info.duration_s / 60:.0f} min | {title} | {spent_s:.1f} | {share:.4f} | {peak} |")
    return result


def cpu_s() -> float:
    """Return the processor time of this process and its finished children."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(who) for who in whose]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main()
