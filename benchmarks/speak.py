"""Translation, voices and voice conversion of the embedded engines.

Run from the repository root: `python -m benchmarks.speak [--json] [translation|voices|conversion …]`.
Needs the shared test media.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pysubs2
import soundfile
from pocketsphinx import Decoder

from benchmarks.scores import normal_words, word_errors
from engines import catalog
from engines.translation.apertium import Apertium
from media.audio import Audio
from media.pitch import track_pitch
from media.program import ask_program
from media.voiceprint import distance, voiceprint
from studio.progress import silent
from tests.media import SHARED

FILMS = ("subtitles/tears_of_steel_{}.srt", "subtitles/sintel_{}.vtt")
SENTENCES = (
    "The old house stood at the end of a long and quiet street.",
    "She opened the window and looked out over the garden.",
    "We have been waiting for the train since early this morning.",
    "My brother works in a small shop near the river.",
    "Please give me another cup of coffee and some bread.",
    "The children were playing football in the park when it began to rain.",
    "He could not remember the name of the town where he was born.",
    "There are many good reasons to learn a second language.",
)
PEOPLE = {
    "Katie": "voices/en_enroll_katie.wav",
    "Steve": "voices/en_enroll_steve.wav",
    "VCTK p240": "voices/en_vctk_p240_00000.mp3",
    "VCTK p260": "voices/en_vctk_p260_00000.mp3",
}
ROUTES = ("en-es", "es-en", "fr-es", "es-fr", "fr-en", "en-fr")
MODES = {"en": "eng", "es": "spa", "ca": "cat", "fr": "fra"}


@dataclass(frozen=True, slots=True)
class Translation:
    """One pair, one way of translating it."""

    pair: str
    cues: int
    way: str
    chrf: float
    seconds: float


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One English voice."""

    voice: str
    engine: str
    pitch_hz: float
    chars_per_s: float
    real_time_factor: float
    word_error_rate: float


@dataclass(frozen=True, slots=True)
class Conversion:
    """One voice turned towards one person."""

    voice: str
    person: str
    wer_before: float
    wer_after: float
    distance_before: float
    distance_after: float
    cosine_before: float
    cosine_after: float
    pitch_hz: float
    wanted_hz: float
    real_time_factor: float


