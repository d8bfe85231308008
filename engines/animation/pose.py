"""How the puppet's face stands in each frame: the mouth by the speech, the rest by itself.

Mouth shapes follow the classes of visemes that lip readers tell apart (Fisher 1968; MPEG-4 FBA),
eased as coarticulation does (Cohen, Massaro 1993, in a much simpler form).

Every value depends on the film's time, the seed and the sound within `REACH_S` alone: a film may be
animated in parts, and is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from engines.roles import Phone
from media.audio import Audio

Curve = NDArray[np.float64]

RATE_HZ = 200  # of the curves before they are read at the frames
LEAD_S = 0.03  # lips move before they are heard
ANALYSIS_HZ, WINDOW, HOP = 16_000, 512, 160
REACH_S = 2.0  # how far off a sound may still move the face
LOUD_DB = -11.7  # the loud parts of speech at -16 LUFS, 95 % of 14 recordings' ticks are below
SILENT_DB = 32.0  # below the loud parts
OPEN_DB, OPEN_SPREAD_DB = -5.0, 9.3  # the balances of the bands, over the same recordings
FRONT_DB, FRONT_SPREAD_DB = -4.5, 11.5


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame; everything 0 is the portrait as it is."""

    jaw: float = 0.0  # 0 closed, 1 wide open
    wide: float = 0.0  # corners drawn apart, negative: together
    round: float = 0.0
    press: float = 0.0  # lips pressed together (p, b, m)
    teeth: float = 0.0  # upper teeth on the lower lip (f, v)
    blink: float = 0.0
    brow: float = 0.0
    gaze: float = 0.0  # -1 left, 1 right
    yaw: float = 0.0  # degrees, about
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0  # shares of the head's height
    shift_y: float = 0.0


@dataclass(frozen=True, slots=True)
class _Shape:
    jaw: float
    wide: float = 0.0
    round: float = 0.0


# IPA letter -> shape. What is not here (length marks, stress) leaves the mouth as it was.
_SHAPES = {
    **dict.fromkeys("aɑɐ", _Shape(0.85, 0.1)),
    **dict.fromkeys("æ", _Shape(0.7, 0.45)),
    **dict.fromkeys("əʌɤɘ", _Shape(0.48, 0.05)),
    **dict.fromkeys("ɛeɜ", _Shape(0.5, 0.4)),
    **dict.fromkeys("iɨ", _Shape(0.22, 0.7)),
    **dict.fromkeys("ɪ", _Shape(0.3, 0.4)),
    **dict.fromkeys("oɵ", _Shape(0.48, -0.2, 0.7)),
    **dict.fromkeys("ɔɒ", _Shape(0.6, -0.2, 0.5)),
    **dict.fromkeys("uʉɯ", _Shape(0.22, -0.3, 0.9)),
    **dict.fromkeys("ʊ", _Shape(0.3, -0.1, 0.5)),
    **dict.fromkeys("yʏøœ", _Shape(0.28, -0.2, 0.8)),
    **dict.fromkeys("wʍɥ", _Shape(0.14, -0.3, 0.9)),
    **dict.fromkeys("jʝ", _Shape(0.2, 0.45)),
    **dict.fromkeys("ɹɻɚɝ", _Shape(0.25, -0.1, 0.4)),
    **dict.fromkeys("lʎɭɫ", _Shape(0.3, 0.15)),
    **dict.fromkeys("tdnɾrɲɳʈɖ", _Shape(0.18, 0.2)),
    **dict.fromkeys("szɕʑ", _Shape(0.1, 0.35)),
    **dict.fromkeys("ʃʒʂʐ", _Shape(0.16, -0.15, 0.55)),
    **dict.fromkeys("kɡgŋxɣqχʁçɟcʔ", _Shape(0.25, 0.1)),
    **dict.fromkeys("hɦ", _Shape(0.35, 0.1)),
    **dict.fromkeys("θð", _Shape(0.18, 0.15)),
    **dict.fromkeys("fvʋ", _Shape(0.08, 0.15)),
    **dict.fromkeys("pbmβɸ", _Shape(0.0, 0.0, 0.05)),
}
_PRESSED, _BITTEN = frozenset("pbmβɸ"), frozenset("fvʋ")


