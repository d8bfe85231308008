"""Whisper on the CPU: faster-whisper's batched pipeline over CTranslate2, in 8-bit integers.

Program: https://github.com/SYSTRAN/faster-whisper (MIT), https://github.com/OpenNMT/CTranslate2.
Its own speech detection is not used: windows come from the given speech, a few at a time, so that
memory stays the same for hours.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from engines.transcription.doubts import Heard, believed
from engines.transcription.files import opened
from engines.transcription.languages import code_of, language_of
from engines.transcription.pocketsphinx import joined
from engines.transcription.sphinx_worker import RATE_HZ
from engines.transcription.tokens import SHORTEST_S, shared_out
from engines.transcription.windows import WINDOW_S, Window, cut, heard, packed, three_of
from media.audio import AudioFile
from media.listen import Wave
from media.speech import Span, Transcript, Word
from studio.progress import Progress

NEEDED = ("config.json", "model.bin", "tokenizer.json")
FRAMES = 3000  # of a window, 10 ms each


class FasterWhisper:
    """A Whisper that was converted for CTranslate2.

    Args:
        weights: folder in the layout of `Systran/faster-whisper-*`.
        compute: what it computes in ("int8", "int8_float16", "float32").
        device: "cpu" or "cuda" (CTranslate2 needs the libraries of CUDA 12 then).
        batch: how many windows are heard at once.
        beam: how many ways of saying it are followed.
        threads: 0: as the machine allows.
    """

    def __init__(
        self,
        *,
        weights: Path,
        compute: str = "int8",
        device: str = "cpu",
        batch: int = 8,
        beam: int = 1,
        threads: int = 0,
    ) -> None:
        self._weights, self._compute, self._device = weights, compute, device
        self._batch, self._beam, self._threads = batch, beam, threads
        self._model: Any = None

    def unload(self) -> None:
        """Give the memory back; the next call reads the files again."""
        self._model = None

    def transcribe(
        self, audio: AudioFile, speech: Sequence[Span], language: str, progress: Progress
    ) -> Transcript:
        """Return the words with their times. See `engines.roles.Transcriber`.

        `Transcript.confidence` is the probability of the language; 1 where it was given.

        Raises:
            BadInput: if it does not know the language.
            MissingWeights: if its files are not there.
        """
        wanted = code_of(language) if language else ""
        spans = tuple(joined(speech, audio.duration_s))
        windows = packed(tuple(cut(audio, spans)))
        if not windows:
            return Transcript(language or "en", (), 0.0)
        total_s, done_s, sure = int(sum(each.duration_s for each in spans)), 0.0, 1.0
        progress(0, total_s)
        model = self._loaded()
        if not wanted:
            chosen = three_of(windows)
            wanted, sure = _language(model, [heard(audio, each) for each in chosen])
            progress(0, total_s)
        found: list[Heard] = []
        for at in range(0, len(windows), self._batch):
            batch = windows[at : at + self._batch]
            before_s = int(done_s)
            found += self._batch_heard(audio, batch, wanted, lambda: progress(before_s, total_s))  # noqa: B023
            done_s += sum(span.duration_s for window in batch for span in window.speech)
            progress(min(total_s, int(done_s)), total_s)
        words, left_out = believed(found, spans)
        return Transcript(language_of(wanted), words, round(sure, 4), left_out)

    def _loaded(self) -> Any:
        if self._model is None:
            faster: Any = import_module("faster_whisper")
            self._model = opened(
                self._weights,
                NEEDED,
                lambda: faster.WhisperModel(
                    str(self._weights),
                    device=self._device,
                    compute_type=self._compute,
                    cpu_threads=self._threads,
                    local_files_only=True,
                ),
            )
        return self._model

    def _batch_heard(
        self, audio: AudioFile, windows: Sequence[Window], code: str, check: Callable[[], None]
    ) -> Iterator[Heard]:
        """Yield the utterances of a few windows on the clock of the track.

        The windows stand 30 s apart in one wave, so that each utterance tells whose it is.
        """
        pipeline: Any = import_module("faster_whisper").BatchedInferencePipeline(self._model)
        slot = round(WINDOW_S * RATE_HZ)
        wave = np.zeros(slot * len(windows), np.float32)
        clips: list[dict[str, float]] = []
        for index, window in enumerate(windows):
            check()
            sound = heard(audio, window)[:slot]
            wave[index * slot : index * slot + sound.size] = sound
            start_s = index * WINDOW_S
            clips.append({"start": start_s, "end": start_s + sound.size / RATE_HZ})
        segments, _ = pipeline.transcribe(
            wave,
            language=code,
            clip_timestamps=clips,
            batch_size=len(windows),
            beam_size=self._beam,
            without_timestamps=False,
            word_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=False,
            temperature=[0.0],
        )
        for segment in segments:
            check()
            index = int(segment.seek) // FRAMES
            window = windows[index]
            shift_s = window.start_s - index * WINDOW_S
            if words := _words(segment, window, shift_s):
                yield Heard(
                    words=words, log_prob=segment.avg_logprob, no_speech=segment.no_speech_prob
                )


def _language(model: Any, waves: Sequence[Wave]) -> tuple[str, float]:
    """Return the likeliest language of all waves together, and its probability."""
    chances: dict[str, float] = {}
    for wave in waves:
        for code, chance in model.detect_language(audio=wave)[2]:
            chances[code] = chances.get(code, 0.0) + chance / len(waves)
    best = max(chances, key=lambda code: chances[code])
    return best, min(1.0, chances[best])


def _words(segment: Any, window: Window, shift_s: float) -> tuple[Word, ...]:
    """Return the words of a segment inside its window; shared out where it gives no times."""
    own = Span(
        max(window.start_s, min(window.end_s - SHORTEST_S, segment.start + shift_s)),
        min(window.end_s, max(window.start_s + SHORTEST_S, segment.end + shift_s)),
    )
    if not segment.words:
        return shared_out(segment.text, own, window.speech, round(exp(segment.avg_logprob), 4))
    found: list[Word] = []
    before_s = window.start_s
    for each in segment.words:
        text = each.word.strip()
        start_s = float(min(window.end_s - 0.01, max(before_s, each.start + shift_s)))
        end_s = float(min(window.end_s, max(start_s + 0.01, each.end + shift_s)))
        if any(c.isalnum() for c in text):
            sure = round(min(1.0, max(0.0, each.probability)), 4)
            found.append(Word(text, round(start_s, 3), round(end_s, 3), sure))
            before_s = start_s
    return tuple(found)
