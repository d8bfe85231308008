from itertools import pairwise

import numpy as np
import pytest

from benchmarks.scores import diarization_error_rate, read_rttm
from engines import catalog
from engines.diarization.clustering import Rules, speakers_of
from engines.speech_detection.silero import Silero
from media.audio import Audio, open_audio, write_audio
from media.speech import Span
from media.tools import run_ffmpeg
from studio.errors import Cancelled
from studio.progress import silent
from tests.media import shared
from tests.tiny import engine, is_tiny


@pytest.fixture(params=catalog.entries("Diarizer"))
def diarizer(request):
    return engine(request.param)


@pytest.fixture
def trained(request, diarizer):
    """Tell whether the weights are real, so that what it answers means something."""
    return not is_tiny(request.node.callspec.params["diarizer"])


def heard(name):
    audio = open_audio(shared(name))
    return audio, Silero().detect(audio, silent)


def test_a_dialogue_is_told_apart(diarizer, trained):
    audio, speech = heard("conversation/made_dialogue_2spk.flac")
    turns = diarizer.diarize(audio, speech, 0, silent)
    if trained:
        truth = read_rttm(shared("conversation/made_dialogue_2spk.rttm"))
        assert {turn.speaker for turn in turns} == {"S1", "S2"}
        assert diarization_error_rate(truth, turns) <= 0.06
    assert turns[0].speaker == "S1"
    assert all(turn.end_s > turn.start_s for turn in turns)
    assert all(a.end_s <= b.start_s for a, b in pairwise(turns))
    for turn in turns:
        inside = [s for s in speech if s.start_s <= turn.start_s and turn.end_s <= s.end_s]
        assert len(inside) == 1
    talk_s = sum(turn.end_s - turn.start_s for turn in turns)
    assert talk_s == pytest.approx(sum(each.duration_s for each in speech))
    assert diarizer.diarize(audio, speech, 0, silent) == turns


@pytest.mark.parametrize(
    "name", ["speech/en_jfk.flac", "speech/en_LJ001-0001.flac", "speech/de_rhasspy-0007.flac"]
)
def test_one_person_is_one_speaker(diarizer, trained, name):
    if not trained:
        pytest.skip("random weights know nobody")
    audio, speech = heard(name)
    assert {turn.speaker for turn in diarizer.diarize(audio, speech, 0, silent)} == {"S1"}


@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_a_given_number_is_not_passed(diarizer, trained, speakers):
    audio, speech = heard("conversation/made_dialogue_2spk.flac")
    found = {turn.speaker for turn in diarizer.diarize(audio, speech, speakers, silent)}
    assert 1 <= len(found) <= speakers
    assert len(found) > 1 or speakers == 1 or not trained


def test_the_network_tells_voices_in_a_room_apart():
    audio, speech = heard("conversation/katiesteve_2spk.wav")
    truth = read_rttm(shared("conversation/katiesteve_2spk.rttm"))
    turns = engine("ge2e-diarizer").diarize(audio, speech, 0, silent)
    assert len({turn.speaker for turn in turns}) == 2
    assert diarization_error_rate(truth, turns) <= 0.1


def test_the_network_tells_four_voices_apart(tmp_path):
    path = tmp_path / "talk.wav"
    run_ffmpeg(["-i", str(shared("video/made_talk_4shots.mp4")), "-vn", str(path)])
    audio = open_audio(path)
    speech = Silero().detect(audio, silent)
    truth = read_rttm(shared("video/made_talk_4shots.rttm"))
    turns = engine("ge2e-diarizer").diarize(audio, speech, 0, silent)
    assert diarization_error_rate(truth, turns) <= 0.05


def test_nothing_and_next_to_nothing(diarizer, tmp_path):
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 48_000)).astype(np.float32)
    file = open_audio(write_audio(Audio(noise, 48_000), tmp_path / "x.flac"))
    assert diarizer.diarize(file, (), 0, silent) == ()
    short = diarizer.diarize(file, (Span(0.9, 1.0),), 0, silent)
    assert [(turn.speaker, turn.start_s, turn.end_s) for turn in short] == [("S1", 0.9, 1.0)]
    none = open_audio(write_audio(Audio(np.zeros_like(noise), 48_000), tmp_path / "y.flac"))
    assert len(diarizer.diarize(none, (Span(0.0, 1.0),), 0, silent)) == 1


def test_it_reports_and_can_be_stopped(diarizer):
    audio, speech = heard("conversation/katiesteve_2spk.wav")
    told = []
    diarizer.diarize(audio, speech, 0, lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1][0] == told[-1][1]

    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        diarizer.diarize(audio, speech, 0, stop)


def test_hours_of_windows_need_no_more_than_a_few_hundred():
    generator = np.random.default_rng(0)
    centres = np.eye(64, dtype=np.float32)[:3]
    vectors = centres[generator.integers(0, 3, 20_000)]
    vectors = vectors + 0.05 * generator.standard_normal(vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert len(speakers_of(vectors, 0, Rules(apart=0.5, alike=0.8))) == 3
    assert len(speakers_of(vectors, 2, Rules(apart=0.5, alike=0.8))) == 2
