from itertools import pairwise

import numpy as np
import pytest
import soundfile

from benchmarks.scores import read_rttm
from engines import catalog
from engines.speech_detection.silero import Rules, spans
from media.audio import open_audio, write_audio
from media.speech import Span
from studio.errors import Cancelled
from studio.progress import silent
from tests.media import shared


@pytest.fixture(params=catalog.entries("SpeechDetector"))
def detector(request):
    entry = catalog.entry(request.param)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


def keeps_the_rules(found, duration_s):
    assert all(span.duration_s >= 0.25 for span in found)
    assert all(b.start_s - a.end_s >= 0.35 for a, b in pairwise(found))
    assert all(0 <= span.start_s < span.end_s <= duration_s for span in found)
    return True


def test_a_dialogue_is_found_where_it_is(detector):
    audio = open_audio(shared("conversation/made_dialogue_2spk.flac"))
    found = detector.detect(audio, silent)
    assert keeps_the_rules(found, audio.duration_s)
    turns = read_rttm(shared("conversation/made_dialogue_2spk.rttm"))
    truth = [Span(turn.start_s, turn.end_s) for turn in turns]
    heard_s = sum(a.overlap_s(b) for a in found for b in truth)
    # The turns are whole recordings with silence at their ends: they are longer than the speech.
    assert heard_s >= 0.85 * sum(each.duration_s for each in truth)
    assert heard_s >= 0.97 * sum(each.duration_s for each in found)


@pytest.mark.parametrize("name", ["very_quiet.wav", "stereo_antiphase.wav", "ulaw_8k.wav"])
def test_odd_recordings_of_the_same_speech_are_heard(detector, name):
    plain = detector.detect(open_audio(shared("speech/en_jfk.flac")), silent)
    odd = detector.detect(open_audio(shared(f"odd/{name}")), silent)
    assert [round(each.start_s, 1) for each in odd] == [round(s.start_s, 1) for s in plain[:3]]


@pytest.mark.parametrize(
    "name", ["odd/silence_8s.flac", "speech/nospeech_robin.ogg", "odd/very_short_50ms.wav"]
)
def test_where_nobody_speaks_nothing_is_found(detector, name):
    assert detector.detect(open_audio(shared(name)), silent) == ()


def test_music_without_words_is_no_speech(detector):
    audio = open_audio(shared("music/bed_hungarian_dance.ogg"))
    assert sum(each.duration_s for each in detector.detect(audio, silent)) < 2


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_the_rate_does_not_matter(detector, rate_hz, tmp_path):
    audio = open_audio(shared("speech/en_LJ001-0001.flac"))
    expected = detector.detect(audio, silent)
    other = open_audio(write_audio(audio.read().resampled(rate_hz), tmp_path / "x.flac"))
    found = detector.detect(other, silent)
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        assert one.start_s == pytest.approx(two.start_s, abs=0.1)
        assert one.end_s == pytest.approx(two.end_s, abs=0.1)


def test_an_empty_file_has_no_speech(detector, tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros((0, 2)), 44_100)
    assert detector.detect(open_audio(tmp_path / "x.wav"), silent) == ()


def test_it_reports_and_can_be_stopped(detector):
    audio = open_audio(shared("speech/en_sonnet1.mp3"))
    told = []
    first = detector.detect(audio, lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1][0] == told[-1][1] == int(audio.duration_s)
    assert detector.detect(audio, silent) == first

    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        detector.detect(audio, stop)


def test_probabilities_become_spans():
    rules = Rules(pad_s=0.0)
    frames = np.zeros(100, np.float32)
    frames[10:20] = 0.9  # 0.32 s
    frames[25:40] = 0.6  # 0.16 s later: the same speech
    frames[60:64] = 0.9  # 0.13 s: a click
    assert spans(frames, 3.2, rules) == (Span(10 * 0.032, 40 * 0.032),)
    frames[20:25] = 0.4  # neither begins nor ends it
    assert spans(frames, 3.2, rules) == (Span(10 * 0.032, 40 * 0.032),)
