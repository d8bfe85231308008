"""Voice from background with RNNoise's network, sharpened: the library inside the pyrnnoise wheel.

RNNoise (Valin 2018, model of 2024) listens at 48 kHz and says what is voice, in bands and along the
pitch. Its word is taken as an estimate only: a Wiener mask between that voice and what it left over
is drawn on a finer grid, and in stereo made stricter by where a sound comes from, as long as the
voices stand in the middle. What of the background still moves with that voice is given back to it.
The background is the mixture minus the voice, so both add up.
"""

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from engines.roles import Stem
from engines.separation.grid import Grid, from_grid, to_grid
from media.audio import Audio, AudioFile, Samples
from media.listen import Wave
from media.voicing import FRAME_S, Probabilities, speech_probabilities
from studio.errors import MissingWeights
from studio.progress import Progress

RATE_HZ, FRAME, DELAY = 48_000, 480, 960  # of the network: 10 ms frames, answers 20 ms late
INT16 = 32768.0
WINDOW_S = 0.046  # of the grid on which the mask is drawn
BLOCK, CONTEXT = 256, 26  # windows that are done at once, and that are heard before and after
CENTRED = 0.75  # at least so much of the voice must come from the middle
SPEECH, MARGIN_S = 0.15, 0.4  # probability from which somebody may speak, and time around it
SINGING = 0.2  # share of the energy (-7 dB over a second) from which a voice is heard anyway
SURE, SURE_MARGIN_S = 0.7, 0.2  # probability from which somebody does speak, and time around it
MOST_LEFT = 0.2  # of the voice is looked for in the background; more is music that goes with it
LOST = 0.03  # share (-15 dB over a second) under which the network has missed who speaks
TINY = 1e-12


