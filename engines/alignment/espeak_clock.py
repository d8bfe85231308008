"""Words and sounds of a known text, by warping a synthetic reading onto the real one.

eSpeak NG speaks the text and says when each word and sound begins; dynamic time warping between the
cepstra of both readings carries those times over. Any voice, any of its hundred languages.
Source of the method: Malfrère, Dutoit, High-quality speech synthesis for phonetic speech
segmentation (1997); Müller, Information Retrieval for Music and Motion (2007), chapter 4.
"""

import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from engines.catalog import entry
from engines.espeak import voice_of
from engines.roles import Aligned, Phone
from media.audio import Audio
from media.program import ask_program
from media.speech import Word
from studio.errors import BadInput

RATE_HZ, HOP = 16_000, 160
CEPSTRA = 13
MOST_S = 60.0  # the warping's table grows with the square of it
TIMEOUT_S = 60.0
PAUSE_HOP_S, SHORTEST_PAUSE_S, QUIET_DB = 0.01, 0.12, -35.0
WORKER = Path(__file__).with_name("espeak_worker.py")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What eSpeak NG said: words as (start_s, first character), sounds as (start_s, IPA)."""

    audio: Audio
    words: tuple[tuple[float, int], ...]
    phones: tuple[tuple[float, str], ...]


class EspeakClock:
    """Aligns one sentence or a few at a time, up to a minute."""

    def align(self, audio: Audio, text: str, language: str) -> Aligned:
        """Return words and sounds with their times. See `engines.roles.PhoneAligner`."""
        known = entry("espeak-clock").languages
        if language not in known:
            raise BadInput(
                f"the aligner does not know {language!r}",
                remedy=f"Choose one of {', '.join(known)}.",
            )
        if audio.duration_s > MOST_S:
            raise BadInput(
                f"a sentence of {audio.duration_s:.0f} s is too long to align",
                remedy="Split it into shorter sentences.",
            )
        tokens = [(each.group(), each.start()) for each in re.finditer(r"\S+", text)]
        reading = _read_aloud(text, voice_of(language))
        if not tokens or not reading.phones or audio.duration_s < 0.05:
            return Aligned((), ())
        carry = _warping(reading.audio, audio)
        phones = _phones(reading, carry, audio.duration_s)
        words = _words(tokens, reading, carry, phones)
        return Aligned(_out_of_silence(words, audio), phones)


def _read_aloud(text: str, voice: str) -> _Reading:
    with tempfile.TemporaryDirectory(prefix="align-") as folder:
        path = Path(folder) / "reading.wav"
        asked = json.dumps({"text": text, "voice": voice, "wave": str(path)})
        said = ask_program([sys.executable, str(WORKER)], stdin=asked, timeout_s=TIMEOUT_S)
        told: dict[str, Any] = json.loads("\n".join(said))
        frames, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return _Reading(
        Audio(np.ascontiguousarray(frames.T, dtype=np.float32), rate_hz),
        tuple((start_s, first) for start_s, first, _ in told["words"]),
        tuple((start_s, symbol) for start_s, symbol in told["phones"]),
    )


@dataclass(frozen=True, slots=True)
class _Warping:
    """Times of one reading and of the other, both rising."""

    from_s: NDArray[np.float64]
    to_s: NDArray[np.float64]

    def __call__(self, at_s: float) -> float:
        return float(np.interp(at_s, self.from_s, self.to_s))


def _warping(reading: Audio, real: Audio) -> _Warping:
    import librosa  # noqa: PLC0415 - slow to import

    rows, columns = (_cepstra(each) for each in (reading, real))
    path: NDArray[np.int64] = librosa.sequence.dtw(rows, columns, metric="euclidean")[1][::-1]
    steps, first = np.unique(path[:, 0], return_index=True)
    last = np.append(first[1:], len(path)) - 1
    middle = (path[first, 1] + path[last, 1]) / 2
    hop_s = HOP / RATE_HZ
    return _Warping(np.asarray(steps * hop_s, np.float64), np.asarray(middle * hop_s, np.float64))


def _cepstra(audio: Audio) -> NDArray[np.float32]:
    """Return (13, frames), each row with mean 0 and variance 1: voices differ, sounds remain."""
    import librosa  # noqa: PLC0415 - slow to import

    samples = audio.mono().resampled(RATE_HZ).samples[0]
    found = librosa.feature.mfcc(
        y=samples, sr=RATE_HZ, n_mfcc=CEPSTRA, n_fft=512, hop_length=HOP, n_mels=40
    )
    return (found - found.mean(axis=1, keepdims=True)) / (found.std(axis=1, keepdims=True) + 1e-6)


def _phones(reading: _Reading, carry: _Warping, duration_s: float) -> tuple[Phone, ...]:
    starts = [min(carry(start_s), duration_s) for start_s, _ in reading.phones]
    ends = [*starts[1:], duration_s]
    return tuple(
        Phone(symbol, start_s, end_s)
        for (_, symbol), start_s, end_s in zip(reading.phones, starts, ends, strict=True)
        if end_s > start_s and symbol.strip("_ ")
    )


def _out_of_silence(words: tuple[Word, ...], audio: Audio) -> tuple[Word, ...]:
    """Let no word begin in a pause: the warping may lay a silence on either side of a word."""
    hop = max(1, round(PAUSE_HOP_S * audio.sample_rate_hz))
    samples = audio.samples[0].astype(np.float64)
    power = np.array(
        [np.square(samples[at : at + hop]).mean() for at in range(0, samples.size, hop)]
    )
    heard = power > power.max(initial=0.0) * 10 ** (QUIET_DB / 10)
    moved: list[Word] = []
    for word in words:
        first, last = (int(at_s / PAUSE_HOP_S) for at_s in (word.start_s, word.end_s))
        sounding = np.flatnonzero(heard[first:last])
        start_s = word.start_s
        if sounding.size and sounding[0] * PAUSE_HOP_S > SHORTEST_PAUSE_S:
            start_s = (first + int(sounding[0])) * PAUSE_HOP_S
        moved.append(Word(word.text, start_s, word.end_s))
    return tuple(moved)


def _words(
    tokens: list[tuple[str, int]],
    reading: _Reading,
    carry: _Warping,
    phones: tuple[Phone, ...],
) -> tuple[Word, ...]:
    """Give each word of the text the time of the reading's word that begins in it."""
    end_s = phones[-1].end_s if phones else float(carry.to_s[-1])
    starts: list[float | None] = []
    for text, first in tokens:
        inside = [s for s, place in reading.words if first <= place < first + len(text)]
        starts.append(carry(min(inside)) if inside else None)
    times = np.array([np.nan if each is None else each for each in starts])
    known = np.flatnonzero(~np.isnan(times))
    if not known.size:
        times = np.linspace(0, end_s, len(tokens) + 1)[:-1]
    else:  # a word that was read together with its neighbour gets a share of its time
        places = np.append(known, len(tokens))
        times = np.interp(np.arange(len(tokens)), places, np.append(times[known], end_s))
    times = np.maximum.accumulate(times)
    ends = np.append(times[1:], end_s)
    return tuple(
        Word(text, float(start_s), float(max(start_s, stop_s)))
        for (text, _), start_s, stop_s in zip(tokens, times, ends, strict=True)
    )
