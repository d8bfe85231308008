"""Writing down minute by minute: nothing is lost at the cuts, and a kill loses a minute at most."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scores import word_error_rate
from media.audio import Audio, open_audio, write_audio
from media.speech import Span
from media.subtitles import read_subtitles
from tests.dub.studio import SAID, ask, make, opening, run
from workflows.dub import hearing

END_S = 15.6  # five of the sample's eight sentences


@given(
    lengths=st.lists(st.tuples(st.floats(0.25, 90), st.floats(0.35, 30)), min_size=1, max_size=60)
)
@settings(max_examples=60, deadline=None)
def test_minutes_are_whole_stretches_in_order_and_about_a_minute(lengths):
    at_s, speech = 0.0, []
    for length_s, pause_s in lengths:
        speech.append(Span(at_s, at_s + length_s))
        at_s += length_s + pause_s
    parts = hearing.minutes(tuple(speech))
    assert [each for part in parts for each in part] == speech
    assert all(parts)
    longest_s = max(each.duration_s for each in speech)
    for part in parts:
        assert sum(each.duration_s for each in part) <= hearing.MINUTE_S + longest_s + 1e-6
    total_s = sum(each.duration_s for each in speech)
    if total_s <= hearing.MINUTE_S:
        assert len(parts) == 1


@pytest.mark.slow
def test_cut_into_parts_the_sample_is_heard_as_well_as_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(hearing.minutes, "__defaults__", (4.0,))
    studio = make(tmp_path)
    film = opening(tmp_path, END_S)
    job = run(studio, ask(studio, video=film, review=True))  # parked before anything is spoken
    assert job.state == "waiting", job.error
    lines = json.loads(job.review_value)["sheet"]["lines"]
    found = studio.settings.data_dir.glob("memory/*/*.json")
    made = Counter(json.loads(each.read_text().splitlines()[0])["step"] for each in found)
    assert made["Write down what is said"] >= 3
    truth = " ".join(cue.text for cue in read_subtitles(SAID) if cue.end_s < END_S)
    assert word_error_rate(truth, " ".join(each["text"] for each in lines)) <= 0.1  # whole: 0.05
    starts_s = [each["start_s"] for each in lines]
    assert starts_s == sorted(starts_s)


def test_the_clear_voice_is_the_voice_where_nothing_was_separated(tmp_path):
    studio = make(tmp_path)
    path = write_audio(Audio(np.zeros((1, 800), np.float32), 8000), tmp_path / "voice.flac")
    voice = studio.store.take_in(path, "audio/flac")
    assert open_audio(studio.store.path(voice)).n_samples == 800
    with studio.store.scratch("test") as scratch:
        from studio.steps import Desk

        desk = Desk(studio.store, scratch, lambda *_: None, lambda: None)
        assert hearing.clear_voice.work(desk, hearing.Stems(voice, None)) == voice
