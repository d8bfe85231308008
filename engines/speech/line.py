"""What every speaking program needs: text without markup, a read take, quiet ends cut off."""

import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from engines.plain import one_line
from engines.roles import Speech
from media.audio import Audio
from studio.errors import BadInput

KEPT_S = 0.01  # of silence at each end
FRAME_S = 0.005
QUIET_DB = -42.0  # below the loudest frame
MAX_RATE, MIN_RATE = 2.5, 0.4
VARIATION = 0.02
PAUSE_S = 0.15  # between the pieces of a line that is too long for an engine
_ENDS = (
    re.compile(r"[.!?…。！？]+[\"”»')]*(?=\s|$)|[。！？]"),
    re.compile(r"[,;:،、，；：]|\s[–—-](?=\s)"),
)
# Read as commands by one program or another: SSML, espeak-ng's [[phonemes]], escapes.
_MARKUP = re.compile(r"[<>\[\]{}\\^|~`_#*]")


def clean(text: str) -> str:
    """Return `text` on one line, without control characters and markup.

    Raises:
        BadInput: if nothing is left that can be spoken.
    """
    plain = " ".join(_MARKUP.sub(" ", one_line(text)).split())
    if not any(c.isalnum() for c in plain):
        raise BadInput(f"there is nothing to speak in {text!r}", remedy="Write a word.")
    return plain


def check_rate(rate: float) -> float:
    """Return `rate`.

    Raises:
        BadInput: if no engine can speak that slowly or fast.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise BadInput(
            f"a speaking rate of {rate:g} is not possible",
            remedy=f"Choose {MIN_RATE:g} to {MAX_RATE:g}.",
        )
    return rate


def pieces(text: str, most: int) -> tuple[str, ...]:
    """Return `text` in pieces of at most `most` characters: an engine babbles beyond its limit.

    Cut after a sentence where one ends in the second half of what fits, else after a clause, else
    between words; a word that is longer than `most` is cut itself.
    """
    rest, found = text.strip(), list[str]()
    while len(rest) > most:
        head = rest[: most + 1]
        stop = next((s for s in (_end(head, e, most) for e in _ENDS) if s > most // 2), 0)
        stop = stop or head.rfind(" ") if " " in head else most
        stop = stop if stop > 0 else most
        found.append(rest[:stop].strip())
        rest = rest[stop:].strip()
    return (*found, rest) if rest else tuple(found)


def _end(head: str, ends: re.Pattern[str], most: int) -> int:
    """Return the index behind the last such end that fits, 0 if there is none."""
    stops = [found.end() for found in ends.finditer(head) if found.end() <= most]
    return stops[-1] if stops else 0


def joined(parts: Sequence[Audio], pause_s: float = PAUSE_S) -> Audio:
    """Return the sounds after one another, (1, samples) each, with a short pause between."""
    rate_hz = parts[0].sample_rate_hz
    pause = np.zeros((1, round(pause_s * rate_hz)), np.float32)
    row = [piece for part in parts for piece in (pause, part.samples)][1:]
    return Audio(np.concatenate(row, axis=1), rate_hz)


def variation(seed: int, salt: str) -> float:
    """Return a number in ±0.02 that stands for `seed`; 0 for seed 0: the voice as it is."""
    if seed == 0:
        return 0.0
    first = hashlib.sha256(f"{salt}:{seed}".encode()).digest()[:4]
    return (int.from_bytes(first, "big") / 0xFFFFFFFF * 2 - 1) * VARIATION


def spoken(text: str, program: Callable[[Path, Path], None]) -> Speech:
    """Let a program speak into a file and return the take without its quiet ends.

    Args:
        text: cleaned.
        program: called with the path of a UTF-8 text file, and of the WAV file to write.

    Raises:
        BadInput: if what it wrote is silent.
    """
    with tempfile.TemporaryDirectory(prefix="speak-") as folder:
        source, target = Path(folder) / "line.txt", Path(folder) / "line.wav"
        source.write_text(text + "\n", encoding="utf-8")
        program(source, target)
        audio = trimmed(_read(target))
    if not audio.samples.size:
        raise BadInput(
            f"the voice finds nothing to say in {text!r}",
            remedy="Write it with letters of the voice's language.",
        )
    return Speech(audio)


def _read(path: Path) -> Audio:
    if not path.exists():
        return Audio(np.zeros((1, 0), np.float32), 16_000)
    frames, sample_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(frames[:, :1].T, dtype=np.float32)
    return Audio(mono, sample_rate_hz)


def trimmed(audio: Audio) -> Audio:
    """Return `audio`, (1, samples), with at most 20 ms of silence at both ends; empty if silent."""
    hop = max(1, round(FRAME_S * audio.sample_rate_hz))
    level_db = _levels_db(audio.samples[0], hop)
    if not level_db.size or float(level_db.max()) < -80.0:
        return Audio(audio.samples[:, :0], audio.sample_rate_hz)
    loud = np.flatnonzero(level_db > float(level_db.max()) + QUIET_DB)
    kept = round(KEPT_S * audio.sample_rate_hz)
    start = max(0, int(loud[0]) * hop - kept)
    stop = min(audio.samples.shape[1], (int(loud[-1]) + 1) * hop + kept)
    return Audio(np.ascontiguousarray(audio.samples[:, start:stop]), audio.sample_rate_hz)


def _levels_db(samples: NDArray[np.float32], hop: int) -> NDArray[np.float64]:
    count = -(-samples.size // hop)
    padded = np.pad(samples.astype(np.float64), (0, count * hop - samples.size))
    return 10 * np.log10(np.square(padded.reshape(count, hop)).mean(axis=1) + 1e-12)
