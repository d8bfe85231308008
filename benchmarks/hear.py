"""Speech found, words understood, speakers told apart, voices taken out of music; memory for hours.

Run from the repository root: `python -m benchmarks.hear [--json] [words|language|speakers|stems|memory …]`.
Needs the shared test media. Seconds are processor seconds (children included), so that a busy machine
does not decide; `x real` is processor seconds per second of sound, on one core.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scores import (
    diarization_error_rate,
    normal_words,
    read_rttm,
    si_sdr_db,
    word_errors,
)
from engines import catalog
from engines.separation.grid import from_grid, to_grid
from media.audio import Audio, AudioFile, AudioWriter, open_audio, write_audio
from media.listen import put_together
from media.speech import Span, Turn
from media.tools import run_ffmpeg
from studio.progress import silent
from tests.media import SHARED

Wave = NDArray[np.float32]
ENGLISH = (
    *(f"speech/en_LJ001-000{n}.flac" for n in (1, 2, 4, 5, 8)),
    "speech/en_jfk.flac",
    *(f"speech/en_libri_1089-{n}.flac" for n in ("134686-0000", "134686-0001")),
    *(f"speech/en_libri_1089-{n}.flac" for n in ("134691-0000", "134691-0001")),
    "speech/en_mfa_spontaneous.wav",
    "speech/en_sonnet1.mp3",
    "conversation/katiesteve_2spk.wav",
    *(f"video/grid_{n}.mpg" for n in ("bbaf2n", "brbk7n", "lbax4n", "lrwp9a", "sbia1a")),
)
OTHERS = (
    *(f"speech/de_rhasspy-00{n}.flac" for n in ("04", "07", "12")),
    "speech/es_capitan_veneno.mp3",
    "speech/es_mls_13697.opus",
    "speech/fr_dictee.aiff",
)
TALKS = (
    "conversation/made_dialogue_2spk.flac",
    "conversation/katiesteve_2spk.wav",
    "video/made_talk_4shots.mp4",
    "conversation/ami_dev00.flac",
    "conversation/ami_dev01.flac",
    "conversation/ami_trn05.flac",
)
ALONE = (
    "speech/en_sonnet1.mp3",
    "speech/en_mfa_spontaneous.wav",
    "speech/en_jfk.flac",
    "speech/en_LJ001-0001.flac",
    "speech/en_libri_1089-134686-0000.flac",
    "speech/es_capitan_veneno.mp3",
    "speech/es_mls_13697.opus",
    "speech/de_rhasspy-0007.flac",
    "voices/en_enroll_katie.wav",
    "voices/en_enroll_steve.wav",
)


@dataclass(frozen=True, slots=True)
class Words:
    """One recording, written down."""

    file: str
    words: int
    wer: float
    wer_separated: float  # of the voice taken out by the separator first
    wer_in_a_dub: float  # of that with background put back, as a dub does it
    confidence: float
    x_real: float


@dataclass(frozen=True, slots=True)
class Tongue:
    """How sure the recogniser is that a recording is English."""

    file: str
    language: str
    speech_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Voices:
    """One talk, by one engine; error rates with a collar of 0.25 s, overlaps counted."""

    file: str
    engine: str
    speakers: int
    found: int
    der: float | None
    der_number_given: float | None
    der_as_one: float | None
    x_real: float


@dataclass(frozen=True, slots=True)
class Stems:
    """One mix taken apart in one way; gains over the mixture itself."""

    mix: str
    way: str
    voice_db: float
    voice_gain_db: float
    bed_db: float
    bed_gain_db: float
    x_real: float


@dataclass(frozen=True, slots=True)
class Memory:
    """One engine over a long track, in a process of its own."""

    engine: str
    minutes: int
    peak_mb: float
    x_real: float


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Measure processor seconds, those of ended children included."""
    taken = [0.0]
    before = processor_s()
    yield taken
    taken[0] = processor_s() - before


