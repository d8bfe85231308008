import time
from itertools import pairwise

import numpy as np
import psutil
import pytest

from benchmarks.scores import word_error_rate
from engines import catalog
from engines.speech_detection.silero import Silero
from engines.transcription.pocketsphinx import believable, joined
from engines.transcription.sphinx_worker import RATE_HZ, pieces
from media.audio import open_audio
from media.speech import Span, Word
from studio.errors import BadInput, Cancelled
from studio.progress import silent
from tests import tiny
from tests.clock import keeps
from tests.media import shared

LJ4 = "produced the block books, which were the immediate predecessors of the true printed book,"
LJ5 = (
    "the invention of movable metal letters in the middle of the fifteenth century may justly be "
    "considered as the invention of the art of printing."
)


@pytest.fixture(params=catalog.entries("Transcriber"))
def transcriber(request):
    engine = tiny.engine(request.param)
    engine.is_tiny = tiny.is_tiny(request.param)  # then what it says means nothing
    return engine


def heard(name):
    audio = open_audio(shared(name))
    return audio, Silero().detect(audio, silent)


@pytest.mark.parametrize(
    ("name", "text"), [("speech/en_LJ001-0004.flac", LJ4), ("speech/en_LJ001-0005.flac", LJ5)]
)
def test_clear_english_is_mostly_understood(transcriber, name, text):
    audio, speech = heard(name)
    told = []
    found = transcriber.transcribe(audio, speech, "", lambda done, n: told.append((done, n)))
    assert found.language == "en" and found.confidence > 0.8
    assert (
        transcriber.is_tiny
        or word_error_rate(text, " ".join(word.text for word in found.words)) <= 0.3
    )
    assert all(0 <= w.start_s < w.end_s <= audio.duration_s + 0.05 for w in found.words)
    assert all(a.start_s <= b.start_s and a.end_s <= b.end_s for a, b in pairwise(found.words))
    assert all(0 <= word.confidence <= 1 and word.text for word in found.words)
    assert told == sorted(told)


def test_the_clock_is_that_of_the_file_and_overlaps_are_heard_once(transcriber):
    audio = open_audio(shared("conversation/made_dialogue_2spk.flac"))
    part = Span(27.4, 32.9)  # the last sentence
    found = transcriber.transcribe(audio, (part, Span(28.0, 32.9)), "en", silent)
    again = transcriber.transcribe(audio, (part,), "en", silent)
    assert found == again  # and the same every time
    assert 3 <= len(found.words) <= 25
    assert all(word.start_s >= 27.3 and word.end_s <= 33.0 for word in found.words)


def test_another_language_is_not_believed(transcriber):
    if transcriber.is_tiny:
        pytest.skip("tiny random weights hear English in everything")
    audio, speech = heard("speech/de_rhasspy-0007.flac")
    if "de" in catalog.entry("pocketsphinx-en").languages:
        pytest.fail("then this test needs another language")
    assert transcriber.transcribe(audio, speech, "", silent).confidence < 0.5


def test_an_unknown_language_is_refused(transcriber):
    audio = open_audio(shared("odd/silence_8s.flac"))
    with pytest.raises(BadInput, match="'xx'"):
        transcriber.transcribe(audio, (), "xx", silent)


def test_silence_has_no_words(transcriber):
    audio = open_audio(shared("odd/silence_8s.flac"))
    assert transcriber.transcribe(audio, (), "en", silent).words == ()
    if not transcriber.is_tiny:
        assert transcriber.transcribe(audio, (Span(1.0, 3.0),), "en", silent).words == ()


def test_it_stops_at_once_and_leaves_no_process(transcriber):
    audio, speech = heard("speech/en_sonnet1.mp3")
    begun_s, stopped_s = [], []

    def stop(done, total):
        if time.monotonic() - begun_s[-1] > (0.0 if transcriber.is_tiny else 2.0):
            stopped_s.append(time.monotonic())
            raise Cancelled("stopped")

    def once():
        begun_s.append(time.monotonic())
        with pytest.raises(Cancelled):
            transcriber.transcribe(audio, speech, "en", stop)
        return time.monotonic() - stopped_s[-1]

    keeps(2.0, once)
    left = [p for p in psutil.Process().children(recursive=True) if "sphinx" in str(p.cmdline())]
    assert left == []


def test_long_stretches_are_cut_where_it_is_quiet():
    wave = np.random.default_rng(0).uniform(-1, 1, 40 * RATE_HZ).astype(np.float32)
    quiet = [10.0, 21.0, 30.0]
    for at_s in quiet:
        wave[int(at_s * RATE_HZ) : int((at_s + 0.2) * RATE_HZ)] = 0
    borders = np.array(pieces(wave)) / RATE_HZ
    assert borders[0] == 0 and borders[-1] == 40
    assert np.diff(borders).max() <= 14
    for at_s in quiet:
        assert np.abs(borders - at_s - 0.1).min() < 0.11


def test_touching_stretches_become_one():
    spans = [Span(5.0, 6.0), Span(0.0, 1.0), Span(0.5, 2.0), Span(2.05, 3.0)]
    assert list(joined(spans, 6.0)) == [Span(0.0, 3.05), Span(4.95, 6.0)]


def test_what_nobody_says_is_left_out():
    stutter = [Word("the", 0.2 * i, 0.2 * i + 0.2) for i in range(20)]
    assert len(believable(stutter)) == 4
    rush = [Word("extraordinary", 0.1 * i, 0.1 * i + 0.1) for i in range(2)]
    assert believable([*rush, Word("things", 0.2, 0.25)]) == []
    plain = [Word("so", 0.0, 0.2), Word("it", 0.2, 0.3), Word("is", 0.3, 0.5)]
    assert believable(plain) == plain
