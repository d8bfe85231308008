"""The whole dub with a neural recogniser; tiny random weights, which hear one sentence in all."""

from dataclasses import replace
from pathlib import Path

import pytest

from engines import catalog
from tests import tiny
from tests.dub.studio import SAMPLE, ask, make, result, run, sheet
from tests.tiny import aligner_en, faster_whisper_small, whisper_large_v3

pytestmark = pytest.mark.slow

SETTINGS = {
    "whisper-large-v3": whisper_large_v3.SETTINGS,
    "faster-whisper-small": faster_whisper_small.SETTINGS,
    "aligner-en": getattr(aligner_en, "SETTINGS", {}),
}


def laid_out(cache: Path, id_: str) -> None:
    """Put the tiny weights where the hub's cache would have the real ones."""
    weights = catalog.entry(id_).weights
    place = cache / f"models--{weights.repo.replace('/', '--')}" / "snapshots" / weights.revision
    place.parent.mkdir(parents=True)
    place.symlink_to(tiny.weights(id_), target_is_directory=True)


@pytest.mark.parametrize("id_", ["whisper-large-v3", "faster-whisper-small"])
def test_a_film_is_dubbed_from_what_a_neural_recogniser_hears(
    id_, tmp_path, monkeypatch, heard_sample
):
    known, draft = catalog.entries(), catalog.quality("draft")
    for each in (id_, "aligner-en"):
        laid_out(tmp_path / "hub", each)
        # the tiny files are not of the real size, and need no GPU
        known[each] = replace(
            known[each],
            settings={**known[each].settings, **SETTINGS[each]},
            needs=replace(known[each].needs, cuda=False),
            weights=replace(known[each].weights, files=()),
        )
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(
        catalog, "entries", lambda role="": {k: v for k, v in known.items() if role in {"", v.role}}
    )
    lists = {**draft, "Transcriber": [id_], "Aligner": ["aligner-en"]}
    monkeypatch.setattr(catalog, "quality", lambda name: lists)
    studio = make(heard_sample(tmp_path / "data"))
    job = run(studio, ask(studio, video=SAMPLE))
    assert result(studio, job).video
    assert job.engines["Transcriber"] == id_ and job.engines["Aligner"] == "aligner-en"
    text = " ".join(line.text for line in sheet(studio, job).lines).lower()
    text = " ".join(text.replace(".", " ").split())
    assert "light of the moon" in text
