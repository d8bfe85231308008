"""Word times by forced alignment: a wav2vec 2.0 with letters, and the text as it is spoken.

Network: Baevski et al. 2020, https://huggingface.co/docs/transformers/model_doc/wav2vec2; the way
(alignment of what another model wrote, a wildcard for unknown characters) is that of WhisperX,
https://github.com/m-bain/whisperX. One aligner knows one language.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.networks import device_of, pretrained
from engines.transcription.ctc import Emitted, LogProbs, aligned, with_wildcard
from engines.transcription.files import opened
from engines.transcription.written import spoken_words
from media.audio import AudioFile
from media.listen import Wave, mono_cut
from media.speech import Transcript, Word
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

RATE_HZ = 16_000
NEEDED = ("config.json", "vocab.json")
LONGEST_S = 30.0  # of what is aligned at once
AROUND_S = 0.5  # so far a word may lie from where it was thought to be
SHORTEST_SAMPLES = 400  # what the network's first layers need
BETWEEN_WORDS = "|"


@dataclass(frozen=True, slots=True)
class _Letters:
    """The characters that the network knows."""

    columns: Mapping[str, int]
    blank: int

    def of(self, text: str, wildcard: int) -> list[int]:
        """Return the columns of a word's letters; letters that are unknown: `wildcard`."""
        found: list[int] = []
        for character in text:
            forms = (character, character.lower(), character.upper())
            column = next((self.columns[each] for each in forms if each in self.columns), None)
            if column is not None:
                found.append(column)
            elif character.isalnum():
                found.append(wildcard)
        return found