def poses(
    speech: Audio,
    phones: Sequence[Phone],
    frames: range,
    fps: float,
    seed: int,
    *,
    at_s: float = 0.0,
) -> list[Pose]:
    """Return one pose a frame.

    Args:
        speech: (1, samples).
        phones: the sounds of the speech, or none.
        frames: which frames, counted from the beginning of `speech`.
        fps: frames a second.
        seed: of what the face does by itself.
        at_s: when in the film `speech` begins; in whole seconds, so that all ticks fall together.
    """
    clock, mouth = _mouth(speech, phones, max(speech.duration_s, frames.stop / fps))
    seen_s = np.asarray(frames, np.float64) / fps
    mouth["stress"], mouth["brow"] = _eased(mouth["jaw"], 0.35), _eased(mouth["jaw"], 0.25)
    read = {name: np.interp(seen_s, clock, curve) for name, curve in mouth.items()}
    read["press"] = np.maximum(read["press"], read.pop("hush"))  # who is silent shuts the mouth
    read |= _idle(read["stress"], read["brow"], seen_s + at_s, seed)
    # Rounded: what lies before a part must not be felt, be it in the last digit.
    return _poses({name: curve.round(5) for name, curve in read.items()}, len(frames))


def mouth_poses(
    speech: Audio, phones: Sequence[Phone], at_s: Curve, *, is_part: bool = False
) -> list[Pose]:
    """Return the poses at those times of a face that does nothing but speak.

    Args:
        speech: see `poses`.
        phones: see `poses`.
        at_s: in `speech`.
        is_part: other parts of a portrait's speech come before and after; in silence it shuts its mouth.
    """
    last_s = float(at_s.max(initial=0.0))
    end_s = max(speech.duration_s, last_s + 1 / RATE_HZ)
    clock, mouth = _mouth(speech, phones, end_s, whole=not is_part)
    read = {name: np.interp(at_s, clock, curve) for name, curve in mouth.items()}
    if is_part:
        read["press"] = np.maximum(read["press"], read["hush"])
    return _poses(read, at_s.size)


def _mouth(
    speech: Audio, phones: Sequence[Phone], duration_s: float, *, whole: bool = False
) -> tuple[Curve, dict[str, Curve]]:
    """Return the clock, and the mouth's curves on it; `whole`: no other part is to fit to them."""
    if phones:
        return _clock(duration_s), _mouth_by_phones(phones, speech, duration_s)
    return _clock(duration_s), _mouth_by_sound(speech, duration_s, whole=whole)


def _poses(curves: dict[str, Curve], n_frames: int) -> list[Pose]:
    known = [each.name for each in fields(Pose) if each.name in curves]
    return [Pose(**{name: float(curves[name][i]) for name in known}) for i in range(n_frames)]


