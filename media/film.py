"""Films written frame by frame as they come, and read the same way: no list of pictures is ever held.

They are made to be worked on: so well coded that the last coding, of the finished film, is the only
one that is seen. With less, every key frame shows as a small jump where parts are joined.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from media.pictures import Pixels
from media.tools import Check, unchecked

CRF = 6  # a jump of 0.33 levels at a key frame; 0.76 with 16, and a third of the size
COLOUR_709 = 1  # of ITU-T H.273: primaries, transfer and matrix of BT.709


def write_film(frames: Iterable[Pixels], path: Path, fps: int, *, check: Check = unchecked) -> int:
    """Write frames as H.264 (yuv420p, BT.709, limited range) into an MP4 without sound.

    Args:
        frames: all of one size, both sides even.
        path: the file to write.
        fps: frames a second.
        check: called before every frame; may raise `Cancelled`.

    Returns:
        How many frames were written.
    """
    count = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        stream.options = {"crf": str(CRF), "preset": "fast", "colormatrix": "bt709", "threads": "2"}
        context = stream.codec_context
        context.color_range, context.colorspace = 1, COLOUR_709
        context.color_primaries, context.color_trc = COLOUR_709, COLOUR_709
        for count, pixels in enumerate(frames, start=1):
            check()
            if count == 1:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=COLOUR_709)
            frame.pts, frame.time_base = count - 1, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return count


def join_films(paths: Sequence[Path], out: Path, fps: int, *, check: Check = unchecked) -> None:
    """Put films of `write_film` one after another, packet by packet: no picture is coded anew.

    Args:
        paths: films of one size, in order.
        out: the file to write.
        fps: frames a second of each.
        check: called before every film; may raise `Cancelled`.
    """
    frames = 0
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as joined:
        target = None
        for path in paths:
            check()
            with av.open(str(path), format="mp4") as film:
                source = film.streams.video[0]
                if target is None:
                    target = joined.add_stream_from_template(source)
                    target.time_base = source.time_base
                later = round(frames / (fps * _time_base(source)))
                for packet in film.demux(source):
                    if packet.pts is None or packet.dts is None:
                        continue  # the mark of the end
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = target
                    joined.mux(packet)
                    frames += 1


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 90_000)


def read_film(path: Path, *, check: Check = unchecked) -> Iterator[Pixels]:
    """Yield the frames of a film that the studio made, (height, width, 3), in order."""
    with av.open(str(path), format="mp4") as film:
        for frame in film.decode(video=0):
            check()
            yield np.ascontiguousarray(frame.to_ndarray(format="rgb24"), np.uint8)
