"""TTML subtitles (also DFXP and IMSC): an XML reader that refuses entities and DTDs."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from studio.errors import BadInput

_CLOCK = re.compile(r"^(\d+):(\d{1,2}):(\d{1,2})(?:[.,](\d+)|:(\d+(?:\.\d+)?))?$")
_OFFSET = re.compile(r"^(\d+(?:\.\d+)?)(h|m|s|ms|f|t)$")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class TtmlCue:
    """A paragraph: its text with newlines, and who speaks."""

    start_s: float
    end_s: float
    text: str
    speaker: str


@dataclass(slots=True)
class _Reader:
    """Collects paragraphs while expat walks through the file."""

    cues: list[TtmlCue] = field(default_factory=list[TtmlCue])
    skipped: int = 0
    rates: dict[str, float] = field(default_factory=lambda: {"f": 30.0, "t": 1.0})
    names: dict[str, str] = field(default_factory=dict[str, str])
    offsets: list[float] = field(default_factory=lambda: [0.0])
    text: list[str] | None = None
    paragraph: dict[str, str] = field(default_factory=dict[str, str])
    agent: str = ""
    is_name: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag, given = _local(name), {_local(key): value for key, value in attributes.items()}
        if tag == "tt":
            self._read_rates(given)
        elif tag in {"body", "div"}:
            self.offsets.append(self.offsets[-1] + (self._time(given.get("begin", "")) or 0.0))
        elif tag == "p":
            self.text, self.paragraph = [], given
        elif tag == "br" and self.text is not None:
            self.text.append("\n")
        elif tag == "span" and self.text is not None:
            self.paragraph.setdefault("agent", given.get("agent", ""))
        elif tag == "agent":
            self.agent = given.get("id", "")
        self.is_name = tag == "name"

    def end(self, name: str) -> None:
        tag = _local(name)
        self.is_name = False
        if tag in {"body", "div"}:
            self.offsets.pop()
        elif tag == "p" and self.text is not None:
            self._keep("".join(self.text))
            self.text = None

    def characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(re.sub(r"\s+", " ", text))
        elif self.is_name:
            self.names[self.agent] = self.names.get(self.agent, "") + text.strip()

    def _keep(self, text: str) -> None:
        begin, end = (self._time(self.paragraph.get(key, "")) for key in ("begin", "end"))
        length = self._time(self.paragraph.get("dur", ""))
        if begin is not None and end is None and length is not None:
            end = begin + length
        if begin is None or end is None or end <= begin:
            self.skipped += bool(text.strip())
            return
        shift = self.offsets[-1]
        agent = self.paragraph.get("agent", "")
        speaker = self.names.get(agent, agent)
        self.cues.append(TtmlCue(begin + shift, end + shift, text, speaker))

    def _read_rates(self, given: dict[str, str]) -> None:
        frames, ticks = given.get("frameRate", ""), given.get("tickRate", "")
        if re.fullmatch(r"[1-9]\d{0,3}", frames):
            self.rates["f"] = self.rates["t"] = float(frames)
        factor = re.fullmatch(r"([1-9]\d*) ([1-9]\d*)", given.get("frameRateMultiplier", ""))
        if factor:
            self.rates["f"] *= int(factor[1]) / int(factor[2])
        if re.fullmatch(r"[1-9]\d{0,9}", ticks):
            self.rates["t"] = float(ticks)

    def _time(self, text: str) -> float | None:
        clock, offset = _CLOCK.match(text.strip()), _OFFSET.match(text.strip())
        if clock:
            whole = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
            frames = float(clock[5]) / self.rates["f"] if clock[5] else 0.0
            return whole + (float(f"0.{clock[4]}") if clock[4] else frames)
        if offset:
            unit = offset[2]
            return float(offset[1]) * (_SECONDS.get(unit) or 1 / self.rates[unit])
        return None


def parse_ttml(data: bytes, name: str) -> tuple[list[TtmlCue], int]:
    """Return the paragraphs that have times, and how many had none.

    Args:
        data: the file; its XML declaration tells its encoding.
        name: of the file, for messages.

    Raises:
        BadInput: if it is no XML, or brings a document type or entities of its own.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise BadInput(
            f"{name} brings its own document type or entities, which are not read",
            remedy="Export the subtitles as SRT or VTT.",
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadInput(
            f"{name} is not whole XML ({error})", remedy="Export the subtitles again."
        ) from error
    return reader.cues, reader.skipped


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
