"""What is said, by whom, when. All times in seconds from the first sample of the sound file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: "Span") -> float:
        """Return how many seconds both share."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word as written, with its times; `confidence` is 0..1."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's stretch of speech."""

    speaker: str  # "S1", "S2", … in the order in which they are first heard
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """Words in order of time, and in which language they were heard (ISO 639-1)."""

    language: str
    words: tuple[Word, ...]
    confidence: float = 1.0  # 0..1 over the whole, as the engine rates itself
    warnings: tuple[str, ...] = ()  # what was heard and not believed, in whole sentences
