"""Subtitle files: SRT, VTT, ASS and TTML read however broken, SRT and VTT written clean."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from media.cues import Cue, plain_text, shared_out, split_speakers, with_speakers
from media.ttml import parse_ttml
from studio.errors import BadInput

MOST_BYTES = 20 << 20
MOST_CUES = 100_000
ROLLING_SHARE = 0.3
REMEDY = "Give SRT, VTT, ASS or TTML subtitles."

_STAMP = r"(-?(?:\d+\s*:\s*)?\d+\s*:\s*\d{1,2}(?:\s*[.,:]\s*\d{1,3})?)"
_TIMING = re.compile(rf"^\s*{_STAMP}\s*-{{1,3}}\s*>\s*{_STAMP}(?!\S)")
_ARROW = re.compile(r"^[^\n]{0,40}-->[^\n]{0,60}$")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HIGH_RUN = re.compile(r"[^\W\d_a-zA-Z]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was in a subtitle file, in order of time, and what could not be used."""

    cues: tuple[Cue, ...]
    format: str  # "srt", "vtt", "ass", "ttml", or another that pysubs2 knows
    warnings: tuple[str, ...]


def read_subtitles(path: Path, name: str = "") -> tuple[Cue, ...]:
    """Return the subtitles of a file, in order of time.

    Args:
        path: the file.
        name: how the user calls it, for messages; the format is told from the content.

    Raises:
        BadInput: if there is not one subtitle in it.
    """
    return inspect_subtitles(path, name).cues


def inspect_subtitles(path: Path, name: str = "") -> Reading:
    """Return the subtitles of a file and what was wrong with it.

    Raises:
        BadInput: if there is not one subtitle in it.
    """
    name = name or path.name
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadInput(f"{name} has {size >> 20} MB, too much for subtitles", remedy=REMEDY)
    return parse_subtitles(path.read_bytes(), name)


def parse_subtitles(data: bytes, name: str) -> Reading:
    """Return the subtitles in `data`; see `inspect_subtitles`."""
    if not data.strip():
        raise BadInput(f"{name} is empty", remedy=REMEDY)
    text = re.sub(r"\r\n?", "\n", _decoded(data, name)).lstrip("\ufeff \n\t")
    head = text[:4000]
    if re.match(r"<\?xml|<(?:\w+:)?tt\b", head):
        paragraphs, lost = parse_ttml(
            text.encode() if "encoding=" not in head[:200] else data, name
        )
        found = [Cue(each.start_s, each.end_s, each.text, each.speaker) for each in paragraphs]
        kind = "ttml"
    elif re.search(r"(?mi)^\[script info\]|^\[events\]|^dialogue:", head):
        (found, lost), kind = _parse_ass(text), "ass"
    else:
        found, lost = _parse_timed(text)
        kind = "vtt" if head.startswith("WEBVTT") else "srt"
        if not found and not lost:
            found, kind = _parse_other(text, name)
    cues = _tidy(found)
    if not cues:
        raise BadInput(f"there is not one subtitle in {name}", remedy=REMEDY)
    if len(cues) > MOST_CUES:
        raise BadInput(f"{name} has {len(cues)} subtitles", remedy=f"Give at most {MOST_CUES}.")
    warnings = (
        (f"{lost} subtitles of {name} have no usable time and were skipped.",) if lost else ()
    )
    return Reading(cues, kind, warnings)


def write_srt(cues: Sequence[Cue], path: Path) -> Path:
    """Write SRT, UTF-8; the texts are plain, so what looks like a tag is shown as it is."""
    blocks = (
        f"{index}\n{_stamp(cue.start_s, ',')} --> {_stamp(cue.end_s, ',')}\n{_one_block(cue.text)}\n"
        for index, cue in enumerate(cues, start=1)
    )
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")
    return path


