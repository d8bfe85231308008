"""The lines spoken and placed: planned before anything is spoken, again when lengths are known.

Source of the loop: T. Federico et al., Interspeech 2020 (relaxed prosodic alignment); the second
synthesis at a rate is made by the voice itself, stretching is left for the last per cent.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.roles import BuiltInVoice, Speaker
from media.audio import Audio, open_audio, write_audio
from media.slots import Placement, Schedule, Slot, plan, solve
from media.stretch import fit_to_samples
from studio.artefacts import Artefact
from studio.steps import Desk, Run, engine_step, step
from workflows.dub import takes
from workflows.dub.budget import estimate_s, scale_of
from workflows.dub.model import Line, Placed, Take
from workflows.dub.request import DubRequest
from workflows.likeness import Likeness, convert, reference_of

SEEN_MOUTH_S, NARRATION_S, LOCKED_S = (0.2, 0.6), (0.3, 1.0), (0.0, 0.0)
SAME_SPEED = 0.03  # a line within 3 % of its natural speed is not spoken again
SLOWEST, FASTEST = 0.8, 1.35
REWRITE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Order:
    """One line to be spoken; equal orders are spoken once."""

    text: str  # in its spoken form
    voice: str  # what the engine calls it
    language: str
    rate: float
    take: int
    reference: Artefact | None = None  # whom a cloning voice shall sound like
    said: str = ""  # in the reference
    tries: int = 1  # at most


@dataclass(frozen=True, slots=True)
class Fitting:
    """A spoken line, and how long it shall last."""

    audio: Artefact
    duration_s: float


@dataclass(frozen=True, slots=True)
class Voiced:
    """A spoken line."""

    audio: Artefact  # FLAC, mono
    duration_s: float
    tries: int = 1
    faults: tuple[str, ...] = ()  # of the take that was kept


@dataclass(frozen=True, slots=True)
class Part:
    """A line on its way to be heard."""

    line: Line
    voice: BuiltInVoice
    convert_to: Artefact | None
    texts: tuple[str, ...]  # its spoken forms, ever shorter
    take: int
    locked: bool
    level: int = 0  # which of its texts is spoken
    said: str = ""  # in the recording that `convert_to` is


@engine_step("Speak the lines", version=2)
def speak(speaker: Speaker, desk: Desk, order: Order) -> Voiced:
    """Speak one line at a rate; where a take is bad, again with other seeds, and keep the best."""
    expected_s = estimate_s(order.text, order.language) / order.rate
    model = reference_of(desk, order.reference, order.said)
    heard: list[takes.Judged] = []
    while len(heard) < order.tries and (not heard or heard[-1].faults):
        desk.check()
        seed = takes.seed_of(order.take, len(heard))
        speech = speaker.speak(
            order.text,
            order.voice,
            order.language,
            order.rate,
            seed,
            reference=model,
            progress=desk.progress,
        )
        heard.append(takes.judged(speech.audio, expected_s))
    chosen = heard[takes.best(heard)]
    return replace(_kept(desk, chosen.audio), tries=len(heard), faults=chosen.faults)


@step("Fit the lines to the sample")
def fit(desk: Desk, fitting: Fitting) -> Voiced:
    """Take the last per cent out of pauses, then out of speed; the length is exact."""
    desk.check()
    line = open_audio(desk.path(fitting.audio)).read()
    n_samples = max(1, round(fitting.duration_s * line.sample_rate_hz))
    return _kept(desk, fit_to_samples(line, n_samples))


@step("Plan which words fit", version=2)
def plan_texts(
    desk: Desk, slots: tuple[Slot, ...], total_s: float, shorter_s: tuple[tuple[float, ...], ...]
) -> tuple[int, ...]:
    """Return, for each line, which of its texts to speak: 0 as translated, 1 shorter, and so on."""
    desk.check()
    return plan(slots, total_s, shorter_s, REWRITE_SHARE)[1]


@step("Plan the time, with the lengths as spoken", version=2)
def plan_times(desk: Desk, slots: tuple[Slot, ...], total_s: float) -> Schedule:
    """Place every line; none is cut, what does not fit is told."""
    desk.check()
    return solve(slots, total_s)


def perform(
    parts: Sequence[Part], run: Run, request: DubRequest, total_s: float
) -> tuple[tuple[Placed, ...], tuple[Take, ...]]:
    """Speak and place the lines, which are in order of time.

    Planned with estimates (which text), then with natural lengths (which rate); the second take is
    made by the voice at that rate, and fitted to the sample.
    """
    language = request.target_language
    parts = _worded(parts, run, request, total_s)
    natural = _spoken(parts, run, language, [1.0] * len(parts))
    schedule = run.step(plan_times, _slots(parts, natural, request), total_s)
    again = _shorter_where_needed(parts, natural, schedule, language)
    if again != parts:
        parts = again
        natural = _spoken(parts, run, language, [1.0] * len(parts))
        schedule = run.step(plan_times, _slots(parts, natural, request), total_s)
    places = schedule.placements
    rates = [
        _rate(place.speed) if part.voice.has_rate else 1.0
        for part, place in zip(parts, places, strict=True)
    ]
    spoken = _spoken(parts, run, language, rates)
    voiced = _likened(parts, run, spoken)
    lengths_s = [max(0.02, min(p.duration_s, total_s - p.start_s)) for p in places]
    fitted = run.map(fit, [Fitting(v.audio, s) for v, s in zip(voiced, lengths_s, strict=True)])
    placed = tuple(_placed(*each) for each in zip(parts, places, fitted, natural, strict=True))
    return placed, tuple(map(_take, parts, fitted, rates, spoken))


def _rate(speed: float) -> float:
    """Return the rate at which the voice itself speaks; what is beyond is left to the stretching."""
    return round(min(max(speed, SLOWEST), FASTEST), 2) if abs(speed - 1) > SAME_SPEED else 1.0


def _worded(parts: Sequence[Part], run: Run, request: DubRequest, total_s: float) -> list[Part]:
    language = request.target_language
    guesses = [tuple(estimate_s(text, language) for text in part.texts) for part in parts]
    slots = _slots(parts, [each[0] for each in guesses], request)
    shorter = tuple(each[1:] for each in guesses)
    levels = run.step(plan_texts, slots, total_s, shorter)
    return [replace(part, level=level) for part, level in zip(parts, levels, strict=True)]


def _shorter_where_needed(
    parts: Sequence[Part], natural: Sequence[Voiced], schedule: Schedule, language: str
) -> list[Part]:
    """Choose for each line that does not fit the longest text that will, going by the takes so far."""
    scales = _scales(parts, natural, language)
    chosen: list[Part] = []
    for part, take, place in zip(parts, natural, schedule.placements, strict=True):
        level, room_s = part.level, take.duration_s - place.slack_s
        while place.slack_s > 0 and level + 1 < len(part.texts):
            level += 1
            if estimate_s(part.texts[level], language, scales[part.voice.id]) <= room_s:
                break
        chosen.append(replace(part, level=level))
    return chosen


def _scales(parts: Sequence[Part], natural: Sequence[Voiced], language: str) -> dict[str, float]:
    """Return how much slower than usual each voice speaks."""
    said: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for part, take in zip(parts, natural, strict=True):
        said[part.voice.id].append((part.texts[part.level], take.duration_s))
    return {
        voice: scale_of([text for text, _ in own], [length_s for _, length_s in own], language)
        for voice, own in said.items()
    }


def _spoken(
    parts: Sequence[Part], run: Run, language: str, rates: Sequence[float]
) -> tuple[Voiced, ...]:
    orders = [
        Order(
            part.texts[part.level],
            part.voice.name,
            language,
            rate,
            part.take,
            part.convert_to if part.voice.is_own else None,
            part.said if part.voice.is_own else "",
            takes.MOST_TAKES if part.voice.varies else 1,
        )
        for part, rate in zip(parts, rates, strict=True)
    ]
    return run.map(speak, orders)


def _likened(parts: Sequence[Part], run: Run, voiced: Sequence[Voiced]) -> list[Voiced]:
    wanted = [
        (index, Likeness(each.audio, part.convert_to))
        for index, (part, each) in enumerate(zip(parts, voiced, strict=True))
        if part.convert_to is not None and not part.voice.is_own and "VoiceConverter" in run.engines
    ]
    turned = list(voiced)
    if wanted:
        made = run.map(convert, [likeness for _, likeness in wanted])
        for (index, _), each in zip(wanted, made, strict=True):
            turned[index] = replace(turned[index], audio=each)
    return turned


def _slots(
    parts: Sequence[Part], natural_s: Sequence[float | Voiced], request: DubRequest
) -> tuple[Slot, ...]:
    usual = NARRATION_S if request.narration else SEEN_MOUTH_S
    slots: list[Slot] = []
    for part, length in zip(parts, natural_s, strict=True):
        early_s, late_s = LOCKED_S if part.locked else usual
        slots.append(
            Slot(
                start_s=part.line.start_s,
                end_s=max(part.line.end_s, part.line.start_s + 0.1),
                natural_s=length.duration_s if isinstance(length, Voiced) else length,
                speaker=part.line.speaker,
                early_s=early_s,
                late_s=late_s,
                locked=part.locked,
            )
        )
    return tuple(slots)


def _placed(part: Part, place: Placement, fitted: Voiced, natural: Voiced) -> Placed:
    return Placed(
        line=part.line.id,
        start_s=place.start_s,
        end_s=place.start_s + fitted.duration_s,
        speed=natural.duration_s / fitted.duration_s,
        slack_s=place.slack_s,
        flag="too long" if place.slack_s > 0 else "",
    )


def _take(part: Part, fitted: Voiced, rate: float, spoken: Voiced) -> Take:
    return Take(
        line=part.line.id,
        audio=fitted.audio,
        duration_s=fitted.duration_s,
        rate=rate,
        text=part.texts[part.level],
        tries=spoken.tries,
        faults=spoken.faults,
    )


def _kept(desk: Desk, audio: Audio) -> Voiced:
    path = write_audio(audio, desk.scratch / "line.flac")
    return Voiced(desk.keep(path, "audio/flac", "line.flac"), audio.duration_s)
