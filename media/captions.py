"""Captions drawn into the picture: a style from `presets/captions/`, and the ASS file that libass draws."""

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from media.cues import Cue
from media.layout import RLM
from media.speech import Word
from studio.errors import BadPreset

PRESETS = Path(__file__).parents[1] / "presets" / "captions"
JOINER = "\u2060"  # invisible; keeps a backslash of the text from meaning anything

Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?$")]
Share = Annotated[float, Field(ge=0, le=0.5)]

LINE_HEIGHT = 1.22  # of a line of text, over its size
LETTER, CAPITAL = 0.5, 0.64  # the width of a letter, over the size: of DejaVu Sans, about
SMALLEST, SHRINK = 0.6, 0.95  # of a style's size, where the picture leaves little room
LEAST_MARGIN = 0.02  # of the picture's shorter side
MOST_GROUP_GAP_S = 0.6  # a longer rest parts words that would be shown together

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
    active_colour: Colour | Literal[""] = ""  # of the word that is being said; "" marks none
    active_outline: Colour | Literal[""] = ""  # the same, of its outline or box
    waiting_colour: Colour | Literal[""] = ""  # of words that are still to come
    words: Annotated[int, Field(ge=0, le=8)] = 0  # at once, where their times are known; 0: all


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
    cues: Sequence[Cue],
    style: str,
    path: Path,
    *,
    width: int = 1920,
    height: int = 1080,
    words: Sequence[Word] = (),
    below_px: int = 0,
    covered_px: int = 0,
) -> Path:
    """Write an ASS file that draws `cues` in a style.

    A style may mark the word that is being said, or show a few words at a time: cues of whose words
    no times are known are shown as they are.

    Args:
        cues: laid out; their text is shown as it is, whatever it contains.
        style: id of a style.
        path: file to write.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        words: all words of all cues, in order, with their times; may be none.
        below_px: captions at the bottom stay below this row: they move down, and shrink if they must.
        covered_px: rows at the bottom that captions stay above, as far as `below_px` leaves room.

    Raises:
        BadPreset: if there is no such style.
    """
    look = caption_style(style)
    shown = _shown(cues, words, look)
    look = replace(look, margin=max(look.margin, covered_px / min(width, height)))
    look = _fitted(look, [each.cue for each in shown], (width, height), below_px)
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
        *(event for each in shown for event in _events(each, look)),
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


@dataclass(frozen=True, slots=True)
class _Timed:
    """A cue with its words, as many as its text has; none where their times are not known."""

    cue: Cue
    words: tuple[Word, ...] = ()


def _shown(cues: Sequence[Cue], words: Sequence[Word], look: CaptionStyle) -> list[_Timed]:
    """Return what is shown at a time: cues, or groups of a few words."""
    timed: list[_Timed] = []
    at = 0
    for cue in cues:
        texts = cue.text.replace(RLM, "").split()
        own = tuple(words[at : at + len(texts)])
        is_known = [each.text for each in own] == texts
        at += len(texts) if is_known else 0
        timed.append(_Timed(cue, own if is_known else ()))
    if not look.words:
        return timed
    return [group for each in timed for group in _groups(each, look.words)]


def _groups(timed: _Timed, most: int) -> list[_Timed]:
    """Part a cue into groups of `most` words or fewer, of even size."""
    words = timed.words
    if len(words) <= most:
        return [timed]
    size = math.ceil(len(words) / math.ceil(len(words) / most))
    parts = [words[at : at + size] for at in range(0, len(words), size)]
    starts = [timed.cue.start_s, *(part[0].start_s for part in parts[1:]), timed.cue.end_s]
    found: list[_Timed] = []
    for part, start_s, next_s in zip(parts, starts, starts[1:], strict=False):
        end_s = min(next_s, part[-1].end_s + MOST_GROUP_GAP_S)
        text = " ".join(each.text for each in part)
        found.append(_Timed(replace(timed.cue, start_s=start_s, end_s=end_s, text=text), part))
    return found


