"""A film whose picture is changed in places: read frame by frame, patched, and coded anew.

Frames are upright and yuv420p here, with the times of the file. A patch replaces the bytes of a
rectangle; all other bytes of a frame reach the encoder as they were decoded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from media.pictures import Pixels
from media.probe import MediaInfo, open_media, packets
from media.tools import Check, unchecked

SEEKABLE = frozenset({"mov", "matroska"})  # their frames all have times, and an index
AHEAD_S = 0.5  # a seek goes so much further back
TURNS = {90: ("cclock",), 180: ("cclock", "cclock"), 270: ("clock",)}
EIGHT_BIT = ("yuv420p", "yuvj420p")
SMALL_PX = (48, 27)
CUT, CUT_JUMP = 9.0, 4.0  # levels of 255 between neighbours, and times more than before
LONGEST_FRAMES = 400  # longer shots are worked on in pieces
CRF, CRF_TO_WORK_ON = 18, 6

Planes = NDArray[np.uint8]
"""(1.5 height, width) uint8, yuv420p as PyAV lays it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a film."""

    pts: int  # of the file
    at_s: Fraction  # after the film's beginning, exact
    picture: av.VideoFrame

    def pixels(self) -> Pixels:
        """Return (height, width, 3) in red green blue."""
        return np.ascontiguousarray(self.picture.to_ndarray(format="rgb24"), np.uint8)


@dataclass(frozen=True, slots=True)
class Shot:
    """A stretch of frames without a cut, or a piece of one."""

    first: int  # time stamp in the file
    stop: int  # of the frame after the last
    start_s: float  # after the film's beginning
    end_s: float
    frames: int


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in whole pixels, all of them even."""

    left: int
    top: int
    width: int
    height: int

    def of(self, planes: Planes, height: int) -> list[Planes]:
        """Return luma and both chroma of that part, as views."""
        y, rest = planes[:height], planes[height:]
        u, v = rest.reshape(2, height // 2, -1)
        top, left = self.top // 2, self.left // 2
        inner = (slice(top, top + self.height // 2), slice(left, left + self.width // 2))
        whole = (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )
        return [y[whole], u[inner], v[inner]]


def read_frames(
    info: MediaInfo, shot: Shot | None = None, *, check: Check = unchecked
) -> Iterator[Frame]:
    """Yield the frames of a film, or of one shot of it, in order of showing."""
    video = info.video
    if video is None:
        return
    begins = Fraction(round(info.start_s * 1_000_000), 1_000_000)
    with open_media(info.path, info.demuxer, info.name) as file:
        stream = file.streams[video.index]
        base = Fraction(stream.time_base or Fraction(1, 90_000))
        if shot is not None and info.demuxer in SEEKABLE:
            file.seek(max(0, shot.first - round(AHEAD_S / base)), stream=stream)
        graph = None
        last = -(1 << 62)
        for found in _decoded(file, stream):
            check()
            step = max(1, round(video.frame_s / float(base)))
            pts = found.pts if found.pts is not None else last + step
            last = pts
            if shot is not None and pts < shot.first:
                continue
            if shot is not None and pts >= shot.stop:
                return
            if not _is_plain(found, video.rotation):
                graph = graph or _graph(found, base, video.rotation)
                found = _through(graph, found)  # noqa: PLW2901
            yield Frame(pts, pts * base - begins, found)


def find_shots(info: MediaInfo, *, check: Check = unchecked) -> Iterator[Shot]:
    """Yield the shots of a film: where neighbours differ much more than those before, there is a cut."""
    before: NDArray[np.int16] | None = None
    usual, frames = 0.0, list[tuple[int, Fraction]]()
    at_s, step_s = Fraction(0), Fraction(1, 25)
    for frame in read_frames(info, check=check):
        step_s = frame.at_s - at_s if frames else step_s
        at_s = frame.at_s
        small = frame.picture.reformat(*SMALL_PX, format="rgb24").to_ndarray().astype(np.int16)
        change = 0.0 if before is None else float(np.abs(small - before).mean())
        if frames and (
            len(frames) >= LONGEST_FRAMES or (change > CUT and change > CUT_JUMP * usual)
        ):
            yield _shot(frames, frame.pts, at_s)
            frames, usual = [], 0.0
        else:
            usual = max(change, 0.9 * usual)
        frames.append((frame.pts, frame.at_s))
        before = small
    if frames:
        yield _shot(frames, frames[-1][0] + 1, at_s + step_s)


def _shot(frames: Sequence[tuple[int, Fraction]], stop: int, end_s: Fraction) -> Shot:
    return Shot(frames[0][0], stop, float(frames[0][1]), float(end_s), len(frames))


def rect_around(low: Any, high: Any, size_px: tuple[int, int]) -> Rect:
    """Return the even rectangle from (x, y) `low` to `high`, within a picture of (width, height)."""
    width, height = size_px
    left, top = (int(max(0, v)) // 2 * 2 for v in low)
    right, bottom = min(width, int(high[0]) + 1), min(height, int(high[1]) + 1)
    return Rect(left, top, (right - left) // 2 * 2, (bottom - top) // 2 * 2)


def patched(frame: Frame, old: Pixels, new: Pixels, rect: Rect) -> Planes:
    """Return the rectangle of a frame with what changed from `old` to `new` added to it.

    Bytes where both are equal stay as they were decoded.

    Returns:
        (1.5 height, width) of the rectangle.
    """
    planes: Planes = np.asarray(frame.picture.to_ndarray(), np.uint8)
    parts = rect.of(planes, frame.picture.height)
    before, after = (_planes(each, frame.picture, rect) for each in (old, new))
    whole = Rect(0, 0, rect.width, rect.height)
    made: list[Planes] = []
    olds, news = (whole.of(each, rect.height) for each in (before, after))
    for part, a, b in zip(parts, olds, news, strict=True):
        change = b.astype(np.int16) - a
        made.append(np.clip(part.astype(np.int16) + change, 0, 255).astype(np.uint8))
    chroma = np.concatenate([each.ravel() for each in made[1:]])
    return np.concatenate([made[0], chroma.reshape(-1, rect.width)])


def _planes(pixels: Pixels, like: av.VideoFrame, rect: Rect) -> Planes:
    part = pixels[rect.top : rect.top + rect.height, rect.left : rect.left + rect.width]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), format="rgb24")
    made = frame.reformat(format=like.format.name, dst_colorspace=like.colorspace).to_ndarray()
    return np.asarray(made, np.uint8)


def write_patch(planes: Iterable[Planes], path: Path) -> int:
    """Write rectangles of one size without loss; return how many."""
    count = 0
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.pix_fmt = "yuv420p"
        stream.options = {"qp": "0", "preset": "ultrafast", "threads": "2"}
        for count, each in enumerate(planes, start=1):
            if count == 1:
                stream.height, stream.width = each.shape[0] * 2 // 3, each.shape[1]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="yuv420p")
            frame.pts = count - 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return count


def read_patch(path: Path) -> Iterator[Planes]:
    """Yield what `write_patch` wrote, byte for byte."""
    with av.open(str(path), format="mp4") as film:
        for frame in film.decode(video=0):
            yield np.asarray(frame.to_ndarray(), np.uint8)


def with_patch(frame: Frame, patch: Planes, rect: Rect) -> Frame:
    """Return the frame with its rectangle replaced."""
    picture = frame.picture
    planes: Planes = np.array(picture.to_ndarray(), np.uint8)
    inner = Rect(0, 0, rect.width, rect.height).of(patch, rect.height)
    for part, new in zip(rect.of(planes, picture.height), inner, strict=True):
        part[:] = new
    made = av.VideoFrame.from_ndarray(planes, format=picture.format.name)
    made.colorspace, made.color_range = picture.colorspace, picture.color_range
    return Frame(frame.pts, frame.at_s, made)


def write_frames(
    frames: Iterable[Frame], info: MediaInfo, path: Path, *, to_work_on: bool = False
) -> int:
    """Write frames as H.264 into an MP4 without sound, at their own times; return how many.

    Args:
        frames: upright, in order.
        info: of the film that they come from: its colours and shape of pixels are kept.
        path: the file to write.
        to_work_on: hardly any loss, because it will be coded once more.
    """
    count = 0
    with (
        open_media(info.path, info.demuxer, info.name) as file,
        av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out,
    ):
        source: Any = file.streams[info.video.index if info.video else 0].codec_context
        rate = Fraction(info.video.fps if info.video else 25).limit_denominator(1001)
        stream = out.add_stream("libx264", rate=rate or 25)
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, 90_000)
        stream.options = {
            "crf": str(CRF_TO_WORK_ON if to_work_on else CRF),
            "preset": "ultrafast" if to_work_on else "medium",
            "threads": "2",
        }
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(source, name))
        turned = info.video is not None and info.video.rotation % 180 == 90
        shape = source.sample_aspect_ratio
        if shape:
            context.sample_aspect_ratio = 1 / shape if turned else shape
        for count, frame in enumerate(frames, start=1):
            picture = frame.picture
            if count == 1:
                stream.pix_fmt = picture.format.name
                stream.width, stream.height = picture.width, picture.height
            picture.pict_type = 0
            picture.time_base, picture.pts = Fraction(1, 90_000), round(frame.at_s * 90_000)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return count


def _decoded(file: Any, stream: Any) -> Iterator[av.VideoFrame]:
    """Yield the frames that can be decoded; those that cannot are stepped over."""
    for packet in packets(file, stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
    try:
        yield from stream.codec_context.decode(None)
    except (av.error.FFmpegError, EOFError):
        return


def _is_plain(frame: av.VideoFrame, rotation: int) -> bool:
    even = frame.width % 2 == 0 and frame.height % 2 == 0
    return rotation == 0 and even and frame.format.name in EIGHT_BIT


def _graph(frame: av.VideoFrame, base: Fraction, rotation: int) -> Any:
    """Return a filter that turns frames upright, pads them to even sides, and makes them yuv420p."""
    graph: Any = Graph()
    last: Any = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=base
    )
    turns = [("transpose", f"dir={each}") for each in TURNS.get(rotation, ())]
    even = [("pad", "ceil(iw/2)*2:ceil(ih/2)*2"), ("format", "yuv420p")]
    for name, options in (*turns, *even, ("buffersink", "")):
        node: Any = graph.add(name, options or None)
        last.link_to(node)
        last = node
    graph.configure()
    return graph


def _through(graph: Any, frame: av.VideoFrame) -> av.VideoFrame:
    graph.push(frame)
    return graph.pull()
