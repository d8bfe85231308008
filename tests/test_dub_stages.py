"""The benchmark of the whole dub: every stage is measured, and named with its engine."""

import pytest

from benchmarks.dub_stages import measure, table
from tests.dub.studio import opening
from tests.tiny.studio import Lender
from workflows.dub import WORKFLOW


@pytest.mark.slow
def test_every_stage_of_a_dub_is_measured(tmp_path):
    swaps = {"Diarizer": "nemotron-diarizer"}
    film = opening(tmp_path, 7.7)
    options = {"source_language": "en", "speakers": 2}
    found = measure(film, "draft", tmp_path / "data", swaps=swaps, lender=Lender, **options)
    titles = {each.title for each in found.stages}
    assert titles <= {each.title for each in WORKFLOW.steps} and len(titles) > 15
    stage = {each.title: each for each in found.stages}
    assert stage["Tell the speakers apart"].engine == "nemotron-diarizer"
    assert stage["Write down what is said"].processor_s > 0.5
    assert all(each.peak_mb > 50 and each.gpu_peak_mb is None for each in found.stages)
    lines = table(found).splitlines()
    assert len(lines) == 3 + len(titles) and lines[-1].startswith("| whole |")
    assert len({line.count("|") for line in lines}) == 1
