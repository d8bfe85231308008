"""Whisper by transformers: 30 s windows of speech in batches, greedy, each on its own.

Model: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision",
https://github.com/openai/whisper; batches cut by speech detection as in WhisperX (Bain et al.
2023). No window sees the text of another, so that one invention does not lead to the next.
Word times are shared out inside an utterance; an `Aligner` finds the true ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.networks import device_of, pretrained
from engines.transcription.doubts import Heard, believed
from engines.transcription.files import opened
from engines.transcription.languages import code_of, language_of
from engines.transcription.pocketsphinx import joined
from engines.transcription.sphinx_worker import RATE_HZ
from engines.transcription.tokens import Utterance, shared_out, utterances
from engines.transcription.windows import Window, cut, heard, packed, three_of
from media.audio import AudioFile
from media.listen import Wave
from media.speech import Span, Transcript, Word
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

NEEDED = ("config.json", "preprocessor_config.json")
SILENT_TOKENS = ("<|nospeech|>", "<|nocaptions|>")  # the newer name and the older


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the decoder made of one window."""

    tokens: tuple[int, ...]  # without prompt and end
    log_probs: tuple[float, ...]  # natural, of each token
    no_speech: float


class Whisper:
    """A Whisper of the hub's format (`WhisperForConditionalGeneration`).

    Args:
        weights: folder in the official layout.
        dtype: of the network, a name of torch's.
        batch: how many windows are heard at once; halved where memory is short.
    """

    def __init__(self, *, weights: Path, dtype: str = "float16", batch: int = 16) -> None:
        self._weights, self._dtype, self._batch = weights, dtype, batch
        self._network: Any = None
        self._processor: Any = None

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the network as "whisper"; the first call reads the files.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if the files are not those of a Whisper.
        """
        if self._network is None:
            self._processor, self._network = opened(self._weights, NEEDED, self._read)
        return {"whisper": self._network}

    def transcribe(
        self, audio: AudioFile, speech: Sequence[Span], language: str, progress: Progress
    ) -> Transcript:
        """Return the words with their times. See `engines.roles.Transcriber`.

        `Transcript.confidence` is the probability of the language; 1 where it was given.
        """
        wanted = code_of(language) if language else ""
        spans = tuple(joined(speech, audio.duration_s))
        windows = packed(tuple(cut(audio, spans)))
        if not windows:
            return Transcript(language or "en", (), 0.0)
        self.networks()
        total_s = int(sum(each.duration_s for each in spans))
        told = _Told(progress, total_s)
        told(0.0)
        sure = 1.0
        if not wanted:
            waves = [heard(audio, each) for each in three_of(windows)]
            wanted, sure = self._language(waves)
            told(0.0)
        found: list[Heard] = []
        done_s = 0.0
        for batch, decoded in self._all(audio, windows, wanted, told):
            for window, each in zip(batch, decoded, strict=True):
                found += self._heard(window, each)
            done_s += sum(span.duration_s for window in batch for span in window.speech)
            told(done_s)
        words, left_out = believed(found, spans)
        return Transcript(language_of(wanted), words, round(sure, 4), left_out)

    def _read(self) -> tuple[Any, Any]:
        from transformers.models.whisper import (  # noqa: PLC0415 - heavy
            WhisperForConditionalGeneration,
            WhisperProcessor,
        )

        processor = WhisperProcessor.from_pretrained(self._weights, local_files_only=True)
        network = pretrained(WhisperForConditionalGeneration, self._weights, self._dtype)
        return processor, network

    def _all(
        self, audio: AudioFile, windows: Sequence[Window], code: str, told: "_Told"
    ) -> Iterator[tuple[Sequence[Window], list[_Decoded]]]:
        """Yield the windows in batches with what was heard; smaller ones where memory is short."""
        import torch  # noqa: PLC0415 - heavy

        at, size = 0, self._batch
        while at < len(windows):
            batch = windows[at : at + size]
            try:
                decoded = self._decode([heard(audio, each) for each in batch], code, told.again)
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                size = max(1, len(batch) // 2)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                continue
            yield batch, decoded
            at += len(batch)

    def _encode(self, waves: Sequence[Wave]) -> tuple[Any, "torch.Tensor"]:
        """Return the encoder's output and the log probabilities of the first token.

        Returns:
            A model output, (windows, 1500, width), and float32 (windows, vocabulary).
        """
        import torch  # noqa: PLC0415 - heavy

        network = self._network
        features = self._processor.feature_extractor(
            list(waves), sampling_rate=RATE_HZ, return_tensors="pt"
        ).input_features.to(device_of(network), network.dtype)
        with torch.inference_mode():
            encoded = network.get_encoder()(features)
            start = torch.full(
                (len(waves), 1),
                network.generation_config.decoder_start_token_id,
                device=features.device,
            )
            logits = network(encoder_outputs=encoded, decoder_input_ids=start).logits[:, -1]
        return encoded, logits.float().log_softmax(-1)

    def _language(self, waves: Sequence[Wave]) -> tuple[str, float]:
        """Return the language's code in Whisper and its probability, the mean over the waves."""
        known: dict[str, int] = self._network.generation_config.lang_to_id
        _, first = self._encode(waves)
        chances = first[:, list(known.values())].softmax(-1).mean(0)
        best = int(chances.argmax())
        return list(known)[best].strip("<|>"), float(chances[best])

    def _decode(
        self, waves: Sequence[Wave], code: str, check: Callable[[], None]
    ) -> list[_Decoded]:
        """Return what is said in each wave, all of them at once, greedily."""
        import torch  # noqa: PLC0415 - heavy

        network, tokenizer = self._network, self._processor.tokenizer
        encoded, first = self._encode(waves)
        ids = [tokenizer.convert_tokens_to_ids(each) for each in SILENT_TOKENS]
        silent = next((i for i in ids if i not in {None, tokenizer.unk_token_id}), None)
        quiet: list[float] = [0.0] * len(waves)
        if silent is not None:
            quiet = [float(chance) for chance in first[:, silent].exp()]
        recorder = _Recorder(check)
        with torch.inference_mode():
            made = network.generate(
                encoder_outputs=encoded,
                language=code,
                task="transcribe",
                return_timestamps=True,
                return_dict_in_generate=True,
                force_unique_generate_call=True,
                condition_on_prev_tokens=False,
                do_sample=False,
                num_beams=1,
                logits_processor=[recorder],
            )
        end: int | list[int] = network.generation_config.eos_token_id
        ends = {end} if isinstance(end, int) else set(end)
        found: list[_Decoded] = []
        for row, silence in enumerate(quiet):
            chosen: list[int] = made.sequences[row, recorder.prompt :].tolist()
            length = next((i for i, token in enumerate(chosen) if token in ends), len(chosen))
            log_probs = [float(step[row]) for step in recorder.steps[:length]]
            found.append(_Decoded(tuple(chosen[:length]), tuple(log_probs), float(silence)))
        return found

    def _heard(self, window: Window, decoded: _Decoded) -> Iterator[Heard]:
        """Yield the utterances of a window on the clock of the track."""
        begin = self._network.generation_config.no_timestamps_token_id + 1
        for each in utterances(decoded.tokens, decoded.log_probs, begin, window.duration_s):
            text = self._processor.tokenizer.decode(each.tokens, skip_special_tokens=True)
            if words := _words(text, each, window):
                yield Heard(words=words, log_prob=each.log_prob, no_speech=decoded.no_speech)


def _words(text: str, said: Utterance, window: Window) -> tuple[Word, ...]:
    own = Span(window.start_s + said.start_s, window.start_s + said.end_s)
    sure = round(exp(min(0.0, said.log_prob)), 4)
    return shared_out(text, own, window.speech, sure)


class _Told:
    """Tells how far it is, never less than before."""

    def __init__(self, progress: Progress, total_s: int) -> None:
        self._progress, self._total_s, self._done_s = progress, total_s, 0

    def __call__(self, done_s: float) -> None:
        self._done_s = max(self._done_s, min(self._total_s, int(done_s)))
        self.again()

    def again(self) -> None:
        """Tell the same once more: work goes on, and may be stopped."""
        self._progress(self._done_s, self._total_s)


class _Recorder:
    """The last of the generation's processors: notes how probable each greedy choice is.

    It changes nothing, and it is where a long generation can be stopped.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.prompt = 0  # tokens before the first that was chosen
        self.steps: list[Any] = []  # of each step the log probabilities, (windows,)

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        self._check()
        if not self.steps:
            self.prompt = input_ids.shape[1]
        self.steps.append(scores.float().log_softmax(-1).amax(-1).cpu())
        return scores
