"""The roles: what a workflow may ask of a model. One verb each, typed in and out; no torch.

An engine is a class made from its preset's settings; nothing is loaded until the first call. Long sound is a
file read in blocks, one line an `Audio`. Each verb calls `progress` once a second of work at least, and lets
the `Cancelled` that it raises pass. Languages are ISO 639-1 codes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio, AudioFile
from media.canonical_face import Spotted
from media.pictures import PasteBack
from media.speech import Span, Transcript, Turn, Word
from studio.progress import Progress, silent

Stem: TypeAlias = Literal["vocals", "other"]
OWN = "own"  # the name and id of the voice that is cloned from a `Reference`


class SpeechDetector(Protocol):
    """Finds where people speak."""

    def detect(self, audio: AudioFile, progress: Progress) -> tuple[Span, ...]:
        """Return the stretches of speech in order, at least 0.25 s long and 0.35 s apart.

        Args:
            audio: any rate and number of channels.
            progress: seconds of sound done, of all.
        """
        ...


class Separator(Protocol):
    """Splits a mixture into voice and the rest."""

    def separate(self, mixture: AudioFile, progress: Progress) -> Iterator[Mapping[Stem, Audio]]:
        """Yield the stems block by block, in order, together as long as `mixture`.

        Args:
            mixture: any rate, 1 or 2 channels, hours long: memory must not grow with it.
            progress: seconds of sound done, of all.

        Yields:
            Both stems, each with the rate and channels of `mixture`; their sum is the mixture
            to within 1e-4.
        """
        ...


class Diarizer(Protocol):
    """Tells who speaks when."""

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns in order of time, one speaker at a time.

        Args:
            audio: the voice, any rate.
            speech: where people speak; turns lie inside.
            speakers: how many there are, or 0 to find out.
            progress: seconds of speech done, of all.
        """
        ...


class Transcriber(Protocol):
    """Writes down what is said."""

    def transcribe(
        self, audio: AudioFile, speech: Sequence[Span], language: str, progress: Progress
    ) -> Transcript:
        """Return the words with their times.

        Args:
            audio: the voice, any rate.
            speech: where people speak; nothing is transcribed outside.
            language: of the speech, or "" to find out (or to assume the only one it knows).
            progress: seconds of speech done, of all.

        Raises:
            BadInput: if it does not know the language.
        """
        ...


class Aligner(Protocol):
    """Finds out when the words of a text are said."""

    def align(self, audio: AudioFile, transcript: Transcript, progress: Progress) -> Transcript:
        """Return `transcript` with the same words, and their times as they are heard.

        Words that cannot be found keep their times; so do all of them in a language that it does
        not know, which a warning then tells.

        Args:
            audio: the voice, any rate.
            transcript: words in order, with times right to about half a second.
            progress: seconds of sound done, of all.
        """
        ...


@dataclass(frozen=True, slots=True)
class Translation:
    """What a text says in another language, and other lengths of it where the engine knows some."""

    text: str  # empty: the text was empty, or the engine found no words for it
    shorter: tuple[str, ...] = ()  # ever shorter; each has the numbers and names of `text`
    longer: tuple[str, ...] = ()  # ever longer


class Translator(Protocol):
    """Says the same in another language."""

    def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        progress: Progress,
        *,
        glossary: Sequence[tuple[str, str]] = (),
        letters: Sequence[int] = (),
    ) -> tuple[Translation, ...]:
        """Return one translation for each text: same number, same order, casing and punctuation kept.

        Args:
            texts: lines that follow one another; empty ones stay empty.
            source: the language of the texts.
            target: the language to say them in.
            progress: texts done, of all.
            glossary: (source term, target term) pairs; an engine that cannot heed them ignores them.
            letters: for each text, about how many letters of `target` can be said in its time, 0
                where unknown; an engine that knows only one length ignores it.

        Raises:
            BadInput: if it does not know the pair; the remedy names those it knows.
        """
        ...

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return the (source, target) pairs it knows on this machine, pivots included."""
        ...


class Writer(Protocol):
    """Rewrites text by instruction; so far: shorter."""

    def shorten(self, text: str, language: str) -> tuple[str, ...]:
        """Return ever shorter ways to say `text`, longest first, without `text` itself; maybe none.

        Numbers and names of `text` stand in each of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken line: (1, samples), and its words where the engine knows their times."""

    audio: Audio
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A voice to clone: a recording of it, and what is said there."""

    audio: Audio  # (1, samples), any rate, 3 s or more of clean speech
    text: str = ""  # "": not known