class RnNoise:
    """RNNoise as a separator.

    Args:
        power: sharpness of the mask: 2 is Wiener's.
        centre: whether stereo tells voice from background.
    """

    def __init__(self, power: float = 2.0, centre: bool = True) -> None:
        self._power = power
        self._centre = centre

    def separate(self, mixture: AudioFile, progress: Progress) -> Iterator[Mapping[Stem, Audio]]:
        """Yield the stems block by block. See `engines.roles.Separator`."""
        rate_hz, whole_s = mixture.sample_rate_hz, int(mixture.duration_s)
        speech = speech_probabilities(mixture, lambda _: progress(0, whole_s))
        window = 1 << max(6, round(log2(WINDOW_S * rate_hz)))
        done, before = 0, 0.0
        for piece in _with_context(_heard(mixture, BLOCK * window), window):
            gate, missed = _gates(piece, speech, window, rate_hz)
            kept = piece.mixture[:, piece.first : piece.last]
            found: Samples = self._voice(piece, window) * gate
            left = _left(piece.mixture, found)
            found *= 1 + _ramp(piece, before or left, left)
            before = left
            found += missed * (piece.mixture - found)
            voice: Samples = found[:, piece.first : piece.last]
            other: Samples = kept - voice
            done += kept.shape[1]
            yield {"vocals": Audio(voice, rate_hz), "other": Audio(other, rate_hz)}
            progress(min(whole_s, done // rate_hz), whole_s)

    def _voice(self, piece: "_Piece", window: int) -> Samples:
        """Return the voice in one piece, of the shape of its mixture."""
        mixture, guess = piece.mixture, piece.voice
        if not guess.any():
            return np.zeros_like(mixture)
        channels = [to_grid(each, window) for each in mixture]
        middle = np.mean(channels, axis=0, dtype=np.complex64)
        voice = to_grid(guess, window)
        mask = _share(voice, middle - voice, self._power)
        if self._centre and len(channels) == 2:
            mask = mask * _from_the_middle(channels[0], channels[1], mask)
        return np.stack([from_grid(each * mask, window, mixture.shape[1]) for each in channels])


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some of the mixture with its surroundings; `first`..`last` is what counts."""

    start: int  # of the piece in the whole, in samples; a multiple of the window
    mixture: Samples  # (channels, samples)
    voice: Wave  # (samples,), as the network heard it
    first: int
    last: int


def _share(voice: Grid, rest: Grid, power: float) -> NDArray[np.float32]:
    """Return how much of each cell is voice, 0..1."""
    wanted, other = np.abs(voice) ** power, np.abs(rest) ** power
    return (wanted / (wanted + other + TINY)).astype(np.float32)


def _from_the_middle(left: Grid, right: Grid, mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 where both channels carry the same, 0 where not; all 1 if the voices do not."""
    energy = np.square(np.abs(left)) + np.square(np.abs(right))
    both = left.real * right.real + left.imag * right.imag
    same = np.clip(2 * both / (energy + TINY), 0.0, 1.0)
    of_voice = energy * mask**2
    if float((same * of_voice).sum()) < CENTRED * float(of_voice.sum()):
        return np.ones_like(mask)
    return same.astype(np.float32)


def _left(mixture: Samples, voice: Samples) -> float:
    """Return how much of the voice is still in the rest of the mixture: its projection onto the voice."""
    heard, found = float(np.vdot(mixture, voice)), float(np.vdot(voice, voice))
    return min(max(heard / (found + TINY) - 1, 0.0), MOST_LEFT)


def _ramp(piece: _Piece, low: float, high: float) -> Wave:
    """Return a value for each sample of a piece that goes from one to the other where it counts."""
    positions = np.arange(piece.mixture.shape[1], dtype=np.float64)
    return np.interp(positions, (piece.first, piece.last), (low, high)).astype(np.float32)


def _heard(mixture: AudioFile, block: int) -> Iterator[tuple[Samples, Wave]]:
    """Yield blocks of the mixture, and the voice that the network heard in them, sample by sample.

    Both are streams of the same length in the end, but the voice comes a little later.
    """
    rate_hz = mixture.sample_rate_hz
    up = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
    down = soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="float32", quality="HQ")
    with _Network() as network:
        late, skip = np.zeros(0, np.float32), DELAY
        for start in range(0, mixture.n_samples, block):
            part = mixture.read(start, start + block)
            last = start + block >= mixture.n_samples
            sound = up.resample_chunk(part.mono().samples[0], last=last)
            if last:
                sound = np.concatenate([sound, np.zeros(DELAY + FRAME, np.float32)])
            late = np.concatenate([late, sound])
            whole = late.size // FRAME * FRAME
            clean = network(late[:whole])
            late = late[whole:]
            clean, skip = clean[skip:], max(0, skip - clean.size)
            yield part.samples, down.resample_chunk(clean, last=last)


def _with_context(stream: Iterator[tuple[Samples, Wave]], window: int) -> Iterator[_Piece]:
    """Cut the two streams into equal pieces that overlap on both sides."""
    block, context = BLOCK * window, CONTEXT * window
    mixture, voice = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    start = before = 0
    for part, heard in stream:
        mixture = np.concatenate([mixture, part], axis=1) if mixture.size else part
        voice = np.concatenate([voice, heard])
        while min(mixture.shape[1], voice.size) >= before + block + context:
            size, behind = before + block + context, before + block - context
            yield _Piece(start, mixture[:, :size], voice[:size], before, before + block)
            mixture, voice = mixture[:, behind:], voice[behind:]
            start, before = start + behind, context
    left = mixture.shape[1] if mixture.size else 0
    if left > before:
        voice = np.concatenate([voice, np.zeros(max(0, left - voice.size), np.float32)])
        yield _Piece(start, mixture, voice[:left], before, left)


def _gates(piece: _Piece, speech: Probabilities, window: int, rate_hz: int) -> tuple[Wave, Wave]:
    """Return where a voice may be, and where the network missed one; 0..1 for each sample.

    A voice may be where the mixture sounds like speech, or where much of it is the network's voice
    (singing is not always taken for speech); elsewhere only music leaks, and the background is the
    original. It is missed where the mixture is speech beyond doubt and the network hears next to
    nothing (old films, far microphones): there the whole sound is taken for voice.
    """
    size = piece.mixture.shape[1]
    centres = np.arange(window / 2, size + window / 2, window, dtype=np.float64)
    whole = np.square(piece.mixture).mean(axis=0)
    shares = [_per_second(each, window, rate_hz) for each in (np.square(piece.voice), whole)]
    heard = shares[0] > SINGING * shares[1] + TINY
    missed = np.zeros_like(heard)
    if speech.size:
        times_s = (piece.start + centres) / rate_hz
        at = np.minimum((times_s / FRAME_S).astype(np.int64), speech.size - 1)
        heard |= _around(speech > SPEECH, MARGIN_S)[at]
        missed = _around(speech > SURE, SURE_MARGIN_S)[at] & (shares[0] < LOST * shares[1])
    positions = np.arange(size, dtype=np.float64)
    gates = [np.interp(positions, centres, each.astype(np.float64)) for each in (heard, missed)]
    return np.asarray(gates[0], dtype=np.float32), np.asarray(gates[1], dtype=np.float32)


def _around(frames: NDArray[np.bool_], margin_s: float) -> NDArray[np.bool_]:
    """Return the frames that lie within `margin_s` of one that is set."""
    around = round(margin_s / FRAME_S)
    near = np.convolve(frames, np.ones(2 * around + 1))
    return near[around : around + frames.size] > 0.5


def _per_second(energy: Wave, window: int, rate_hz: int) -> NDArray[np.float64]:
    """Return the energy in the second around each window."""
    sums = np.add.reduceat(energy, np.arange(0, energy.size, window), dtype=np.float64)
    around = round(0.5 * rate_hz / window)
    return np.convolve(sums, np.ones(2 * around + 1))[around : around + sums.size]


class _Network:
    """RNNoise's state; a context manager. Called with whole frames at 48 kHz."""

    def __init__(self) -> None:
        self._library = _library()
        self._state: int | None = None

    def __enter__(self) -> "_Network":
        self._state = self._library.rnnoise_create(None)
        return self

    def __exit__(self, *_: object) -> None:
        self._library.rnnoise_destroy(self._state)
        self._state = None

    def __call__(self, wave: Wave) -> Wave:
        given = np.ascontiguousarray(wave * INT16, dtype=np.float32)
        found = np.empty_like(given)
        source, target, step = given.ctypes.data, found.ctypes.data, FRAME * 4
        for at in range(0, given.nbytes, step):
            self._library.rnnoise_process_frame(self._state, target + at, source + at)
        return found / np.float32(INT16)


@cache
def _library() -> Any:
    """Load the shared library of the wheel; the package itself stays unimported."""
    package = find_spec("pyrnnoise")
    places = (package.submodule_search_locations if package else None) or []
    found = [each for place in places for each in sorted(Path(place).glob("*rnnoise*.*"))]
    found = [each for each in found if each.suffix in {".so", ".dylib", ".dll"}]
    if not found:
        raise MissingWeights("RNNoise's library is missing", remedy="pip install pyrnnoise")
    library = ctypes.CDLL(str(found[0]))
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_create.argtypes = [ctypes.c_void_p]
    library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
    library.rnnoise_process_frame.restype = ctypes.c_float
    return library
