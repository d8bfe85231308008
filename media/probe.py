"""What is in a media file: its streams, their clocks and languages; opened safely.

The demuxer is chosen by `containers.recognise`, never by the file's name, and may open nothing but
the file itself.
"""

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream as SubtitleTrack

from media.containers import USABLE, has_index, recognise
from media.languages import short_language
from media.tools import Check, unchecked
from studio.errors import BadInput, LimitReached
from studio.settings import load_settings

T = TypeVar("T")

IO_TIMEOUT_S = 60.0
DEFAULT_FRAME_S = 0.04
ESTIMATING = frozenset({"mp3", "aac", "amr", "mpegvideo"})  # their headers know no duration
LOOK_PACKETS = 300
SPARE_S = 1.0  # what is made of the longest film may be a little longer


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may be at most: nobody's machine explodes."""

    duration_s: float = 12 * 3600.0
    size_bytes: int = 64 << 30
    streams: int = 64
    side_px: int = 16384
    channels: int = 64
    sample_rate_hz: tuple[int, int] = (1000, 768_000)


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A picture track, or an attached picture."""

    index: int
    codec: str
    width: int  # as stored
    height: int
    rotation: int  # degrees to turn the stored picture counter-clockwise for showing it
    fps: float  # average
    nominal_fps: float  # the rate of the time stamps; differs from `fps` where the rate varies
    frame_s: float
    start_s: float  # on the file's clock
    duration_s: float
    is_picture: bool  # a cover, not a film
    has_alpha: bool

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) as it is shown, turned upright."""
        turned = self.rotation % 180 == 90
        return (self.height, self.width) if turned else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """A sound track."""

    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    language: str  # two letters where there are, "" unknown
    title: str
    is_default: bool
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """A subtitle track."""

    index: int
    codec: str
    language: str
    title: str
    is_default: bool
    is_forced: bool


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is in a file. Times on the file's own clock; `start_s` is where it begins."""

    path: Path
    name: str  # for messages
    demuxer: str
    container: str  # for people
    start_s: float
    duration_s: float
    videos: tuple[VideoStream, ...]
    audios: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...]

    @property
    def video(self) -> VideoStream | None:
        """The first film track; covers do not count."""
        return next((video for video in self.videos if not video.is_picture), None)

    def as_input(self, *options: str) -> list[str]:
        """Return ffmpeg's arguments that open this file, with `options` in front."""
        return [*options, "-f", self.demuxer, "-i", f"file:{self.path.absolute()}"]


def probe(
    path: Path, name: str = "", *, limits: Limits | None = None, check: Check = unchecked
) -> MediaInfo:
    """Read what is in a file.

    Where the header gives no believable duration the whole file is read once to measure it.

    Args:
        path: The file.
        name: What to call it in messages; its file name where empty.
        limits: What it may be at most; by default as long as the settings allow.
        check: Called while reading long files.

    Raises:
        BadInput: if it is no media file, damaged beyond reading, or holds neither picture nor sound.
        LimitReached: if it is larger, longer or wider than `limits`.
    """
    limits, name = limits or Limits(duration_s=longest_s() + SPARE_S), name or path.name
    container = recognise(path, name)
    _within(name, "size in bytes", path.stat().st_size, limits.size_bytes)
    with open_media(path, container.demuxer, name) as file:
        _within(name, "number of streams", len(file.streams), limits.streams)
        info = MediaInfo(
            path=path,
            name=name,
            demuxer=container.demuxer,
            container=container.title,
            start_s=seconds(file.start_time, Fraction(1, av.time_base)),
            duration_s=seconds(file.duration, Fraction(1, av.time_base)),
            videos=tuple(_video(stream) for stream in _known(file.streams.video)),
            audios=tuple(_audio(stream) for stream in _known(file.streams.audio)),
            subtitles=tuple(_subtitle(stream) for stream in _known(file.streams.subtitles)),
        )
        _look_over(info, limits)
        if not 0 < info.duration_s <= limits.duration_s or info.demuxer in ESTIMATING:
            info = _measured(file, info, check)
        else:
            info = _completed(info)
    info = _turned(info)
    _within(name, "length in seconds", info.duration_s, limits.duration_s)
    return info


def longest_s() -> float:
    """Return how long a film or sound may last, as the settings say now."""
    return load_settings().max_media_hours * 3600


@contextmanager
def open_media(path: Path, demuxer: str, name: str = "") -> Generator[InputContainer, None, None]:
    """Open a file with the demuxer given, which may open no other file nor address.

    Raises:
        BadInput: if libavformat cannot read it.
    """
    try:
        file = av.open(
            f"file:{path.absolute()}",
            "r",
            format=demuxer,
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=IO_TIMEOUT_S,
        )
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: a name with a zero byte
        raise BadInput(
            f"{name or path.name} is damaged and cannot be opened ({_reason(error, path, demuxer)})",
            remedy="Choose another file, or export it anew from the program that made it.",
        ) from error
    with file:
        yield file


def choose_audio(info: MediaInfo, language: str = "") -> AudioStream | None:
    """Return the sound track to work on: the one in `language`, else the default one, else the first.

    Args:
        info: What is in the file.
        language: Wanted, as a two- or three-letter code; a region ("es-MX") plays no part.
    """
    wanted = short_language(language)
    if wanted:
        for audio in info.audios:
            if audio.language == wanted:
                return audio
    defaults = (audio for audio in info.audios if audio.is_default)
    return next(defaults, next(iter(info.audios), None))


def seconds(count: int | None, time_base: Fraction | None) -> float:
    """Return `count` ticks in seconds, 0 where either is unknown."""
    return float(count * time_base) if count is not None and time_base is not None else 0.0


