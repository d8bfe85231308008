"""The speech: spoken sentence by sentence or taken from a recording, at one loudness, with its clock."""

from dataclasses import dataclass

import numpy as np

from engines.roles import Aligned, BuiltInVoice, Phone, PhoneAligner, Speaker
from media.audio import Audio, AudioFile, open_audio, write_audio
from media.decode import decode_audio
from media.limiter import Limiter
from media.loudness import db_to_gain, loudness_lufs, true_peak_dbtp
from media.probe import choose_audio, probe
from media.speech import Word
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, engine_step, step
from workflows.likeness import reference_of
from workflows.talking_head.script import LEAD_S, TAIL_S

RATE_HZ = 48_000
TARGET_LUFS = -16.0
MOST_GAIN_DB = 30.0
LEVELLINGS = 3
PACES = (1.0, 0.93, 1.07, 0.88)  # of the takes of a voice that always says the same
FLAC = "audio/flac"


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence as it was spoken, or all of a recording."""

    audio: Artefact  # FLAC
    text: str  # in its spoken form; empty: unknown
    written: str
    duration_s: float
    pause_s: float
    start_s: float = 0.0  # in the speech


@dataclass(frozen=True, slots=True)
class Speech:
    """The whole speech as it is heard in the film."""

    audio: Artefact  # FLAC, 48 kHz
    laid: Artefact  # the parts as they are, before they were levelled as one
    duration_s: float
    starts_s: tuple[float, ...]  # of its parts
    loudness_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True)
class Levelled:
    """A part at the speech's loudness."""

    audio: Artefact  # FLAC, 48 kHz, mono
    duration_s: float


@dataclass(frozen=True, slots=True)
class Order:
    """One sentence to be spoken; equal orders are spoken once."""

    text: str  # in its spoken form
    voice: str
    language: str
    rate: float
    take: int = 0  # of a voice that varies: another one is spoken differently
    reference: Artefact | None = None  # whom a voice that clones shall sound like
    said: str = ""  # in it


def order_of(text: str, voice: BuiltInVoice, language: str, rate: float, take: int) -> Order:
    """Return the order for one take; a voice that always says the same takes another pace."""
    if not voice.varies:
        rate, take = rate * PACES[take % len(PACES)], 0
    return Order(text, voice.name, language, round(rate, 3), take)


@engine_step("Speak the sentences")
def speak(speaker: Speaker, desk: Desk, order: Order) -> Artefact:
    """Speak one sentence."""
    desk.check()
    speech = speaker.speak(
        order.text,
        order.voice,
        order.language,
        order.rate,
        order.take,
        reference=reference_of(desk, order.reference, order.said),
        progress=desk.progress,
    )
    return desk.keep(write_audio(speech.audio, desk.scratch / "s.flac"), FLAC, "sentence.flac")


@step("Take the sound of the recording")
def take_recording(desk: Desk, recording: Artefact) -> Artefact:
    """Decode a recording.

    Raises:
        BadInput: if it has no sound.
    """
    info = probe(desk.path(recording), recording.name, check=desk.check)
    stream = choose_audio(info, "")
    if stream is None:
        raise BadInput(
            f"{recording.name or 'the recording'} has no sound",
            remedy="Choose another file, or write a script.",
        )
    out = desk.scratch / "recording.flac"
    decode_audio(info, stream, out, check=desk.check, progress=desk.progress)
    return desk.keep(out, FLAC, "recording.flac")


@step("Level the parts")
def level(desk: Desk, part: Artefact) -> Levelled:
    """Bring one part to -16 LUFS by itself, so that no part depends on the others."""
    desk.check()
    sound = open_audio(desk.path(part)).read().mono().resampled(RATE_HZ)
    path = write_audio(_levelled(sound), desk.scratch / "part.flac")
    return Levelled(desk.keep(path, FLAC, "part.flac"), sound.duration_s)


@step("Put the speech together", version=2)
def join(desk: Desk, parts: tuple[Said, ...]) -> Speech:
    """Lay the parts one after another with their pauses, at -16 LUFS and -1 dBTP at most."""
    pieces = [open_audio(desk.path(part.audio)).read() for part in parts]
    starts: list[float] = []
    at = round(LEAD_S * RATE_HZ)
    laid: list[tuple[int, Audio]] = []
    for part, piece in zip(parts, pieces, strict=True):
        laid.append((at, piece))
        starts.append(at / RATE_HZ)
        at += piece.samples.shape[1] + round(part.pause_s * RATE_HZ)
    last, piece = laid[-1]
    whole = np.zeros((1, last + piece.samples.shape[1] + round(TAIL_S * RATE_HZ)), np.float32)
    for start, piece in laid:
        whole[:, start : start + piece.samples.shape[1]] = piece.samples
    desk.check()
    laid_path = write_audio(Audio(whole, RATE_HZ), desk.scratch / "laid.flac")
    made = _levelled(Audio(whole, RATE_HZ))
    path = write_audio(made, desk.scratch / "speech.flac")
    return Speech(
        desk.keep(path, FLAC, "speech.flac"),
        desk.keep(laid_path, FLAC, "laid.flac"),
        made.duration_s,
        tuple(starts),
        loudness_lufs(made),
        true_peak_dbtp(made),
    )


@engine_step("Find the words in the sound")
def align(aligner: PhoneAligner, desk: Desk, said: Said, language: str) -> Aligned:
    """Return when each word and sound is heard, on the clock of the speech."""
    desk.check()
    sound = open_audio(desk.path(said.audio)).read().mono()
    found = aligner.align(sound, said.text, language)
    return Aligned(
        tuple(
            Word(each.text, each.start_s + said.start_s, each.end_s + said.start_s)
            for each in found.words
        ),
        tuple(
            Phone(each.symbol, each.start_s + said.start_s, each.end_s + said.start_s)
            for each in found.phones
        ),
    )


def laid_file(desk: Desk, speech: Speech) -> AudioFile:
    """Return the parts as they were laid: what is heard in one of them changes nothing elsewhere."""
    return open_audio(desk.path(speech.laid))


def speech_file(desk: Desk, speech: Speech) -> AudioFile:
    """Return the speech, to be read."""
    return open_audio(desk.path(speech.audio))


def _levelled(audio: Audio) -> Audio:
    """Return it at -16 LUFS; what the limiter takes away is given back, as far as it goes."""
    gain_db, made = 0.0, audio
    for _ in range(LEVELLINGS):
        missing_db = TARGET_LUFS - loudness_lufs(made)
        gain_db = float(np.clip(gain_db + missing_db, -MOST_GAIN_DB, MOST_GAIN_DB))
        made = _limited(Audio(audio.samples * np.float32(db_to_gain(gain_db)), RATE_HZ))
    return made


def _limited(audio: Audio) -> Audio:
    limiter = Limiter(audio.sample_rate_hz)
    padded = np.pad(audio.samples, ((0, 0), (limiter.margin, limiter.margin)))
    gains = limiter.gains(padded)
    return audio if gains is None else Audio(audio.samples * gains, audio.sample_rate_hz)
