"""Captions drawn into the picture: a style from `presets/captions/`, and the ASS file that libass draws."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from media.cues import Cue
from studio.errors import BadPreset

PRESETS = Path(__file__).parents[1] / "presets" / "captions"
JOINER = "\u2060"  # invisible; keeps a backslash of the text from meaning anything

Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?$")]
Share = Annotated[float, Field(ge=0, le=0.5)]

_ALIGNMENT = {"bottom": 2, "middle": 5, "top": 8}
_MOTION = {
    "none": "",
    "fade": r"{\fad(120,120)}",
    "pop": r"{\fscx85\fscy85\t(0,110,\fscx100\fscy100)}",
}
_EVENT_FORMAT = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
_STYLE_FORMAT = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, "
    "Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "
    "Alignment, MarginL, MarginR, MarginV, Encoding"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionStyle:
    """One file of `presets/captions/`; sizes are shares of the picture's shorter side."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    title: str
    about: str
    font: Annotated[str, Field(pattern=r"^[\w .+-]{1,60}$")]  # another is taken where it is missing
    size: Share
    colour: Colour = "#FFFFFF"  # #RRGGBB or #RRGGBBAA
    outline_colour: Colour = "#000000"
    outline: Share = 0.003
    shadow: Share = 0.0
    box: bool = False  # a filled box in the outline's colour instead of an outline
    bold: bool = False
    italic: bool = False
    capitals: bool = False
    position: Literal["bottom", "middle", "top"] = "bottom"
    margin: Share = 0.06  # safe area at the edge to which it is aligned
    side_margin: Share = 0.05
    motion: Literal["none", "fade", "pop"] = "none"


def caption_styles(root: Path = PRESETS) -> dict[str, CaptionStyle]:
    """Return all styles by id, which is the file's name.

    Raises:
        BadPreset: if a file is not a style.
    """
    return {path.stem: _read(path) for path in sorted(root.glob("*.toml"))}


def caption_style(id_: str, root: Path = PRESETS) -> CaptionStyle:
    """Return one style.

    Raises:
        BadPreset: if there is none of that name.
    """
    styles = caption_styles(root)
    if id_ not in styles:
        raise BadPreset(
            f"there is no caption style {id_!r}", remedy=f"Choose one of {', '.join(styles)}."
        )
    return styles[id_]


def write_captions(
    cues: Sequence[Cue], style: str, path: Path, *, width: int = 1920, height: int = 1080
) -> Path:
    """Write an ASS file that draws `cues` in a style.

    Args:
        cues: laid out; their text is shown as it is, whatever it contains.
        style: id of a style.
        path: file to write.
        width: of the picture, in pixels.
        height: of the picture, in pixels.

    Raises:
        BadPreset: if there is no such style.
    """
    look = caption_style(style)
    lines = [
        "[Script Info]",
        "ScriptType: v4.00+",
        "WrapStyle: 0",
        "ScaledBorderAndShadow: yes",
        f"PlayResX: {width}",
        f"PlayResY: {height}",
        "",
        "[V4+ Styles]",
        f"Format: {_STYLE_FORMAT}",
        f"Style: {_style_fields(look, min(width, height))}",
        "",
        "[Events]",
        f"Format: {_EVENT_FORMAT}",
        *(_event(cue, look) for cue in cues),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path


def escape_ass(text: str) -> str:
    """Return text that ASS shows as it is: no override tags, no line breaks but the real ones."""
    safe = text.replace("\\", f"\\{JOINER}").replace("{", r"\{").replace("}", r"\}")
    return r"\N".join(line for line in safe.splitlines() if line.strip())


@cache
def _adapter() -> TypeAdapter[CaptionStyle]:
    return TypeAdapter(CaptionStyle)  # slow to make


def _read(path: Path) -> CaptionStyle:
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return _adapter().validate_python({"id": path.stem, **fields})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise BadPreset(f"the caption style {path.name} cannot be used: {error}") from error


def _style_fields(look: CaptionStyle, side: int) -> str:
    flags = [-1 if each else 0 for each in (look.bold, look.italic)]
    fields: list[object] = [
        "Caption",
        look.font,
        round(look.size * side),
        _colour(look.colour),
        _colour(look.colour),
        _colour(look.outline_colour),
        _colour("#000000A0"),
        *flags,
        *(0, 0, 100, 100, 0, 0),  # underline, strike-out, scale, spacing, angle
        3 if look.box else 1,
        round(look.outline * side, 1),
        round(look.shadow * side, 1),
        _ALIGNMENT[look.position],
        *(round(look.side_margin * side) for _ in range(2)),
        round(look.margin * side),
        1,
    ]
    return ",".join(str(field) for field in fields)


def _event(cue: Cue, look: CaptionStyle) -> str:
    text = cue.text.upper() if look.capitals else cue.text
    name = re.sub(r"[\s,{}\\]+", " ", cue.speaker).strip()
    start, end = (_clock(time_s) for time_s in (cue.start_s, cue.end_s))
    return (
        f"Dialogue: 0,{start},{end},Caption,{name},0,0,0,,{_MOTION[look.motion]}{escape_ass(text)}"
    )


def _colour(colour: str) -> str:
    """Return "#RRGGBBAA" as ASS writes it: alpha (0 is opaque), blue, green, red."""
    red, green, blue, alpha = colour[1:3], colour[3:5], colour[5:7], colour[7:9] or "FF"
    return f"&H{255 - int(alpha, 16):02X}{blue}{green}{red}".upper()


def _clock(time_s: float) -> str:
    hundredths = max(0, round(time_s * 100))
    seconds, hundredths = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}.{hundredths:02d}"