class CtcAligner:
    """A `Wav2Vec2ForCTC` of the hub's format.

    Args:
        weights: folder in the official layout.
        language: the one it knows, ISO 639-1.
        dtype: of the network, a name of torch's.
    """

    def __init__(self, *, weights: Path, language: str, dtype: str = "float32") -> None:
        self._weights, self._language, self._dtype = weights, language, dtype
        self._network: Any = None
        self._letters = _Letters({}, 0)
        self._normalises = True

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the network as "aligner"; the first call reads the files.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if the files are not those of such a network.
        """
        if self._network is None:
            self._network = opened(self._weights, NEEDED, self._read)
        return {"aligner": self._network}

    def align(self, audio: AudioFile, transcript: Transcript, progress: Progress) -> Transcript:
        """Return the words with their times as they are heard. See `engines.roles.Aligner`."""
        if transcript.language != self._language:
            told = (
                "The times of the words are the recogniser's own: the aligner knows "
                f"{self._language!r}, and this is {transcript.language!r}."
            )
            return replace(transcript, warnings=(*transcript.warnings, told))
        if not transcript.words:
            return transcript
        self.networks()
        chunks = _chunks(transcript.words)
        total_s, words = int(audio.duration_s), list[Word]()
        for chunk, (from_s, until_s) in zip(
            chunks, _borders(chunks, audio.duration_s), strict=True
        ):
            progress(int(min(from_s, total_s)), total_s)
            wave = mono_cut(audio, RATE_HZ, from_s, until_s)
            words += self._chunk(chunk, wave, from_s)
        progress(total_s, total_s)
        return replace(transcript, words=_in_order(words))

    def _read(self) -> Any:
        from transformers.models.wav2vec2 import Wav2Vec2ForCTC  # noqa: PLC0415 - heavy

        network = pretrained(Wav2Vec2ForCTC, self._weights, self._dtype)
        text = (self._weights / "vocab.json").read_text(encoding="utf-8")
        columns: dict[str, int] = json.loads(text)
        blank = int(network.config.pad_token_id)
        known = {
            each: column
            for each, column in columns.items()
            if len(each) == 1 and column != blank and each != BETWEEN_WORDS
        }
        bar = columns.get(BETWEEN_WORDS)
        self._letters = _Letters(known if bar is None else {**known, " ": bar}, blank)
        about = self._weights / "preprocessor_config.json"
        if about.is_file():
            self._normalises = bool(json.loads(about.read_text()).get("do_normalize", True))
        return network

    def _chunk(self, words: Sequence[Word], wave: Wave, start_s: float) -> list[Word]:
        """Return a few words with new times; with the old ones if they do not fit the sound."""
        if wave.size < SHORTEST_SAMPLES:
            return list(words)
        log_probs = with_wildcard(self._log_probs(wave), self._letters.blank)
        wildcard = log_probs.shape[1] - 1
        said = spoken_words([word.text for word in words], self._language)
        labels: list[int] = []
        of_word: list[list[int]] = [[] for _ in words]  # places in `labels`
        gap = self._letters.columns.get(" ")
        for index, spoken in enumerate(said):
            for each in spoken:
                letters = self._letters.of(each, wildcard)
                if not letters:
                    continue
                if labels and gap is not None:
                    labels.append(gap)
                of_word[index] += range(len(labels), len(labels) + len(letters))
                labels += letters
        found = aligned(log_probs, labels, self._letters.blank)
        if found is None:
            return list(words)
        frame_s = wave.size / RATE_HZ / log_probs.shape[0]
        return [
            _timed(word, [found[at] for at in places], start_s, frame_s)
            for word, places in zip(words, of_word, strict=True)
        ]

    def _log_probs(self, wave: Wave) -> LogProbs:
        """Return float32 (frames, letters)."""
        import torch  # noqa: PLC0415 - heavy

        sound: NDArray[np.float32] = wave.astype(np.float32)
        if self._normalises:
            sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        network = self._network
        values = torch.from_numpy(np.ascontiguousarray(sound))[None]
        with torch.inference_mode():
            logits = network(values.to(device_of(network), network.dtype)).logits[0]
        return logits.float().log_softmax(-1).cpu().numpy()


def _timed(word: Word, letters: Sequence[Emitted], start_s: float, frame_s: float) -> Word:
    if not letters:
        return word
    sure = sum(each.probability for each in letters) / len(letters)
    return Word(
        word.text,
        round(start_s + letters[0].first * frame_s, 3),
        round(start_s + letters[-1].last * frame_s, 3),
        round(min(1.0, sure), 4),
    )


def _chunks(words: Sequence[Word], longest_s: float = LONGEST_S) -> list[list[Word]]:
    """Part the words at their longest pauses into chunks of at most `longest_s`."""
    if len(words) < 2 or words[-1].end_s - words[0].start_s <= longest_s:
        return [list(words)] if words else []
    span_s = words[-1].end_s - words[0].start_s
    middle_s = (words[0].start_s + words[-1].end_s) / 2

    def worth(at: int) -> float:
        """A long pause near the middle is worth most."""
        pause_s = words[at].start_s - words[at - 1].end_s
        return max(0.0, pause_s) - 4.0 * abs(words[at].start_s - middle_s) / span_s

    at = max(range(1, len(words)), key=worth)
    return [*_chunks(words[:at], longest_s), *_chunks(words[at:], longest_s)]


def _borders(chunks: Sequence[Sequence[Word]], duration_s: float) -> list[tuple[float, float]]:
    """Return from when to when each chunk is listened to: a little more, never a neighbour's."""
    middles = [(one[-1].end_s + two[0].start_s) / 2 for one, two in pairwise(chunks)]
    firsts, lasts = [0.0, *middles], [*middles, duration_s]
    return [
        (max(first, chunk[0].start_s - AROUND_S), min(last, chunk[-1].end_s + AROUND_S))
        for chunk, first, last in zip(chunks, firsts, lasts, strict=True)
    ]


def _in_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """Keep words that were not found between their neighbours."""
    found: list[Word] = []
    before_s = 0.0
    for word in words:
        start_s = max(word.start_s, before_s)
        end_s = max(word.end_s, start_s + 0.01)
        found.append(replace(word, start_s=round(start_s, 3), end_s=round(end_s, 3)))
        before_s = start_s
    ends = [each.end_s for each in found]
    for at in range(len(found) - 2, -1, -1):
        ends[at] = min(ends[at], ends[at + 1])
    return tuple(
        replace(word, end_s=max(end_s, round(word.start_s + 0.001, 3)))
        for word, end_s in zip(found, ends, strict=True)
    )