def processor_s() -> float:
    """Return the processor seconds of this process and its ended children."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(each.ru_utime + each.ru_stime for each in used)


def load(name: str, folder: Path) -> AudioFile:
    """Decode a shared file to FLAC."""
    path = folder / (name.replace("/", "_") + ".flac")
    if not path.exists():
        run_ffmpeg(["-i", str(SHARED / name), "-vn", "-sample_fmt", "s32", str(path)])
    return open_audio(path)


def speech_in(audio: AudioFile) -> tuple[Span, ...]:
    """Find the speech with the embedded detector."""
    return catalog.entry("silero-vad").build().detect(audio, silent)


def words(folder: Path) -> Iterator[Words]:
    """Transcribe every English recording, after separation, and as a dub hears it."""
    transcriber = catalog.entry("pocketsphinx-en").build()
    facts = json.loads((SHARED / "ground_truth.json").read_text(encoding="utf-8"))
    for name in ENGLISH:
        known = facts[name]
        text = known.get("text") or " ".join(each["text"] for each in known["segments"])
        reference, rates = normal_words(text), []
        audio, confidence = load(name, folder), 0.0
        taken_s = 0.0
        stems_of = _stems_of(audio, folder)
        together = put_together(*stems_of, folder / f"heard_{audio.path.name}", lambda: None)
        for source in (audio, stems_of[0], together):
            speech = speech_in(source)
            with stopwatch() as taken:
                found = transcriber.transcribe(source, speech, "", silent)
            heard = normal_words(" ".join(word.text for word in found.words))
            rates.append(word_errors(reference, heard) / len(reference))
            if source is audio:
                confidence, taken_s = found.confidence, taken[0]
        yield Words(name, len(reference), *rates, confidence, taken_s / audio.duration_s)


def _stems_of(audio: AudioFile, folder: Path) -> tuple[AudioFile, AudioFile]:
    separator = catalog.entry("rnnoise-separator").build()
    paths = [folder / f"{kind}_{audio.path.name}" for kind in ("vocals", "other")]
    with (
        AudioWriter(paths[0], audio.sample_rate_hz, audio.channels) as voice,
        AudioWriter(paths[1], audio.sample_rate_hz, audio.channels) as bed,
    ):
        for block in separator.separate(audio, silent):
            voice.write(block["vocals"])
            bed.write(block["other"])
    return open_audio(paths[0]), open_audio(paths[1])


def language(folder: Path) -> Iterator[Tongue]:
    """Tell how sure the recogniser is that recordings are English."""
    transcriber = catalog.entry("pocketsphinx-en").build()
    for name in (*OTHERS, *ENGLISH, *TALKS[3:]):
        audio = load(name, folder)
        speech, length_s = [], 0.0
        for span in speech_in(audio):
            if length_s < 20:
                speech.append(span)
                length_s += span.duration_s
        found = transcriber.transcribe(audio, speech, "", silent)
        kind = name.rpartition("/")[2][:2] if name in OTHERS else "en"
        yield Tongue(name, kind, length_s, found.confidence)


def speakers(folder: Path) -> Iterator[Voices]:
    """Tell speakers apart in talks with known turns, and in recordings of one person."""
    for name in (*TALKS, *ALONE):
        audio = load(name, folder)
        speech = speech_in(audio)
        truth = read_rttm((SHARED / name).with_suffix(".rttm")) if name in TALKS else ()
        people = max(1, len({turn.speaker for turn in truth}))
        for id_, entry in catalog.entries("Diarizer").items():
            if entry.missing():
                continue
            diarizer = entry.build()
            diarizer.diarize(audio, speech[:1], 0, silent)  # loads the weights
            with stopwatch() as taken:
                turns = diarizer.diarize(audio, speech, 0, silent)
            rates: list[float | None] = [None] * 3
            if truth:
                given = diarizer.diarize(audio, speech, people, silent)
                one = [Turn("S1", each.start_s, each.end_s) for each in speech]
                rates = [diarization_error_rate(truth, each) for each in (turns, given, one)]
            found = len({turn.speaker for turn in turns})
            yield Voices(name, id_, people, found, *rates, taken[0] / audio.duration_s)


def stems(folder: Path) -> Iterator[Stems]:
    """Take mixes apart: every separator, the plain middle of stereo, and doing nothing."""
    for name, (voice, bed) in _mixes(folder).items():
        mixture = voice + bed
        file = open_audio(write_audio(Audio(mixture, 44_100), folder / "mix.flac"))
        ways: dict[str, tuple[Wave, float]] = {
            "nothing": (mixture, 0.0),
            "plain middle": (_middle(mixture), 0.0),
        }
        for id_, entry in catalog.entries("Separator").items():
            if entry.missing():
                continue
            with stopwatch() as taken:
                blocks = list(entry.build().separate(file, silent))
            found = np.concatenate([block["vocals"].samples for block in blocks], axis=1)
            ways[id_] = (found, taken[0] / file.duration_s)
        for way, (found, x_real) in ways.items():
            voice_db = si_sdr_db(voice, found)
            rest = mixture if way == "nothing" else mixture - found
            bed_db = si_sdr_db(bed, rest)
            gains = voice_db - si_sdr_db(voice, mixture), bed_db - si_sdr_db(bed, mixture)
            yield Stems(name, way, voice_db, gains[0], bed_db, gains[1], x_real)


def _mixes(folder: Path) -> dict[str, tuple[Wave, Wave]]:
    def get(name: str, start_s: float, end_s: float) -> Wave:
        return load(name, folder).cut(start_s, end_s).resampled(44_100).samples

    talk = get("conversation/made_dialogue_2spk.flac", 0, 20)
    room = get("conversation/katiesteve_2spk.wav", 0, 19)
    verse = get("speech/en_sonnet1.mp3", 0, 20)
    band = get("music/made_stems/accompaniment.flac", 0, 9)
    strings = get("music/bed_hungarian_dance.ogg", 5, 26)
    song = get("music/made_stems/vocals.flac", 0, 9)
    return {
        "dialogue, band 6 dB below, stereo": _mix(talk, band, 6, 2),
        "dialogue, band 6 dB below, mono": _mix(talk, band, 6, 1),
        "dialogue, strings 12 dB below, mono": _mix(talk, strings, 12, 1),
        "dialogue in a room, strings 6 dB below, mono": _mix(room, strings, 6, 1),
        "verse, band as loud, stereo": _mix(verse, band, 0, 2),
        "verse, band as loud, mono": _mix(verse, band, 0, 1),
        "song (made_stems), stereo": (song, band[:, : song.shape[1]]),
        "song (made_stems), mono": _mono(song, band[:, : song.shape[1]]),
    }


def _mix(voice: Wave, bed: Wave, below_db: float, channels: int) -> tuple[Wave, Wave]:
    """Put a voice in the middle of music that is `below_db` quieter (by RMS over the whole)."""
    bed = np.tile(bed, (1, -(-voice.shape[1] // bed.shape[1])))[:, : voice.shape[1]]
    one = voice.mean(axis=0, keepdims=True)
    bed = bed * (np.sqrt(np.square(one).mean() / np.square(bed).mean()) * 10 ** (-below_db / 20))
    two = np.repeat(one, channels, axis=0)
    bed = bed.mean(axis=0, keepdims=True) if channels == 1 else bed
    bed = np.repeat(bed, 2, axis=0) if bed.shape[0] < channels else bed
    scale = np.float32(0.9 / np.abs(two + bed).max())
    return (two * scale).astype(np.float32), (bed * scale).astype(np.float32)


def _mono(voice: Wave, bed: Wave) -> tuple[Wave, Wave]:
    return voice.mean(axis=0, keepdims=True), bed.mean(axis=0, keepdims=True)


def _middle(mixture: Wave) -> Wave:
    """Return what both channels share: the field's way without weights."""
    if mixture.shape[0] == 1:
        return mixture * np.float32(0.999)
    left, right = (to_grid(each, 2048) for each in mixture)
    energy = np.square(np.abs(left)) + np.square(np.abs(right)) + 1e-12
    same = np.clip(2 * (left * right.conj()).real / energy, 0, 1)
    return np.stack([from_grid(each * same, 2048, mixture.shape[1]) for each in (left, right)])