def _known(streams: tuple[T, ...]) -> tuple[T, ...]:
    """Return the streams whose codec is known; PyAV's types do not tell that it may be missing."""
    return tuple(stream for stream in streams if getattr(stream, "codec_context", None) is not None)


def _video(stream: av.VideoStream) -> VideoStream:
    fps = float(stream.average_rate or stream.guessed_rate or 0)
    nominal = float(stream.base_rate or stream.guessed_rate or fps)
    known = math.isfinite(fps) and 0 < fps <= 1000
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        rotation=0,
        fps=fps if known else 0.0,
        nominal_fps=nominal if math.isfinite(nominal) else 0.0,
        frame_s=1 / fps if known else DEFAULT_FRAME_S,
        start_s=seconds(stream.start_time, stream.time_base),
        duration_s=seconds(stream.duration, stream.time_base),
        is_picture=bool(stream.disposition & Disposition.attached_pic),
        has_alpha=stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1",
    )


def _audio(stream: av.AudioStream) -> AudioStream:
    return AudioStream(
        index=stream.index,
        codec=stream.codec_context.name,
        sample_rate_hz=stream.codec_context.sample_rate or 0,
        channels=stream.codec_context.layout.nb_channels,
        language=short_language(stream.language or ""),
        title=stream.metadata.get("title", ""),
        is_default=bool(stream.disposition & Disposition.default),
        start_s=seconds(stream.start_time, stream.time_base),
        duration_s=seconds(stream.duration, stream.time_base),
    )


def _subtitle(stream: SubtitleTrack) -> SubtitleStream:
    return SubtitleStream(
        index=stream.index,
        codec=stream.codec_context.name,
        language=short_language(stream.language or ""),
        title=stream.metadata.get("title", ""),
        is_default=bool(stream.disposition & Disposition.default),
        is_forced=bool(stream.disposition & Disposition.forced),
    )


def _look_over(info: MediaInfo, limits: Limits) -> None:
    if info.video is None and not info.audios:
        raise BadInput(f"{info.name} holds neither picture nor sound", remedy=USABLE)
    for video in info.videos:
        _within(info.name, "width in pixels", video.width, limits.side_px)
        _within(info.name, "height in pixels", video.height, limits.side_px)
    low, high = limits.sample_rate_hz
    for audio in info.audios:
        _within(info.name, "number of channels", audio.channels, limits.channels)
        if audio.sample_rate_hz and not low <= audio.sample_rate_hz <= high:
            raise BadInput(
                f"{info.name} claims {audio.sample_rate_hz} samples a second, so its header is damaged",
                remedy="Choose another file, or export it anew from the program that made it.",
            )


def _within(name: str, what: str, value: float, limit: float) -> None:
    if value > limit:
        raise LimitReached(
            f"{name}: its {what} is {value:.0f}, more than the {limit:.0f} allowed",
            remedy="Give a smaller file, or a part of it.",
        )


def _completed(info: MediaInfo) -> MediaInfo:
    """Fill in what a container says for the file alone: how long each stream is."""

    def until_end(start_s: float) -> float:
        return max(0.0, info.start_s + info.duration_s - start_s)

    return replace(
        info,
        videos=tuple(
            replace(each, duration_s=each.duration_s or until_end(each.start_s))
            for each in info.videos
        ),
        audios=tuple(
            replace(each, duration_s=each.duration_s or until_end(each.start_s))
            for each in info.audios
        ),
    )


def _measured(file: InputContainer, info: MediaInfo, check: Check) -> MediaInfo:
    """Read all packets, undecoded, to learn where each stream begins and ends."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for count, packet in enumerate(packets(file)):
        if count % 1000 == 0:
            check()
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            continue
        time_s = seconds(stamp, packet.time_base)
        index = packet.stream.index
        first[index] = min(first.get(index, time_s), time_s)
        end_s = time_s + seconds(packet.duration, packet.time_base)
        last[index] = max(last.get(index, end_s), end_s)
    if not last:
        raise BadInput(
            f"{info.name} holds no picture and no sound that could be read", remedy=USABLE
        )

    def length_s(index: int) -> float:
        return last.get(index, 0.0) - first.get(index, 0.0)

    start_s = min(first.values())
    return replace(
        info,
        start_s=start_s,
        duration_s=max(last.values()) - start_s,
        videos=tuple(replace(each, duration_s=length_s(each.index)) for each in info.videos),
        audios=tuple(replace(each, duration_s=length_s(each.index)) for each in info.audios),
    )


def packets(file: InputContainer, *streams: Any) -> Iterator["Packet[Any]"]:
    """Yield the packets of `file`; where it is cut off or damaged beyond reading they end."""
    demuxed = file.demux(*streams)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return
        except IndexError:  # PyAV, at the end of a file whose damage looks like one more stream
            return
        if packet.size:
            yield packet


def _turned(info: MediaInfo) -> MediaInfo:
    """Learn the rotation, which only decoded pictures tell."""
    video = info.video
    if video is None:
        return info
    with open_media(info.path, info.demuxer, info.name) as file:
        rotation = _rotation(file, file.streams[video.index])
    turned = replace(video, rotation=rotation)
    return replace(info, videos=tuple(turned if each is video else each for each in info.videos))


def _rotation(file: InputContainer, stream: Any) -> int:
    for packet in islice(packets(file, stream), LOOK_PACKETS):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            return round(cast("av.VideoFrame", frame).rotation / 90) * 90 % 360
    return 0


def _reason(error: Exception, path: Path, demuxer: str) -> str:
    if demuxer == "mov" and not has_index(path):
        return "its index, the moov atom, is missing: the recording was cut off"
    said = error.strerror if isinstance(error, av.error.FFmpegError) else None
    return (said or str(error)).lower()
