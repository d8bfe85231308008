"""The take gate: what a bad take is, and that another one is asked for."""

import numpy as np
import pytest

from engines.roles import Speech
from media.audio import Audio, open_audio
from studio.steps import Desk
from tests.dub.studio import make
from workflows.dub import speaking
from workflows.dub.budget import estimate_s
from workflows.dub.cautions import about_takes
from workflows.dub.model import Take
from workflows.dub.takes import MOST_TAKES, best, judged, seed_of, without_tail

RATE_HZ = 16_000
TEXT = "La casa vieja está al final de una calle tranquila."
EXPECTED_S = estimate_s(TEXT, "es")


def talk(seconds: float, level: float = 0.2) -> np.ndarray:
    """Something with the envelope of speech: syllables of noise, 5 a second."""
    count = round(seconds * RATE_HZ)
    noise = np.random.default_rng(0).normal(0, level, count)
    return (noise * (0.55 + 0.45 * np.sin(np.arange(count) / RATE_HZ * 2 * np.pi * 5))).astype(
        np.float32
    )


def sound(*parts) -> Audio:
    return Audio(np.clip(np.concatenate(parts), -1, 1)[None], RATE_HZ)


@pytest.mark.parametrize(
    ("take", "faults"),
    [
        (sound(talk(EXPECTED_S)), ()),
        (sound(talk(EXPECTED_S * 0.7)), ()),
        (sound(talk(EXPECTED_S * 0.4)), ("shorter than its words",)),
        (sound(talk(EXPECTED_S * 2.2)), ("longer than its words",)),
        (sound(talk(EXPECTED_S) * 0), ("silent",)),
        (sound(talk(EXPECTED_S) * 20), ("clipped",)),
        (sound(talk(EXPECTED_S), talk(2.0, 0.002)), ("followed by noise",)),
    ],
)
def test_faults_are_named(take, faults):
    assert judged(take, EXPECTED_S).faults == faults


def test_nothing_is_judged_without_failing():
    assert "silent" in judged(Audio(np.zeros((1, 0), np.float32), RATE_HZ), 1.0).faults


def test_the_hiss_after_the_last_word_goes_and_the_words_stay():
    words, hiss = talk(1.5), talk(0.9, 0.002)
    kept, gone_s = without_tail(sound(words, hiss))
    assert gone_s == pytest.approx(0.9 - 0.12, abs=0.03)
    assert np.array_equal(kept.samples[0, : words.size], words)
    assert without_tail(sound(words, talk(0.2, 0.002)))[1] == 0


def test_the_best_is_the_one_with_the_fewest_faults_then_of_the_likeliest_length():
    long, silent, good, fair = (
        judged(sound(each), EXPECTED_S)
        for each in (
            talk(EXPECTED_S * 3),
            talk(EXPECTED_S) * 0,
            talk(EXPECTED_S),
            talk(EXPECTED_S * 1.3),
        )
    )
    assert best([long, silent, fair, good]) == 3
    assert best([silent, long]) == 1
    assert len({seed_of(take, attempt) for take in range(50) for attempt in range(3)}) == 150
    assert seed_of(7, 0) == 7


class Unsure:
    """A speaker that gets a line right with the seeds it is told."""

    def __init__(self, good_seeds):
        self.good, self.seeds = good_seeds, []

    def speak(self, text, voice, language, rate, seed, reference=None, progress=None):
        self.seeds.append(seed)
        seconds = EXPECTED_S * (1 if seed in self.good else 3)
        return Speech(sound(talk(seconds / rate)))


@pytest.fixture
def desk(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Desk(make(tmp_path / "data").store, scratch, lambda done, total: None, lambda: None)


@pytest.mark.parametrize(
    ("good", "allowed", "tries", "faults"),
    [
        ({0}, MOST_TAKES, 1, ()),
        ({seed_of(0, 1)}, MOST_TAKES, 2, ()),
        (set(), MOST_TAKES, 3, ("longer than its words",)),
        (set(), 1, 1, ("longer than its words",)),
    ],
)
def test_a_bad_take_is_spoken_again_at_most_three_times(desk, good, allowed, tries, faults):
    speaker = Unsure(good)
    order = speaking.Order(TEXT, "own", "es", 1.0, 0, tries=allowed)
    made = speaking.speak.work(speaker, desk, order)
    assert (made.tries, made.faults) == (tries, faults)
    assert len(speaker.seeds) == len(set(speaker.seeds)) == tries
    kept = open_audio(desk.path(made.audio))
    assert kept.duration_s == pytest.approx(EXPECTED_S * (3 if faults else 1), abs=0.02)


def test_the_report_names_lines_that_were_spoken_again(desk):
    made = speaking.speak.work(
        Unsure(set()), desk, speaking.Order(TEXT, "own", "es", 1.0, 0, tries=3)
    )
    fixed = Take("L001", made.audio, 1.0, 1.0, TEXT, tries=2)
    bad = Take("L002", made.audio, 1.0, 1.0, TEXT, tries=3, faults=made.faults)
    alone = Take("L003", made.audio, 1.0, 1.0, TEXT, tries=1, faults=made.faults)
    told = list(about_takes([fixed, bad, alone]))
    assert len(told) == 2 and "L001" in told[0] and "L002" in told[1]
    assert "3 times" in told[1] and "longer than its words" in told[1]