@dataclass(frozen=True, slots=True)
class BuiltInVoice:
    """A voice that an engine has (`engines.catalog.Voice`, as the workflow sees it)."""

    id: str  # of its preset
    name: str  # what `speak` takes
    title: str
    pitch_hz: float  # median; 0: it is nobody's yet
    varies: bool = False  # another seed is another take: it can put a bad one right
    has_rate: bool = True  # it speaks faster and slower by itself

    @property
    def is_own(self) -> bool:
        """Whether it is made from a `Reference`: the speaker's own voice, cloned."""
        return self.name == OWN


class Speaker(Protocol):
    """Text to speech."""

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`, those of `presets/voices/` (see `catalog.built_in`).

        An engine that clones (capability "clone") has the voice `OWN` before the others.
        """
        ...

    def speak(
        self,
        text: str,
        voice: str,
        language: str,
        rate: float,
        seed: int,
        *,
        reference: Reference | None = None,
        progress: Progress = silent,
    ) -> Speech:
        """Speak one line; silence at both ends is trimmed to at most 20 ms.

        Args:
            text: in its spoken form (numbers as words).
            voice: a name that the engine knows (`presets/voices/*.toml`, field `name`), or `OWN`.
            language: of the text.
            rate: 1 is the voice's own speed; 1.2 is a fifth faster, made by the engine itself where
                it has the capability "rate", and left to the caller's stretching where it has not.
            seed: a different seed may give a different take.
            reference: whom `OWN` shall sound like; None: a voice of the engine's choosing. Every
                other voice ignores it.
            progress: pieces of work done, of all.

        Raises:
            BadInput: if it does not know the voice, or the voice does not speak the language.
        """
        ...


class VoiceConverter(Protocol):
    """Makes one voice sound like another; the words, and the length to the sample, stay."""

    def convert(self, audio: Audio, reference: Audio) -> Audio:
        """Return `audio` in the voice of `reference`.

        Args:
            audio: (1, samples), any rate.
            reference: (1, samples) of the voice to take on, 3 s or more of clean speech.
        """
        ...


Picture: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8, red green blue."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: 468 points in pixels, (468, 2) float32, in the order of MediaPipe's mesh."""

    points: NDArray[np.float32]
    score: float  # 0..1: how sure the finder is that this is a face
    turned: float  # 0 looks at us, 1 is a profile

    @property
    def height_px(self) -> float:
        """From the hairline to the chin."""
        return float(np.linalg.norm(self.points[10] - self.points[152]))


class FaceFinder(Protocol):
    """Finds faces and their points."""

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of a picture, largest first; maybe none."""
        ...


class FaceSpotter(Protocol):
    """Finds faces that are too small for a `FaceFinder`."""

    def spot(self, picture: Picture) -> tuple[Spotted, ...]:
        """Return the faces of a picture, largest first; maybe none."""
        ...


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound of speech in IPA, with its times."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Aligned:
    """When each word and each sound of a text is heard."""

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]


class PhoneAligner(Protocol):
    """Tells when the words of a known text are heard."""

    def align(self, audio: Audio, text: str, language: str) -> Aligned:
        """Return the words of `text` as written, in order, and its sounds, with their times.

        Args:
            audio: (1, samples), one sentence or a few.
            text: in its spoken form.
            language: of the text.

        Raises:
            BadInput: if it does not know the language.
        """
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame of a film: when it is shown, and the face in it that shall speak."""

    at_s: Fraction  # exact, by the film's own time stamps: films of 29.97 or varying rates do not drift
    face: Face | None  # None: the frame stays as it is
    share: float = 1.0  # 0..1: how much of the new mouth is seen; for a soft way in and out


class LipSyncer(Protocol):
    """Lets the mouth of somebody who is filmed say something else."""

    def sync(
        self,
        frames: Iterable[Picture],
        moments: Sequence[Moment],
        speech: Audio,
        phones: Sequence[Phone],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield the frames with another mouth, one for each, in order; few are held at a time.

        Outside the face, and where a moment has no face or no share, frames stay bit for bit.

        Args:
            frames: of one size, upright.
            moments: of each frame.
            speech: (1, samples), what is said; its first sample is heard at 0 s.
            phones: its sounds, or none: then the mouth follows the sound alone.
            progress: frames done, of all.

        Raises:
            ValueError: if there are more or fewer frames than moments.
        """
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The frames that are wanted of a film that is animated in parts.

    The speech that goes with it is an excerpt: it begins some seconds before the frames, and ends
    some seconds after them, where there is that much.
    """

    first: int  # frame, counted from the beginning of the excerpt
    stop: int  # the frame after the last one
    at_s: float = 0.0  # when in the film the excerpt begins, in whole seconds
    before: tuple[Picture, ...] = ()  # the frames just ahead of `first`, `looks_back` at most


class Pastes(Protocol):
    """What may draw a part of a portrait, and paste it into it."""

    def paste_back(self, portrait: Picture, face: Face) -> PasteBack | None:
        """Measure what pasting alone does to a portrait; None: nothing is pasted into it."""
        ...


class PortraitAnimator(Pastes, Protocol):
    """Lets a portrait speak."""

    looks_back: int
    """How many frames of the part before it goes on from; 0: every part can be made by itself."""
    hears_back_s: float
    """How long ago what was said may still move the face."""

    def animate(
        self,
        portrait: Picture,
        face: Face,
        speech: AudioFile,
        phones: Sequence[Phone],
        *,
        fps: float,
        seed: int,
        progress: Progress,
        part: Part | None = None,
    ) -> Iterator[Picture]:
        """Yield the frames of the speech, each as large as `portrait`, one at a time.

        No jump may be seen where two parts meet: what the face does by itself is a function of the
        film's time and the seed, or goes on from the frames of the part before.

        Args:
            portrait: the picture; outside the head and its border it stays as it is.
            face: where the face is in it.
            speech: what is said, at -16 LUFS; as many frames as it lasts.
            phones: its sounds, or none: then the mouth follows the sound alone.
            fps: frames a second.
            seed: of blinks, gaze and the small motions of the head.
            progress: frames done, of those that are wanted.
            part: which frames are wanted; None: all of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Performance:
    """A face in a film, whose motion another one is given."""

    points: NDArray[np.float32]  # (frames, 468, 2): its mesh, in pixels of the film
    fps: float
    pictures: Callable[[int, int], Iterator[Picture]]  # from one frame up to another; again, too
    words: tuple[AudioFile, Sequence[Phone], Part] | None = None
    """What the portrait says of its own, as `PortraitAnimator.animate` takes it; None: what is said there."""


class PortraitDriver(Pastes, Protocol):
    """Lets a portrait do what a face in a film does."""

    speaks: bool  # whether the mouth can follow words that are not the film's

    def drive(
        self,
        portrait: Picture,
        face: Face,
        performance: Performance,
        frames: Sequence[int],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield one frame for each of `frames`, as large as `portrait`, one at a time.

        Args:
            portrait: the picture; outside the head and its border it stays as it is.
            face: where the face is in it.
            performance: whose motion it is given; all of it tells how that face looks at rest.
            frames: of the performance, in the order in which they are followed; a film is made in parts.
            progress: frames done, of those that are wanted.
        """
        ...


Matte: TypeAlias = NDArray[np.float32]
"""(height, width) float32, 1 where the person is, 0 where the background is, between them at hair."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A frame, and how much of each of its pixels is a person; both of one size."""

    frame: Picture
    matte: Matte


class Segmenter(Protocol):
    """Cuts people out of their background."""

    def segment(self, frames: Iterable[Picture]) -> Iterator[Cutout]:
        """Yield every frame with its matte, one for one and in order, steady from frame to frame.

        Args:
            frames: of one film, all of one size, one at a time: as long a film as may be.
        """
        ...


class ImageMaker(Protocol):
    """Makes a picture of a description."""

    def make(
        self,
        prompt: str,
        width_px: int,
        height_px: int,
        seed: int,
        *,
        avoid: str = "",
        progress: Progress = silent,
    ) -> Picture:
        """Return a picture of exactly that size.

        Args:
            prompt: what is to be seen, in words: place, time, weather, light, colours, style.
            width_px: 16 or more.
            height_px: 16 or more.
            seed: another one gives another picture; the same one the same.
            avoid: what shall not be seen; an engine that cannot heed it ignores it.
            progress: steps done, of all.
        """
        ...