def write_vtt(cues: Sequence[Cue], path: Path) -> Path:
    """Write WebVTT, with speakers as voices."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        text = _escaped(_one_block(cue.text))
        if cue.speaker:
            text = f"<v {_escaped(' '.join(cue.speaker.split()))}>{text}"
        blocks.append(f"{_stamp(cue.start_s, '.')} --> {_stamp(cue.end_s, '.')}\n{text}\n")
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")
    return path


def _decoded(data: bytes, name: str) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    sample = data[:4096]
    zeros = (sample[::2].count(0), sample[1::2].count(0))
    if max(zeros) > len(sample) // 5:
        return data.decode("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be", "replace")
    if 0 in sample:
        raise BadInput(f"{name} is not a text file", remedy=REMEDY)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> str:
    """Decode a text of before Unicode: Western if its special letters stand alone, else by statistics."""
    try:
        western = data.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    runs = _HIGH_RUN.findall(western)
    if western and sum(map(len, runs)) <= 1.5 * len(runs):
        return western
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, seldom needed

    best = from_bytes(data).best()
    return str(best) if best is not None else data.decode("latin-1")


def _parse_timed(text: str) -> tuple[list[Cue], int]:
    """Read SRT or VTT: whatever stands below a line of times, up to an empty line or the next times."""
    found: list[Cue] = []
    lost = 0
    lines = text.split("\n")
    timed = [
        (i, _TIMING.match(line)) for i, line in enumerate(lines) if "-" in line and ">" in line
    ]
    for i, match in timed:
        body = _body(lines, i + 1)
        if match is None:
            lost += bool(_ARROW.match(lines[i]))
            continue
        start_s, end_s = (_seconds(match[group]) for group in (1, 2))
        if start_s < 0 or end_s <= start_s:
            lost += 1
        elif body.strip():
            found.append(Cue(start_s, end_s, body))
    numbered = re.findall(r"(?m)^\d+ *\n(?![^\n]*-->)(?=[^\n]*\S)(?!\d+ *\n)", text)
    is_srt = not text.startswith("WEBVTT")
    orphans = sum(1 for _ in numbered) if is_srt and found else 0
    return found, lost + orphans


def _body(lines: Sequence[str], start: int) -> str:
    body: list[str] = []
    for i in range(start, len(lines)):
        line = lines[i]
        if not line.strip():
            break
        following = lines[i + 1] if i + 1 < len(lines) else ""
        if _TIMING.match(line) or (line.strip().isdigit() and _TIMING.match(following)):
            break
        body.append(line)
    return "\n".join(body)


def _parse_ass(text: str) -> tuple[list[Cue], int]:
    """Read the events of ASS or SSA; comments and drawings are none."""
    order = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect"]
    order.append("text")
    found: list[Cue] = []
    lost = 0
    in_events = "[events]" not in text.lower()
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        kind = key.strip().lower()
        if kind.startswith("["):
            in_events = kind.startswith("[events]")
        elif in_events and kind == "format":
            order = [each.strip().lower() for each in value.split(",")]
        elif in_events and kind == "dialogue":
            fields = dict(zip(order, value.split(",", len(order) - 1), strict=False))
            start_s, end_s = (_clock(fields.get(each, "")) for each in ("start", "end"))
            if start_s is None or end_s is None or end_s <= start_s:
                lost += 1
            elif not re.search(r"\\p[1-9]", words := fields.get("text", "")):
                found.append(Cue(start_s, end_s, words, plain_text(fields.get("name", ""))))
    return found, lost


def _parse_other(text: str, name: str) -> tuple[list[Cue], str]:
    """Read what else pysubs2 knows (MicroDVD, SAMI, MPL2, …)."""
    import pysubs2  # noqa: PLC0415 - seldom needed
    from pysubs2.exceptions import Pysubs2Error  # noqa: PLC0415

    try:
        file = pysubs2.SSAFile.from_string(text)
    except (Pysubs2Error, ValueError, IndexError, KeyError, AttributeError) as error:
        raise BadInput(f"{name} holds no subtitles that can be read", remedy=REMEDY) from error
    cues = [
        Cue(each.start / 1000, each.end / 1000, each.plaintext, each.name)
        for each in file
        if each.end > each.start >= 0 and not each.is_comment
    ]
    return cues, str(file.format or "unknown")


def _tidy(found: Sequence[Cue]) -> tuple[Cue, ...]:
    """Clean the texts, part the speakers, sort, and take out what rolls from cue to cue."""
    cues: list[Cue] = []
    for cue in sorted(found, key=lambda each: (each.start_s, each.end_s)):
        parts = split_speakers(cue.text)
        times = shared_out(cue.start_s, cue.end_s, [text for _, text in parts])
        for (speaker, text), (start_s, end_s) in zip(parts, times, strict=True):
            cues.append(Cue(start_s, end_s, text, speaker or cue.speaker))
    return with_speakers(_unrolled(cues))


def _unrolled(cues: Sequence[Cue]) -> list[Cue]:
    """Drop the lines that a cue repeats from the one before, as in captions made while someone speaks."""
    repeats = sum(
        "\n" in b.text and b.text.split("\n")[0] == a.text.split("\n")[-1]
        for a, b in pairwise(cues)
    )
    if len(cues) < 4 or repeats < ROLLING_SHARE * len(cues):
        return list(cues)
    kept: list[Cue] = []
    before: list[str] = []
    for cue in cues:
        lines = cue.text.split("\n")
        new = lines[1:] if before and lines[0] == before[-1] else lines
        before = lines
        if new:
            kept.append(replace(cue, text="\n".join(new)))
    return kept


def _seconds(stamp: str) -> float:
    return _clock(re.sub(r"\s", "", stamp)) or 0.0


def _clock(stamp: str) -> float | None:
    """Return the seconds of "1:02:03.45", "02:03,450" or "1:02:03:450"; None if it is no time."""
    match = re.fullmatch(r"\s*(-?)(?:(\d+):)?(\d+):(\d{1,2})(?:[.,:](\d{1,3}))?\s*", stamp)
    if match is None:
        return None
    whole = int(match[2] or 0) * 3600 + int(match[3]) * 60 + int(match[4])
    milliseconds = whole * 1000 + int(f"{match[5] or 0:0<3}")
    return milliseconds / 1000 * (-1 if match[1] else 1)


def _stamp(time_s: float, point: str) -> str:
    milliseconds = max(0, round(time_s * 1000))
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{milliseconds:03d}"


def _one_block(text: str) -> str:
    """Return the text without empty lines and arrows, which would end or start a cue."""
    lines = (line.strip().replace("-->", "→") for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
