"""Nobody speaks who did not agree; characters bring their face, their voice and their consent along."""

import pytest

from engines import catalog
from studio.characters import Character, CharacterVoice, Recording
from studio.consent import record_consent
from studio.errors import BadInput, BadPreset, NotFound
from tests.dub.studio import make
from tests.media import ROOT, shared
from tests.tiny.studio import studio_with
from workflows.talking_head import WORKFLOW

SAMPLE = ROOT / "assets" / "portrait.jpg"
PHOTO = "portraits/woman_astronaut_512.png"
VOICE = "speech/en_LJ001-0004.flac"


@pytest.fixture(autouse=True)
def _engines():
    for id_ in ("face-mesh", "puppet", "flite", "espeak-clock", "spectral-converter"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")


def taken(studio, path):
    return studio.store.take_in(path, "application/octet-stream")


def ask(studio, **fields):
    known = {"script": "Hello.", "captions": "off", **fields}
    return studio.submit("talking-head", WORKFLOW.request(**known))


def done(studio, job):
    ended = studio.run_here(job.id, lambda _: None)
    assert ended.state == "done", ended.error
    return studio.result(job.id)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "not said whose face"),
        ({"consent": "agreed"}, "not said who agreed"),
        ({"consent": "agreed", "consent_by": " "}, "not said who agreed"),
    ],
)
@pytest.mark.parametrize("field", ["avatar", "voice_reference", "audio", "driving_video"])
def test_a_face_or_a_voice_without_consent_is_refused(tmp_path, field, settings, says):
    studio = make(tmp_path)
    given = {"avatar": taken(studio, SAMPLE), field: taken(studio, shared(PHOTO))}
    with pytest.raises(BadInput, match=says) as caught:
        ask(studio, **given, **settings)
    assert "--consent" in caught.value.remedy
    assert studio.jobs() == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"format": "tictoc"}, "no format 'tictoc'"),
        ({"captions": "burned", "caption_style": "loud"}, "no caption style 'loud'"),
        ({"script": "Hi. [PAUSE x]"}, "PAUSE x"),
    ],
)
def test_what_is_unknown_is_told_before_a_job_begins(tmp_path, settings, says):
    studio = make(tmp_path)
    with pytest.raises((BadInput, BadPreset), match=says):
        ask(studio, **{"character": "Vera", "captions": "off", **settings})
    assert studio.jobs() == []


def test_what_needs_no_consent_or_has_it_is_taken(tmp_path):
    studio = make(tmp_path)
    photo = taken(studio, shared(PHOTO))
    ask(studio, avatar=taken(studio, SAMPLE))
    ask(studio, avatar=photo, consent="me")
    ask(studio, avatar=photo, consent="agreed", consent_by="Ann Lee")
    ask(studio, character="Vera")
    with pytest.raises(BadInput, match="not said whose face"):
        ask(studio, character="Vera", avatar=photo)
    with pytest.raises(NotFound, match="no character 'Ann'"):
        ask(studio, character="Ann")
    assert len(studio.jobs()) == 4


def test_a_character_with_a_recording_speaks_and_leaves_nothing(tmp_path):
    studio = make(tmp_path)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    voice = CharacterVoice(recordings=(Recording(sound=taken(studio, shared(VOICE))),))
    ann = Character(
        name="Ann",
        looks=(taken(studio, shared(PHOTO)),),
        voice=voice,
        consent=record_consent("agreed", given_by="Ann Lee"),
    )
    studio.characters.save(ann, "")
    vera = ask(studio, character="Vera")
    kept = done(studio, vera)
    assert kept.report.voice == "Sally" and "Nobody real" in kept.report.consent
    assert kept.report.face_score > 0.5 and not kept.report.warnings
    job = ask(studio, character="Ann")
    result = done(studio, job)
    assert "turned toward the recording" in result.report.voice
    assert "Ann Lee agreed" in result.report.consent
    assert any("approximation" in each for each in result.report.warnings)
    studio.export(job.id)
    faces = [path.read_bytes() for path in (shared(PHOTO), shared(VOICE))]
    same = {each.sha256 for _, each in kept.artefacts()}  # the table of "Hello." is no one's own
    made = [each for _, each in result.artefacts() if each.sha256 not in same]
    derived = [studio.store.path(each).read_bytes() for each in made]
    assert len(derived) >= 3

    studio.forget_character("Ann")
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    contents = [path.read_bytes() for path in left]
    assert not [each for each in contents if any(one in each for one in (*faces, *derived))]
    pictures = [each for each in contents if each.startswith(b"\x89PNG")]
    assert len(pictures) == 2  # Vera's portrait, as it was seen and framed
    assert all(studio.store.has(each) for _, each in kept.artefacts())
    assert [each.id for each in studio.jobs()] == [vera.id]
    files = (path.relative_to(tmp_path).parts for path in left)
    assert not [each for each in files if job.id in each]


def test_a_voice_that_is_not_here_is_replaced_and_told(tmp_path):
    studio = make(tmp_path)
    voice = CharacterVoice(built_in="mr-nobody", language="en", pitch_hz=100.0)
    consent = record_consent("nobody")
    looks = (taken(studio, SAMPLE),)
    studio.characters.save(Character(name="Bob", looks=looks, voice=voice, consent=consent), "")
    report = done(studio, ask(studio, character="Bob")).report
    assert any("another voice here" in each for each in report.warnings)
    assert report.voice == "Robert"  # the nearest in pitch


@pytest.mark.slow
def test_an_engine_that_clones_takes_the_recording_itself(tmp_path):
    studio = studio_with(tmp_path, Speaker="pocket-tts")
    given = {"voice_reference": taken(studio, shared(VOICE)), "consent": "me"}
    job = ask(studio, avatar=taken(studio, SAMPLE), script="Oh.", **given)
    report = done(studio, job).report
    assert report.voice.startswith("a copy") and any("copy" in each for each in report.warnings)