def _mouth_by_phones(phones: Sequence[Phone], speech: Audio, duration_s: float) -> dict[str, Curve]:
    clock = _clock(duration_s)
    jaw, wide, rounded = (np.zeros(clock.size) for _ in range(3))
    press, teeth = np.zeros(clock.size), np.zeros(clock.size)
    for phone in phones:
        letter = next((each for each in phone.symbol if each in _SHAPES), "")
        if not letter:
            continue
        first, last = (
            max(0, int((at - LEAD_S) * RATE_HZ + 1e-6)) for at in (phone.start_s, phone.end_s)
        )
        shape = _SHAPES[letter]
        jaw[first:last], wide[first:last], rounded[first:last] = shape.jaw, shape.wide, shape.round
        middle_s = (phone.start_s + phone.end_s) / 2 - LEAD_S / 2
        width_s = max(0.03, (phone.end_s - phone.start_s) * 0.55)
        bump = np.exp(-0.5 * ((clock - middle_s) / (0.6 * width_s)) ** 4)
        if letter in _PRESSED:
            press = np.maximum(press, bump)
        if letter in _BITTEN:
            teeth = np.maximum(teeth, bump)
    level_db = _levels(speech, clock.size)
    jaw *= np.clip(1 + (level_db - LOUD_DB + 6) / 24, 0.55, 1.15)
    heard = _heard(level_db)
    jaw = _eased(jaw * heard, 0.0375) * (1 - 0.97 * press * heard)
    jaw = np.minimum(jaw, 1 - 0.75 * teeth)
    return {
        "jaw": jaw,
        "hush": 1 - heard,
        "wide": _eased(wide * heard, 0.045),
        "round": _eased(rounded * heard, 0.045),
        "press": press * heard,
        "teeth": teeth * heard,
    }


def _mouth_by_sound(speech: Audio, duration_s: float, *, whole: bool) -> dict[str, Curve]:
    """Without words: the jaw by level and openness, the lips by the balance of the bands.

    Balances are held against those of usual voices; where the speech is whole, against its own: a
    dark voice, or a microphone, else keeps the jaw up.
    """
    clock = _clock(duration_s)
    level_db = _levels(speech, clock.size)
    heard = _heard(level_db)
    level = np.clip((level_db - LOUD_DB + SILENT_DB) / SILENT_DB, 0, 1) * heard
    sound = speech.mono().resampled(ANALYSIS_HZ).samples[0]
    if sound.size < ANALYSIS_HZ // 10:
        still = dict.fromkeys(("jaw", "wide", "round", "press", "teeth"), np.zeros(clock.size))
        return {**still, "hush": np.ones(clock.size)}
    f, t, power = _spectrogram(sound)

    def band_db(low_hz: float, high_hz: float) -> Curve:
        rows = (f >= low_hz) & (f < high_hz)
        level_db: Curve = 10 * np.log10(power[rows].sum(axis=0) + 1e-12)
        return np.interp(clock, t, level_db)

    # Open vowels raise the first formant, front vowels the second.
    open_db = band_db(550, 1100) - band_db(150, 500)
    front_db = band_db(1700, 3000) - band_db(600, 1400)
    loud = level > 0.5
    own = whole and bool(loud.any())
    open_ = (open_db - (np.median(open_db[loud]) if own else OPEN_DB)) / OPEN_SPREAD_DB
    front = (front_db - (np.median(front_db[loud]) if own else FRONT_DB)) / FRONT_SPREAD_DB
    open_, front = np.clip(open_, -2, 2), np.clip(front, -2, 2)
    jaw = np.clip(0.55 * level + 0.2 * open_ * level, 0, 1)
    rounded = np.where(level > 0.25, -0.3 * front - 0.15 * open_, 0)
    return {
        "jaw": _eased(jaw, 0.03),
        "hush": 1 - heard,
        "wide": _eased(np.where(level > 0.25, 0.28 * front, 0), 0.045),
        "round": np.clip(_eased(rounded, 0.045), 0, 0.8),
        "press": np.zeros(clock.size),
        "teeth": np.zeros(clock.size),
    }