def main() -> None:
    """Print the chosen tables, as Markdown or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("tables", nargs="*", default=[])
    asked = parser.parse_args()
    tables: dict[str, Callable[[], Iterator[Translation | VoiceRow | Conversion]]] = {
        "translation": translations,
        "voices": voices,
        "conversion": conversions,
    }
    names = asked.tables or list(tables)
    if asked.json:
        found = {name: [asdict(row) for row in tables[name]()] for name in names}
        json.dump(found, sys.stdout)
        return
    for name in names:
        print_table(tables[name]())


def print_table(rows: Iterator[Translation | VoiceRow | Conversion]) -> None:
    """Print rows of one kind as they come."""
    for count, row in enumerate(rows):
        values = asdict(row)
        if count == 0:
            print("\n| " + " | ".join(name.replace("_", " ") for name in values) + " |")
            print("|" + "---|" * len(values))
        cells = [
            f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in values.values()
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


def translations() -> Iterator[Translation]:
    """Score Apertium as it comes, ours directly, and ours through another language."""
    for pair in ROUTES:
        source, target = pair.split("-")
        cues = aligned_cues(source, target)
        texts, wanted = [a for a, _ in cues], [b for _, b in cues]
        plain = plainly(texts, source, target)
        if plain is not None:
            yield Translation(pair, len(cues), "apertium alone", chrf(plain[0], wanted), plain[1])
        preset = catalog.entry("apertium").settings.get("through", {}).get(pair, "")
        for pivot in ("", "es", "ca", "gl", "pt"):
            engine = Apertium(("es", "ca"), (), {pair: pivot} if pivot else {})
            route = engine.route(source, target)
            if (len(route) == 2) != bool(pivot) or (pivot and route[0][1] != pivot):
                continue
            start_s = time.perf_counter()
            said = [each.text for each in engine.translate(texts, source, target, silent)]
            took_s = time.perf_counter() - start_s
            chosen = " (chosen)" if pivot == preset or (not pivot and not preset) else ""
            way = f"ours, {f'through {pivot}' if pivot else 'direct'}{chosen}"
            yield Translation(pair, len(cues), way, chrf(said, wanted), took_s)


def plainly(texts: Sequence[str], source: str, target: str) -> tuple[list[str], float] | None:
    """Translate by the bare program; None if it has no such pair."""
    for mode in (f"{MODES[source]}-{MODES[target]}", f"{source}-{target}"):
        if Path(f"/usr/share/apertium/modes/{mode}.mode").exists():
            start_s = time.perf_counter()
            said = ask_program(["apertium", "-u", "-f", "line", mode], stdin="\n".join(texts))
            return said, time.perf_counter() - start_s
    return None


def aligned_cues(source: str, target: str) -> list[tuple[str, str]]:
    """Return the cues that stand at the same time in the subtitles of both languages."""
    pairs: list[tuple[str, str]] = []
    for film in FILMS:
        files = [SHARED / film.format(language) for language in (source, target)]
        if all(file.exists() for file in files):
            ours, theirs = (list(pysubs2.load(str(file), encoding="utf-8")) for file in files)
            for cue in ours:
                same = [
                    o for o in theirs if _shared_ms(cue, o) > 0.6 * max(cue.duration, o.duration)
                ]
                if len(same) == 1:
                    pairs.append((_words(cue), _words(same[0])))
    return pairs


def _shared_ms(a: pysubs2.SSAEvent, b: pysubs2.SSAEvent) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


def _words(cue: pysubs2.SSAEvent) -> str:
    return " ".join(cue.plaintext.split())


def chrf(said: Sequence[str], wanted: Sequence[str], order: int = 6, beta: float = 2.0) -> float:
    """Return the character n-gram F-score over the whole (Popović 2015), 0..100, spaces left out."""
    scores: list[float] = []
    for n in range(1, order + 1):
        both = ours = theirs = 0
        for a, b in zip(said, wanted, strict=False):
            first, second = _grams(a, n), _grams(b, n)
            both += sum((first & second).values())
            ours, theirs = ours + sum(first.values()), theirs + sum(second.values())
        precision, recall = both / max(ours, 1), both / max(theirs, 1)
        weighed = beta**2 * precision + recall
        scores.append((1 + beta**2) * precision * recall / weighed if weighed else 0.0)
    return 100 * sum(scores) / order


def _grams(text: str, n: int) -> Counter[str]:
    solid = text.replace(" ", "")
    return Counter(solid[i : i + n] for i in range(len(solid) - n + 1))


def voices() -> Iterator[VoiceRow]:
    """Measure every English voice of this machine."""
    for voice in catalog.voices("en").values():
        entry = catalog.entry(voice.engine)
        if entry.missing():
            continue
        speaker = entry.build()
        start_s = time.perf_counter()
        takes = [speaker.speak(text, voice.name, "en", 1.0, 0).audio for text in SENTENCES]
        took_s = time.perf_counter() - start_s
        total_s = sum(take.duration_s for take in takes)
        yield VoiceRow(
            f"{voice.title} ({voice.name})",
            voice.engine,
            track_pitch(joined(takes)).median_hz,
            sum(map(len, SENTENCES)) / total_s,
            took_s / total_s,
            error_rate(takes),
        )


def conversions() -> Iterator[Conversion]:
    """Turn four voices towards four people, on the first five sentences."""
    converter = catalog.entry("spectral-converter").build()
    for id_ in ("robert", "sally", "marco", "alba"):
        voice = catalog.voices("en")[id_]
        speaker = catalog.entry(voice.engine).build()
        takes = [speaker.speak(text, voice.name, "en", 1.0, 0).audio for text in SENTENCES[:5]]
        source = joined(takes)
        wer_before = error_rate(takes)
        for person, name in PEOPLE.items():
            model = recording(SHARED / name)
            start_s = time.perf_counter()
            made = [converter.convert(take, model) for take in takes]
            took_s = time.perf_counter() - start_s
            after, goal = joined(made), voiceprint(model)
            yield Conversion(
                voice.title,
                person,
                wer_before,
                error_rate(made),
                distance(voiceprint(source), goal),
                distance(voiceprint(after), goal),
                mfcc_cosine(source, model),
                mfcc_cosine(after, model),
                track_pitch(after).median_hz,
                goal.pitch_hz,
                took_s / source.duration_s,
            )


def mfcc_cosine(a: Audio, b: Audio) -> float:
    """Return the cosine between the mean MFCC 1-19 of two recordings (librosa, 16 kHz)."""
    import librosa  # noqa: PLC0415 - slow to import

    means = [
        librosa.feature.mfcc(y=each.mono().resampled(16_000).samples[0], sr=16_000, n_mfcc=20)[
            1:
        ].mean(1)
        for each in (a, b)
    ]
    return float(means[0] @ means[1] / (np.linalg.norm(means[0]) * np.linalg.norm(means[1])))


def recording(path: Path) -> Audio:
    """Read up to 15 s of a recording."""
    frames, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Audio(np.ascontiguousarray(frames.T), rate).mono().cut(0, 15)


def joined(takes: Sequence[Audio]) -> Audio:
    """Return the takes one after the other."""
    return Audio(np.concatenate([t.samples for t in takes], axis=1), takes[0].sample_rate_hz)


def error_rate(takes: Sequence[Audio]) -> float:
    """Return the word error rate of pocketsphinx on takes of the first of `SENTENCES`."""
    errors = words = 0
    for text, take in zip(SENTENCES, takes, strict=False):
        wanted = normal_words(text)
        errors += word_errors(wanted, normal_words(heard(take)))
        words += len(wanted)
    return errors / words


def heard(take: Audio) -> str:
    """Return what pocketsphinx hears; the second pass knows the speaker's cepstral mean."""
    wave = np.pad(take.mono().resampled(16_000).samples[0], 4000)
    wave = wave + np.random.default_rng(0).normal(0, 1e-4, wave.size)
    pcm = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
    decoder = Decoder(samprate=16_000, lw=6.5, loglevel="FATAL")
    for _ in range(2):
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


if __name__ == "__main__":
    main()
