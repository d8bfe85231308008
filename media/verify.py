"""What was written is read again before it is kept: streams, lengths, and that both ends decode."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import av.error

from media.probe import MediaInfo, open_media, packets, probe
from media.tools import Check, unchecked
from studio.errors import BadInput, ToolFailed

TAIL_S = 2.0
HEAD_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file must be."""

    has_video: bool
    audios: int
    subtitles: int = 0
    duration_s: float | None = None  # None: not known
    tolerance_s: float = 0.1


def verify(path: Path, expected: Expected, *, check: Check = unchecked) -> MediaInfo:
    """Read a finished file again; return what is in it.

    Raises:
        ToolFailed: if it is not what was to be written.
    """
    try:
        info = probe(path, check=check)
    except BadInput as error:
        raise ToolFailed(f"the file that was written cannot be read: {error}") from error
    seen = (info.video is not None, len(info.audios), len(info.subtitles))
    wanted = (expected.has_video, expected.audios, expected.subtitles)
    if seen != wanted:
        raise ToolFailed(
            f"the file that was written has (picture, sounds, subtitles) = {seen}, not {wanted}"
        )
    if expected.duration_s is not None:
        off_s = info.duration_s - expected.duration_s
        if abs(off_s) > expected.tolerance_s:
            raise ToolFailed(
                f"the file that was written lasts {info.duration_s:.3f} s,"
                f" not {expected.duration_s:.3f} s"
            )
    streams = [audio.index for audio in info.audios]
    if info.video is not None:
        streams.append(info.video.index)
    for index in streams:
        check()
        _decode_ends(info, index)
    return info


def picture_hash(info: MediaInfo, *, check: Check = unchecked) -> str:
    """Return the sha256 of the film track's packets, in order of decoding; "" without a film.

    Two files with the same one show the same picture, bit for bit. MP4 and MKV pack H.264 alike;
    MPEG-TS and AVI do otherwise, and give another hash for the same picture.
    """
    if info.video is None:
        return ""
    digest = hashlib.sha256()
    with open_media(info.path, info.demuxer, info.name) as file:
        stream = file.streams[info.video.index]
        for count, packet in enumerate(packets(file, stream)):
            if count % 100 == 0:
                check()
            digest.update(bytes(packet))
    return digest.hexdigest()


def _decode_ends(info: MediaInfo, index: int) -> None:
    with open_media(info.path, info.demuxer, info.name) as file:
        stream = file.streams[index]
        if not _decoded(file, stream, HEAD_FRAMES):
            raise ToolFailed(f"the beginning of stream {index} cannot be decoded")
        end_s = info.start_s + info.duration_s
        if info.duration_s <= TAIL_S or stream.time_base is None:
            return
        file.seek(int((end_s - TAIL_S) / stream.time_base), stream=stream)
        if not _decoded(file, stream, 1):
            raise ToolFailed(f"the end of stream {index} cannot be decoded")


def _decoded(file: Any, stream: Any, enough: int) -> int:
    """Decode up to `enough` frames, stepping over what is damaged in the source already."""
    count = 0
    for packet in packets(file, stream):
        try:
            count += len(packet.decode())
        except av.error.FFmpegError:
            continue
        if count >= enough:
            return count
    try:
        return count + len(cast("list[Any]", stream.codec_context.decode(None)))
    except (av.error.FFmpegError, EOFError):
        return count
