"""The whole dub with each diarizer that has weights: random ones here, so anyone may be anyone."""

import pytest

from engines import catalog
from media.probe import probe
from tests import tiny
from tests.dub.studio import SAID, SAMPLE, ask, result, run, sheet
from tests.tiny.studio import studio_with

pytestmark = pytest.mark.slow

TRAINED = [id_ for id_, each in catalog.entries("Diarizer").items() if each.weights is not None]


@pytest.mark.parametrize("id_", TRAINED)
def test_the_sample_is_dubbed_with_the_speakers_it_tells_apart(id_, tmp_path, heard_sample):
    tiny.engine(id_)  # skips where it cannot run
    studio = studio_with(heard_sample(tmp_path), Diarizer=id_)
    job = run(studio, ask(studio, video=SAMPLE, subtitles=SAID, source_language="en", speakers=2))
    made = result(studio, job)
    assert job.engines["Diarizer"] == id_
    told = sheet(studio, job)
    people = {line.speaker for line in told.lines}
    assert people <= {"S1", "S2"} == {"S1", "S2"} | {each.speaker for each in told.cast}
    assert all(line.translation and line.dub_end_s > line.dub_start_s for line in told.lines)
    after = probe(studio.store.path(made.video))
    assert after.duration_s == pytest.approx(probe(SAMPLE).duration_s, abs=0.1)
    assert f"Diarizer: {id_}" in made.report.engines
