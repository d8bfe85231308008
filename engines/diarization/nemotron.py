"""Who speaks when, by a transformer that remembers voices: Nemotron 3 Diarization (NVIDIA, 2026).

Stock class of transformers: 31 layers over stacked log-mel frames, up to eight voices in the order
in which they are first heard, one frame every 10 ms (Park et al. 2024, "Sortformer"; Medennikov et
al. 2025, "Streaming Sortformer", whose arrival-order speaker cache carries a voice through hours).
It is run in its offline sizes (27 s and 3 s of what comes) chunk by chunk, so that memory does not
grow with the film. 99.2 M parameters, 417 tensors (counted from the class, as in the checkpoint).
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.diarization import ge2e
from engines.diarization.clustering import RATE_HZ, WINDOW_S
from engines.diarization.frames import Chances, Piece, Reading, join, turns_of
from engines.networks import device_of, pretrained
from media.audio import AudioFile
from media.listen import Wave, mono_blocks, mono_cut
from media.speech import Span, Turn
from studio.errors import MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

FILES = ("config.json", "processor_config.json", "model.safetensors")
BLOCK_S = 20.0  # read at once
ALIKE = 0.75  # product of two GE2E vectors from which they are one voice (see `ge2e.Ge2e`)
SAMPLES = 8  # windows that tell what a voice sounds like


class Nemotron:
    """The network in its offline sizes.

    Args:
        weights: folder in the official layout.
        dtype: in which it computes; float32 is what it was made for.
        sure: from this chance on a voice is heard.
        least_s: a shorter turn between others joins one of them.
        piece_s: where more people are asked for than the network has outputs, the film is heard in
            pieces of that length.
        overlap_s: how much two pieces share.
    """

    def __init__(
        self,
        *,
        weights: Path,
        dtype: str = "float32",
        sure: float = 0.5,
        least_s: float = 0.3,
        piece_s: float = 600.0,
        overlap_s: float = 60.0,
    ) -> None:
        self._weights, self._dtype = weights, dtype
        self._reading = Reading(sure=sure, least_s=least_s)
        self._piece_s, self._overlap_s = piece_s, overlap_s

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the network. See `engines.networks.Hosted`."""
        return {"diarizer": self._network}

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns. See `engines.roles.Diarizer`.

        Raises:
            MissingWeights: if they are not there; also if more people are asked for than the
                network has outputs, and the small network that matches pieces is missing.
        """
        speech = [each for each in speech if each.duration_s > 0]
        if not speech:
            return ()
        end_s = min(audio.duration_s, max(each.end_s for each in speech))
        tell = _Teller(speech, progress)
        if speakers > self._network.config.head_config.num_speakers:
            chances = self._in_pieces(audio, end_s, tell)
        else:
            parts = self._listen(mono_blocks(audio, RATE_HZ, BLOCK_S), 0.0, end_s, tell)
            chances = np.concatenate([*parts, np.zeros((0, self._voices), np.float32)])
        tell.upto(audio.duration_s)
        return turns_of(chances, speech, speakers, self._reading)

    def _in_pieces(self, audio: AudioFile, end_s: float, tell: "_Teller") -> Chances:
        """Hear overlapping pieces, each with a fresh memory, and match their voices."""
        pieces: list[Piece] = []
        start_s = 0.0
        while not pieces or start_s + self._overlap_s < end_s:
            wave = mono_cut(audio, RATE_HZ, start_s, min(end_s, start_s + self._piece_s))
            parts = list(self._listen([wave], start_s, end_s, tell))
            chances = np.concatenate([*parts, np.zeros((0, self._voices), np.float32)])
            voices = _portraits(wave, chances, self._reading)
            pieces.append(Piece(round(start_s / self._reading.frame_s), chances, voices))
            start_s += self._piece_s - self._overlap_s
        return join(pieces, sure=self._reading.sure, alike=ALIKE)

    def _listen(
        self, waves: Iterable[Wave], start_s: float, end_s: float, tell: "_Teller"
    ) -> Iterator[Chances]:
        """Yield the chances chunk by chunk, as the network's own offline forward computes them.

        Args:
            waves: 16 kHz, seamless.
            start_s: where in the track they begin.
            end_s: up to where in the track anybody wants to know.
            tell: told how far it is, after every layer and every chunk.
        """
        import torch  # noqa: PLC0415 - heavy
        from transformers.models.nemotron3_diarization import (  # noqa: PLC0415 - heavy
            modeling_nemotron3_diarization as official,
        )

        network, config = self._network, self._network.config
        cache: Any = official.Nemotron3DiarizationSpeakerCache(
            config.streaming_config,
            fifo_length=config.fifo_length,
            speaker_cache_update_period=config.speaker_cache_update_period,
        )
        factor: int = config.audio_config.subsampling_factor
        done_s = start_s
        with _after_each(network.model.audio_tower.layers, tell.again):
            for mels, back, ahead in self._chunks(waves):
                if done_s >= end_s:
                    return
                with torch.inference_mode():
                    logits = network(
                        input_features=mels[None].to(device_of(network), network.dtype),
                        speaker_cache=cache,
                        num_lookback_frames=back // factor,
                        num_lookahead_frames=-(-ahead // factor),
                    ).logits[0]
                    chances = logits.float().sigmoid().cpu().numpy()
                done_s += len(chances) * self._reading.frame_s
                tell.upto(min(done_s, end_s))
                yield chances

    def _chunks(self, waves: Iterable[Wave]) -> "Iterator[tuple[torch.Tensor, int, int]]":
        """Yield mel frames (frames, bands) of a chunk, how many look back, how many look ahead."""
        import torch  # noqa: PLC0415 - heavy

        config = self._network.config
        factor: int = config.audio_config.subsampling_factor
        size, right = config.chunk_length * factor, config.chunk_right_context * factor
        left = config.chunk_left_context * factor
        held = torch.zeros(0, config.audio_config.num_mel_bins)
        back = 0
        for mels, last in self._mels(waves):
            held = torch.cat([held, mels])
            while len(held) > back and (last or len(held) >= back + size + right):
                stop = min(len(held), back + size + right)
                ahead = max(0, stop - back - size)
                yield held[:stop], back, ahead
                at = stop - ahead
                back = min(left, at)
                held = held[at - back :]

    def _mels(self, waves: Iterable[Wave]) -> "Iterator[tuple[torch.Tensor, bool]]":
        """Yield log-mel frames, and whether they are the last, as of one pass over the whole track.

        The official extractor does the same for a live stream: uncentred windows over the sound,
        which begins half a window early. Its emphasis is wrong for the first sample of a cut only,
        and that sample lies outside the (shorter) window of the first frame.
        """
        kind = self._extractor
        fft, hop = int(kind.n_fft), int(kind.hop_length)
        held: Wave = np.zeros(fft // 2, np.float32)
        for wave in waves:
            held = np.concatenate([held, wave])
            count = (held.size - fft) // hop + 1
            if count < 1:
                continue
            used = held[: (count - 1) * hop + fft]
            yield self._extract(used, last=False)[:count], False
            held = held[count * hop :]
        count = (held.size - fft // 2 - hop) // hop + 1
        yield self._extract(held, last=True)[: max(0, count)] if count > 0 else self._none, True

    def _extract(self, wave: Wave, *, last: bool) -> "torch.Tensor":
        found = self._extractor(
            wave, sampling_rate=RATE_HZ, center=False, is_last_audio_chunk=last, return_tensors="pt"
        )
        return found["input_features"][0]

    @cached_property
    def _none(self) -> "torch.Tensor":
        import torch  # noqa: PLC0415 - heavy

        return torch.zeros(0, self._network.config.audio_config.num_mel_bins)

    @property
    def _voices(self) -> int:
        return self._network.config.head_config.num_speakers

    @cached_property
    def _network(self) -> Any:
        from transformers.models.nemotron3_diarization import (  # noqa: PLC0415 - heavy
            Nemotron3DiarizationForAudioFrameClassification as Network,
        )

        self._check()
        return pretrained(Network, self._weights, self._dtype)

    @cached_property
    def _extractor(self) -> Any:
        from transformers.models.nemotron3_diarization import (  # noqa: PLC0415 - heavy
            Nemotron3DiarizationProcessor,
        )

        self._check()
        found: Any = Nemotron3DiarizationProcessor.from_pretrained(
            self._weights, local_files_only=True
        )
        return found.feature_extractor

    def _check(self) -> None:
        if absent := [name for name in FILES if not (self._weights / name).is_file()]:
            raise MissingWeights(
                f"the weights of Nemotron 3 Diarization are not here ({', '.join(absent)})",
                remedy="Fetch nvidia/Nemotron-3-Diarization with ./run.sh weights.",
            )


class _Teller:
    """Turns a place in the track into seconds of speech done, of all."""

    def __init__(self, speech: Sequence[Span], progress: Progress) -> None:
        self._speech, self._progress = speech, progress
        self._total = round(sum(each.duration_s for each in speech))
        self._done = 0

    def upto(self, time_s: float) -> None:
        """The track is heard up to here; never goes back."""
        before = Span(0.0, time_s)
        done = round(sum(each.overlap_s(before) for each in self._speech))
        self._done = max(self._done, min(self._total, done))
        self.again()

    def again(self) -> None:
        """Tell the same once more: a chance to be stopped."""
        self._progress(self._done, self._total)


@contextmanager
def _after_each(layers: Iterable[Any], tell: Callable[[], None]) -> Generator[None]:
    """Call `tell` after every layer: on a processor one chunk takes seconds."""

    def hook(*_: object) -> None:
        tell()

    hooks = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def _portraits(wave: Wave, chances: Chances, reading: Reading) -> NDArray[np.float32]:
    """Return what each voice sounds like where it is alone, (voices, size); 0 where it never is."""
    width = round(WINDOW_S / reading.frame_s)
    crowd = (chances > reading.sure).sum(axis=1, keepdims=True) > 1
    alone = np.where(crowd, 0.0, chances)
    sums = np.cumsum(np.vstack([np.zeros_like(alone[:1]), alone]), axis=0, dtype=np.float64)
    starts = np.arange(0, max(0, len(chances) - width) + 1, width // 2)
    means = (sums[np.minimum(starts + width, len(chances))] - sums[starts]) / width
    found = np.zeros((chances.shape[1], ge2e.SIZE), np.float32)
    for voice in range(chances.shape[1]):
        best = starts[np.argsort(-means[:, voice])[:SAMPLES]]
        best = best[means[best // (width // 2), voice] > reading.sure]
        if best.size:
            hop = round(reading.frame_s * RATE_HZ)
            waves = [wave[at * hop : (at + width) * hop] for at in best]
            mean = ge2e.embed([each for each in waves if each.size]).mean(axis=0)
            found[voice] = mean / max(1e-9, float(np.linalg.norm(mean)))
    return found
