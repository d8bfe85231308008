"""The whole workflow with each neural animator, tiny and random: the film is whole, not good."""

import av
import pytest

from engines import catalog
from tests.media import ROOT
from tests.tiny.studio import studio_with
from workflows.talking_head import WORKFLOW

pytestmark = pytest.mark.slow

NEURAL = [id_ for id_, each in catalog.entries("PortraitAnimator").items() if each.weights]


@pytest.mark.parametrize("animator", NEURAL)
def test_a_portrait_says_a_word(animator, tmp_path):
    for id_ in ("face-mesh", "flite", "espeak-clock"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")
    studio = studio_with(tmp_path, PortraitAnimator=animator)
    avatar = studio.store.take_in(ROOT / "assets" / "portrait.jpg", "image/jpeg")
    request = WORKFLOW.request(avatar=avatar, script="Hello.")
    job = studio.run_here(studio.submit("talking-head", request).id, lambda _: None)
    assert job.state == "done", job.error
    report = studio.result(job.id).report
    with av.open(str(studio.export(job.id)["video"])) as made:
        picture = made.streams.video[0]
        assert picture.frames == report.frames == round(report.duration_s * 25)
        assert (picture.width, picture.height) == (report.width_px, report.height_px)
        assert made.streams.audio
    told = {each.name: each for each in report.metrics}
    assert told["paste_psnr"].value == report.paste_psnr_db > 20 and told["paste_exact"].passed
    assert told["paste_psnr"].passed is (None if report.paste_scale < 1 else True)
