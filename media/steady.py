"""A film of any kind made steady: one rate, no sound, no larger than needed, read quickly from any frame."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from media.pictures import Pixels
from media.probe import MediaInfo
from media.tools import Check, run_ffmpeg, unchecked
from studio.errors import BadInput
from studio.progress import Progress, silent

CRF = 14
KEY_FRAMES = 25  # every so many frames can be jumped to


def steady(
    info: MediaInfo,
    out: Path,
    fps: int,
    *,
    longest_px: int,
    check: Check = unchecked,
    progress: Progress = silent,
) -> None:
    """Write a film's picture as H.264 with `fps` frames a second, upright, from the film's beginning.

    Args:
        info: the film, as `probe` found it.
        out: the MP4 to write.
        fps: frames a second.
        longest_px: it is made smaller where a side is longer.
        check: may raise `Cancelled`.
        progress: seconds done, of all.

    Raises:
        BadInput: if it has no picture.
        ToolFailed: if it cannot be decoded.
    """
    video = info.video
    if video is None:
        raise BadInput(f"{info.name} has no picture", remedy="Choose a video.")
    shrunk = min(1.0, longest_px / max(video.shown_size))
    width, height = (max(2, 2 * round(side * shrunk / 2)) for side in video.shown_size)
    filters = f"fps={fps}:start_time=0,scale={width}:{height}:flags=area,setsar=1,format=yuv420p"
    args = [*info.as_input(), "-map", f"0:{video.index}", "-vf", filters, "-an", "-sn"]
    args += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(CRF), "-g", str(KEY_FRAMES)]
    args += ["-bf", "0", "-f", "mp4", str(out)]
    whole_s = round(info.duration_s)
    run_ffmpeg(args, check=check, on_seconds=lambda done_s: progress(round(done_s), whole_s))


def frames_between(
    path: Path, first: int, stop: int, fps: int, *, check: Check = unchecked
) -> Iterator[Pixels]:
    """Yield frames of a film of `steady`, (height, width, 3), from `first` up to `stop`."""
    with av.open(str(path), format="mp4") as film:
        stream = film.streams.video[0]
        base = stream.time_base or Fraction(1, fps)
        film.seek(round(first / (fps * base)), stream=stream)
        for frame in film.decode(stream):
            check()
            place = round((frame.pts or 0) * base * fps)
            if place >= stop:
                return
            if place >= first:
                yield np.ascontiguousarray(frame.to_ndarray(format="rgb24"), np.uint8)
