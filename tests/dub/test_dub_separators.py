"""The whole dub with the separators that have networks."""

import numpy as np
import pytest

from media.audio import open_audio
from media.probe import probe
from tests.dub.studio import ask, beginning, result, run
from tests.tiny.studio import studio_with

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("separator", ["htdemucs"])
def test_a_film_is_dubbed_with_a_neural_separator(separator, tmp_path):
    studio = studio_with(tmp_path, Separator=separator)
    film, said = beginning(tmp_path)
    job = run(studio, ask(studio, video=film, subtitles=said, source_language="en"))
    made = result(studio, job)
    assert job.engines["Separator"] == separator
    before, after = probe(film), probe(studio.store.path(made.video))
    assert after.duration_s == pytest.approx(before.duration_s, abs=before.video.frame_s)
    dub = open_audio(studio.store.path(made.audio)).read().samples
    assert np.isfinite(dub).all() and np.abs(dub).max() > 0.01