def _fitted(
    look: CaptionStyle, cues: Sequence[Cue], size_px: tuple[int, int], below_px: int
) -> CaptionStyle:
    """Return the style, moved down or made smaller so that no cue reaches above `below_px`."""
    width, height = size_px
    side = min(width, height)
    if look.position != "bottom" or below_px <= 0 or not cues:
        return look
    scale = 1.0
    while True:
        made = replace(look, size=look.size * scale)
        tall = max(_lines(cue, made, width, side) for cue in cues) * made.size * LINE_HEIGHT
        room = (height - below_px) / side - tall - 2 * made.outline
        if room >= LEAST_MARGIN or scale <= SMALLEST:
            return replace(made, margin=max(LEAST_MARGIN, min(look.margin, room)))
        scale *= SHRINK


def _lines(cue: Cue, look: CaptionStyle, width: int, side: int) -> int:
    """Return how many lines a cue takes, those that libass breaks included."""
    letter = (CAPITAL if look.capitals else LETTER) * (1.08 if look.bold else 1.0)
    room = (width / side - 2 * look.side_margin) / (letter * look.size)
    return sum(max(1, math.ceil(len(line) / max(1.0, room))) for line in cue.text.splitlines())


def _events(timed: _Timed, look: CaptionStyle) -> list[str]:
    """Return the lines of the file for a cue: one, or one for each word that is marked in its turn."""
    cue, words = timed.cue, timed.words
    motion = _MOTION[look.motion]
    if not words or not (look.active_colour or look.active_outline or look.waiting_colour):
        return [_event(cue, motion + escape_ass(_cased(cue.text, look)))]
    starts = [cue.start_s, *(each.start_s for each in words[1:]), cue.end_s]
    found: list[str] = []
    for index in range(len(words)):
        start_s, end_s = starts[index], starts[index + 1]
        if end_s - start_s >= 0.01:
            text = _marked(cue.text, index, look)
            part = replace(cue, start_s=start_s, end_s=end_s)
            found.append(_event(part, (motion if index == 0 else "") + text))
    return found


def _marked(text: str, active: int, look: CaptionStyle) -> str:
    """Return a cue's text with one of its words marked, and those after it as still to come."""
    lines: list[str] = []
    count = 0
    for line in text.splitlines():
        made: list[str] = []
        for word in line.split():
            safe = escape_ass(_cased(word, look))
            if count == active:
                safe = _painted(safe, look.active_colour, look.active_outline, look)
            elif count > active:
                safe = _painted(safe, look.waiting_colour, "", look)
            made.append(safe)
            count += 1
        lines.append(" ".join(made))
    return r"\N".join(lines)


def _painted(text: str, colour: str, outline: str, look: CaptionStyle) -> str:
    """Return text in other colours, and the style's own ones after it."""
    before = "".join(_tag(number, each) for number, each in ((1, colour), (3, outline)) if each)
    after = "".join(
        _tag(number, own)
        for number, each, own in ((1, colour, look.colour), (3, outline, look.outline_colour))
        if each
    )
    return f"{{{before}}}{text}{{{after}}}" if before else text


def _tag(number: int, colour: str) -> str:
    """Return the override of a colour and its alpha."""
    whole = _colour(colour)
    return rf"\{number}c&H{whole[4:]}&\{number}a&H{whole[2:4]}&"


def _cased(text: str, look: CaptionStyle) -> str:
    return text.upper() if look.capitals else text


def _event(cue: Cue, text: str) -> str:
    name = re.sub(r"[\s,{}\\]+", " ", cue.speaker).strip()
    start, end = (_clock(time_s) for time_s in (cue.start_s, cue.end_s))
    return f"Dialogue: 0,{start},{end},Caption,{name},0,0,0,,{text}"


def _colour(colour: str) -> str:
    """Return "#RRGGBBAA" as ASS writes it: alpha (0 is opaque), blue, green, red."""
    red, green, blue, alpha = colour[1:3], colour[3:5], colour[5:7], colour[7:9] or "FF"
    return f"&H{255 - int(alpha, 16):02X}{blue}{green}{red}".upper()


def _clock(time_s: float) -> str:
    hundredths = max(0, round(time_s * 100))
    seconds, hundredths = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}.{hundredths:02d}"
