"""No voice of a film is copied before it is said whose it is; what only resembles somebody is free."""

import pytest

from app import known
from engines import catalog
from engines.copies import any_copies
from studio.errors import BadInput
from studio.settings import Settings
from studio.studio import Studio
from tests.dub.studio import SAID, SAMPLE, ask
from workflows.dub.report import DubReport, readable
from workflows.dub.request import check, consent_of


class Lender:
    """Lends nothing: these jobs are only asked for."""

    def identity(self, engine):
        return catalog.entry(engine).identity()


def studio_that_copies(folder, *, copies=True):
    return Studio(
        Settings(data_dir=folder),
        known(),
        Lender(),
        lambda needs, quality: catalog.engines_for(needs, "draft"),
        copies=lambda engines: copies,
    )


def film(tmp_path):
    """Return a film that is not the sample, as far as anyone can tell."""
    path = tmp_path / "film.mp4"
    path.write_bytes(SAMPLE.read_bytes() + b"0")
    return path


def test_a_film_s_voices_are_copied_when_it_is_said_whose_they_are(tmp_path):
    studio = studio_that_copies(tmp_path / "data")
    given = {"video": film(tmp_path), "subtitles": SAID}
    with pytest.raises(BadInput, match="not said whose") as refused:
        studio.submit("dub", ask(studio, **given))
    assert "--consent" in refused.value.remedy and not studio.jobs()
    for told in (
        {"consent": "me"},
        {"consent": "agreed", "consent_by": "Ann Lee"},
        {"clone_voices": False},
    ):
        assert studio.submit("dub", ask(studio, **given, **told)).state == "queued"


def test_the_sample_is_nobody_and_built_in_voices_ask_nothing(tmp_path):
    studio = studio_that_copies(tmp_path / "one")
    assert studio.submit("dub", ask(studio, video=SAMPLE)).state == "queued"
    studio = studio_that_copies(tmp_path / "two", copies=False)
    assert studio.submit("dub", ask(studio, video=film(tmp_path))).state == "queued"
    assert any_copies(["espeak-ng", "vibevoice"]) and not any_copies(["espeak-ng", "flite"])


def test_who_agreed_is_named_and_stands_in_the_report(tmp_path):
    studio = studio_that_copies(tmp_path)
    with pytest.raises(BadInput, match="who agreed"):
        check(ask(studio, video=SAMPLE, consent="agreed"))
    said = consent_of(ask(studio, video=SAMPLE, consent="agreed", consent_by="Ann Lee"))
    assert said is not None and said.given_at
    text = readable(DubReport(consent=said.sentence))
    assert "## Consent" in text and "Ann Lee agreed" in text
    assert "Consent" not in readable(DubReport())
