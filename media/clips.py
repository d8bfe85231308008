"""Short previews and still pictures, cut quickly out of long files."""

import math
from dataclasses import dataclass
from pathlib import Path

from media.audio import AudioFile
from media.containers import recognise
from media.probe import MediaInfo
from media.tools import Check, run_ffmpeg, unchecked
from studio.errors import BadInput

PREVIEW_HEIGHT_PX = 360
EXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound for a clip, and when it begins after the beginning of the picture's file."""

    audio: AudioFile
    start_s: float = 0.0


def cut_clip(
    source: MediaInfo,
    sound: Sound | None,
    span_s: tuple[float, float],
    out: Path,
    *,
    check: Check = unchecked,
) -> None:
    """Write a small MP4 (M4A without a picture) of a part of a file; coded anew, 360 lines high.

    Args:
        source: The file with the picture.
        sound: The sound to hear; None: the file's own.
        span_s: From and to, in seconds after the file's beginning; cut to what is there.
        out: The file to write.
        check: Called several times a second.

    Raises:
        BadInput: if nothing lies between.
        ToolFailed: if ffmpeg fails.
    """
    start_s, end_s = max(0.0, span_s[0]), min(span_s[1], source.duration_s)
    if not end_s - start_s > 0:
        raise BadInput(
            f"there is nothing between {span_s[0]:.2f} s and {span_s[1]:.2f} s of {source.name}"
        )
    # Times after -ss count from the file's beginning (ffmpeg adds the start time itself).
    args = source.as_input("-ss", f"{start_s:.6f}", "-t", f"{end_s - start_s:.6f}")
    inner_s = start_s - (sound.start_s if sound is not None else 0.0)
    if sound is not None:
        seek = ["-ss", f"{inner_s:.6f}"] if inner_s > 0 else ["-itsoffset", f"{-inner_s:.6f}"]
        length = ["-t", f"{end_s - start_s - max(0.0, -inner_s):.6f}"]
        path = f"file:{sound.audio.path.absolute()}"
        args += [*seek, *length, "-f", recognise(sound.audio.path).demuxer, "-i", path]
        args += ["-map", "1:a:0"]
    elif source.audios:
        args += ["-map", f"0:{source.audios[0].index}"]
        args += ["-ac", "2"] if source.audios[0].channels > 2 else []
    args += ["-c:a", "aac", "-b:a", "160k", "-ar", "48000", "-af", "aresample=async=1"]
    video = source.video
    if video is not None:
        args += ["-map", f"0:{video.index}", "-vf", _smaller(PREVIEW_HEIGHT_PX)]
        args += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-pix_fmt", "yuv420p"]
        args += ["-threads:v", "2", "-g", "25"]
    args += ["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", *EXACT]
    run_ffmpeg(
        [*args, "-movflags", "+faststart", "-f", "mp4", f"file:{out.absolute()}"], check=check
    )


def thumbnail(
    source: MediaInfo,
    at_s: float,
    out: Path,
    *,
    height_px: int = PREVIEW_HEIGHT_PX,
    check: Check = unchecked,
) -> None:
    """Write the frame shown at `at_s` after the file's beginning as a JPEG.

    Raises:
        BadInput: if the file has no picture, or none can be decoded there.
        ToolFailed: if ffmpeg fails.
    """
    video = source.video
    if video is None:
        raise BadInput(f"{source.name} has no picture")
    last_s = max(0.0, source.duration_s - 1.5 * video.frame_s)
    for seek_s in (min(max(0.0, at_s), last_s), 0.0):
        args = source.as_input("-ss", f"{seek_s:.6f}")
        args += ["-map", f"0:{video.index}", "-frames:v", "1", "-vf", _smaller(height_px)]
        args += ["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", *EXACT, "-f", "mjpeg"]
        run_ffmpeg([*args, f"file:{out.absolute()}"], check=check)
        if out.is_file() and out.stat().st_size:
            return
    raise BadInput(f"no frame of {source.name} can be decoded", remedy="Choose another file.")


def _smaller(height_px: int) -> str:
    """Return a filter: at most that high, square pixels, both sides even and at least 2."""
    high = math.ceil(height_px / 2) * 2
    return (
        f"scale=w='max(2,trunc(iw*sar*min(1,{high}/ih)/2)*2)'"
        f":h='max(2,trunc(min(ih,{high})/2)*2)',setsar=1"
    )