def memory(folder: Path) -> Iterator[Memory]:
    """Run the engines over a long track made of one dialogue, over and over."""
    talk = load("conversation/made_dialogue_2spk.flac", folder).read()
    plans = (("silero-vad", 30), ("silero-vad", 180), ("rnnoise-separator", 10))
    for id_, minutes in (*plans, ("rnnoise-separator", 40), ("ge2e-diarizer", 30)):
        path = folder / "long.flac"
        with AudioWriter(path, talk.sample_rate_hz, 1) as writer:
            for _ in range(round(minutes * 60 / talk.duration_s)):
                writer.write(talk)
        command = [sys.executable, "-m", "benchmarks.hear", "--one", id_, str(path)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peak_mb, taken_s = json.loads(told)
        yield Memory(id_, minutes, peak_mb, taken_s / (minutes * 60))


def one(id_: str, path: Path) -> tuple[float, float]:
    """Run one engine over a file; return the peak of memory in MB and the processor seconds."""
    audio, entry = open_audio(path), catalog.entry(id_)
    speech = speech_in(audio) if entry.role == "Diarizer" else ()
    with stopwatch() as taken:
        match entry.role:
            case "SpeechDetector":
                entry.build().detect(audio, silent)
            case "Separator":
                for _ in entry.build().separate(audio, silent):
                    pass
            case _:
                entry.build().diarize(audio, speech, 0, silent)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, taken[0]


SECTIONS = {
    "words": words,
    "language": language,
    "speakers": speakers,
    "stems": stems,
    "memory": memory,
}


def _watched(rows: Iterator[Any]) -> list[Any]:
    """Return the rows, and show each as it comes: some take minutes."""
    kept: list[Any] = []
    for row in rows:
        print(row, file=sys.stderr, flush=True)
        kept.append(row)
    return kept


def table(rows: Sequence[Any]) -> str:
    """Return rows of one kind as Markdown."""
    names = list(asdict(rows[0]))
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(v) for v in asdict(row).values()) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return "" if value is None else str(value)


def main() -> None:
    """Measure what is asked and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "FILE"), help="used by `memory`")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; none: all")
    asked = parser.parse_args()
    wanted = asked.sections or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if asked.one:
        print(json.dumps(one(asked.one[0], Path(asked.one[1]))))
        return
    with tempfile.TemporaryDirectory() as name:
        found = {section: _watched(SECTIONS[section](Path(name))) for section in wanted}
    if asked.json:
        plain = {section: [asdict(row) for row in rows] for section, rows in found.items()}
        print(json.dumps(plain, indent=1))
        return
    for section, rows in found.items():
        print(f"\n## {section}\n\n{table(rows)}")
    if rows := found.get("words"):
        total = sum(row.words for row in rows)
        for kind in ("wer", "wer_separated", "wer_in_a_dub"):
            print(f"{kind}: {sum(getattr(row, kind) * row.words for row in rows) / total:.3f}")


if __name__ == "__main__":
    main()
