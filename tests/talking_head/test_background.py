"""What stands behind the one who speaks, in finished films."""

import numpy as np
import pytest
from PIL import Image

from engines import catalog
from media.film import read_film
from media.pictures import read_picture
from studio.errors import BadInput
from tests.dub.studio import make
from tests.media import ROOT
from workflows.talking_head import WORKFLOW

pytestmark = pytest.mark.slow

SCRIPT = "Hello."


@pytest.fixture(autouse=True)
def _engines():
    for id_ in ("face-mesh", "puppet", "flite", "espeak-clock", "selfie-segmenter"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Return what makes a film in one studio, and gives its frames and its job's steps."""
    studio = make(tmp_path_factory.mktemp("studio"))

    def film(picture=None, **settings):
        files = {"avatar": ROOT / "assets" / "portrait.jpg", "background_picture": picture}
        taken = {
            name: studio.store.take_in(path, "image/png") for name, path in files.items() if path
        }
        request = WORKFLOW.request(script=SCRIPT, captions="off", **taken, **settings)
        job = studio.run_here(studio.submit("talking-head", request).id, lambda _: None)
        assert job.state == "done", job.error
        result = studio.result(job.id)
        frames = np.stack(list(read_film(studio.export(job.id)["video"]))).astype(int)
        return frames, result.report

    return film


def test_one_colour_stands_behind_a_moving_face(filmed):
    frames, report = filmed(background="colour", background_colour="#206040", background_match=0)
    assert frames.shape[0] == report.frames and not report.warnings
    corner = frames[:, 10:120, 10:90]
    assert np.abs(corner - (0x20, 0x60, 0x40)).max() < 8
    portrait = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512).astype(int)
    assert np.abs(frames[0, 180:330, 200:312] - portrait[180:330, 200:312]).mean() < 12
    assert np.abs(np.diff(frames[:, 300:380, 220:300], axis=0)).max() > 40  # it speaks


def test_a_picture_stands_behind_and_is_fitted(filmed, tmp_path):
    y, x = np.mgrid[0:90, 0:200]
    picture = np.stack([x, 2 * y, 255 - x], axis=2).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "behind.png")
    frames, _ = filmed(tmp_path / "behind.png", background="picture")
    left, right = (
        frames[0, 40:90, 20:60].mean(axis=(0, 1)),
        frames[0, 40:90, 450:490].mean(axis=(0, 1)),
    )
    assert right[0] > left[0] + 50 and left[2] > right[2] + 50


def test_what_is_missing_is_told_before_the_job():
    for settings, says in (
        ({"background": "picture"}, "background picture"),
        ({"background": "prompt", "background_prompt": " "}, "nothing is said"),
    ):
        request = WORKFLOW.request(script=SCRIPT, **settings)
        with pytest.raises(BadInput, match=f"{says}|no picture yet"):
            WORKFLOW.check(request)
    asked = WORKFLOW.request(script=SCRIPT, background="prompt", background_prompt="a beach")
    assert {"ImageMaker", "Segmenter"} <= {each.role for each in WORKFLOW.needs(asked)}
    assert "Segmenter" not in {each.role for each in WORKFLOW.needs(WORKFLOW.request())}