def _spectrogram(sound: NDArray[np.float32]) -> tuple[Curve, Curve, Curve]:
    """Return frequencies, times and the power, (frequencies, times)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, WINDOW // 2), WINDOW)[::HOP]
    window = np.hanning(WINDOW)
    power = np.concatenate(  # in pieces: an hour has many frames
        [
            np.abs(np.fft.rfft(frames[at : at + 4096] * window, axis=1)) ** 2
            for at in range(0, len(frames), 4096)
        ]
    )
    return (
        np.asarray(np.fft.rfftfreq(WINDOW, 1 / ANALYSIS_HZ), np.float64),
        np.arange(len(frames), dtype=np.float64) * (HOP / ANALYSIS_HZ),
        np.asarray(power.T / WINDOW**2, np.float64),
    )


def _idle(stress: Curve, brow: Curve, at_s: Curve, seed: int) -> dict[str, Curve]:
    """Blinks, glances, breath, and a head that is never quite still and nods with the speech."""
    dice = np.random.default_rng(seed)

    def drift(hertz: float, reach: float) -> Curve:
        waves = [
            np.sin(2 * np.pi * hertz * k * at_s + dice.uniform(0, 2 * np.pi)) / k
            for k in (1.0, 1.7, 2.9)
        ]
        return reach * np.sum(waves, axis=0) / 1.6

    breath = np.sin(2 * np.pi * 0.24 * at_s + dice.uniform(0, 2 * np.pi))
    return {
        "yaw": drift(0.13, 0.9),
        "pitch": drift(0.17, 0.6) - 1.8 * stress,
        "roll": drift(0.11, 0.8),
        "shift_x": drift(0.09, 0.005),
        "shift_y": drift(0.12, 0.003) + 0.003 * breath - 0.008 * stress,
        "brow": np.clip(brow * 1.6 - 0.35, 0, 0.6),
        "blink": _blinks(at_s, np.random.default_rng((seed, 1))),
        "gaze": _glances(at_s, np.random.default_rng((seed, 2))),
    }


def _blinks(at_s: Curve, dice: np.random.Generator) -> Curve:
    """Return how far the lids are closed; all blinks since the film's beginning are drawn."""
    lids, end_s = np.zeros(at_s.size), float(at_s[-1]) if at_s.size else 0.0
    next_s = dice.uniform(0.8, 2.0)
    while next_s < end_s + 0.3:
        since = at_s - next_s
        closing, opening = 1 + since / 0.08, 1 - (since - 0.03) / 0.14
        lids = np.maximum(lids, np.clip(np.where(since < 0, closing, opening), 0, 1))
        next_s += dice.uniform(2.2, 5.0) if dice.random() > 0.15 else 0.35
    return lids


def _glances(at_s: Curve, dice: np.random.Generator) -> Curve:
    """Return small jumps of the eyes, one every few seconds, mostly back to the viewer."""
    gaze = np.zeros(at_s.size)
    next_s, end_s = dice.uniform(1.5, 3.5), float(at_s[-1]) if at_s.size else 0.0
    while next_s < end_s + 0.1:
        stays_s, aside = dice.uniform(0.4, 1.0), dice.uniform(-1, 1)
        away = np.tanh((at_s - next_s) / 0.02) - np.tanh((at_s - next_s - stays_s) / 0.02)
        gaze += aside * away / 2
        next_s += stays_s + dice.uniform(2.0, 4.5)
    return gaze


def _clock(duration_s: float) -> Curve:
    return np.arange(int(duration_s * RATE_HZ) + 1) / RATE_HZ


def _levels(speech: Audio, size: int) -> Curve:
    """Return the level in dB at each tick."""
    samples = speech.mono().samples[0].astype(np.float64)
    hop = speech.sample_rate_hz / RATE_HZ
    edges = np.minimum((np.arange(size + 1) * hop).astype(int), samples.size)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    power = (total[edges[1:]] - total[edges[:-1]]) / np.maximum(np.diff(edges), 1)
    return _eased(10 * np.log10(power + 1e-10), 0.02)


def _heard(level_db: Curve) -> Curve:
    """Return 1 where somebody speaks, 0 in silence: the mouth is shut there."""
    return np.clip((level_db - LOUD_DB + SILENT_DB) / 6.0 + 0.5, 0, 1)


def _eased(curve: Curve, sigma_s: float, rate_hz: float = RATE_HZ) -> Curve:
    """Return the curve after a Gaussian, edges held."""
    sigma = max(sigma_s * rate_hz, 0.3)
    reach = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    if not curve.size:
        return curve
    padded = np.pad(curve, reach, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), "valid"), np.float64)
