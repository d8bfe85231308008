"""Short pieces of a job's files, cut to be played beside a table."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from media.clips import cut_clip
from media.probe import probe
from studio.artefacts import Artefact, new_file
from studio.studio import Studio


def clip(studio: Studio, job: str, name: str, media: Artefact, span_s: tuple[float, float]) -> Path:
    """Return a small film (a sound, where there is no picture) of a part of `media`; cut once.

    Args:
        studio: whose store `media` is in.
        job: whose preview it is.
        name: of the file, without an ending.
        media: the whole.
        span_s: from and to, in seconds after its beginning.
    """
    info = probe(studio.store.path(media), media.name)
    suffix = ".m4a" if info.video is None else ".mp4"
    out = previews(studio, job) / f"{name}{suffix}"
    return made_once(out, lambda part: cut_clip(info, None, span_s, part))


def made_once(path: Path, make: Callable[[Path], object]) -> Path:
    """Return `path`, written by `make` if it is not there yet."""
    if not path.exists():
        with new_file(path) as part:
            make(part)
    return path


def player(path: Path, label: str) -> str:
    """Return HTML that plays a file of the exports folder at once."""
    kind = "audio" if path.suffix in {".m4a", ".flac"} else "video"
    return (
        f'<{kind} class="line-player" controls autoplay playsinline aria-label="{label}"'
        f' src="gradio_api/file={quote(str(path.absolute()))}"></{kind}>'
    )


def previews(studio: Studio, job: str) -> Path:
    """Return the folder of a job's previews."""
    folder = studio.settings.exports / job / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
