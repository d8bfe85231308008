"""Characters: made, changed, found by name, one owner's only; and gone with all that was made of them."""

import dataclasses

import pytest

from studio.artefacts import Artefact
from studio.characters import Character, CharacterVoice, Lora, Recording, shipped_files
from studio.consent import Consent, record_consent
from studio.errors import BadInput, NotFound
from studio.request import Request, Result
from studio.settings import Settings
from studio.steps import Desk, Run, step
from studio.studio import Studio
from studio.workflow import Workflow
from tests.studio.models import LORA, PTH
from tests.studio.toy import Shelf, engines_for

FACE, OTHER = b"the bytes of Ann's face", b"somebody else's picture"
SAID = "Ann Lee agreed, by letter of the second of May"


class FilmRequest(Request):
    """What the small workflow is asked."""

    character: Character | None = None
    picture: Artefact | None = None
    text: str = "hello"


class FilmResult(Result):
    """What it makes."""

    film: Artefact
    sound: Artefact


@step("Frame the face")
def frame(desk: Desk, picture: Artefact) -> Artefact:
    return _kept(desk, b"framed " + desk.path(picture).read_bytes())


@step("Say it")
def say(desk: Desk, text: str) -> Artefact:
    return _kept(desk, text.encode())


@step("Film it")
def film(desk: Desk, framed: Artefact, sound: Artefact) -> Artefact:
    return _kept(desk, desk.path(framed).read_bytes() + b" says " + desk.path(sound).read_bytes())


def _kept(desk: Desk, content: bytes) -> Artefact:
    path = desk.scratch / "x.bin"
    path.write_bytes(content)
    return desk.keep(path, "application/octet-stream", "x.bin")


def work(request: FilmRequest, run: Run) -> FilmResult:
    picture = request.character.looks[0] if request.character else request.picture
    sound = run.step(say, request.text)
    return FilmResult(film=run.step(film, run.step(frame, picture), sound), sound=sound)


WORKFLOW = Workflow(
    name="film",
    title="Film",
    request=FilmRequest,
    result=FilmResult,
    run=work,
    needs=lambda request: (),
    steps=(frame, say, film),
)


@pytest.fixture
def studio(tmp_path):
    settings = Settings(data_dir=tmp_path / "data", _env_file=None)
    return Studio(settings, {"film": WORKFLOW}, Shelf(), engines_for)


def stored(studio, content, name="face.jpg"):
    with studio.store.scratch("test") as folder:
        (folder / name).write_bytes(content)
        return studio.store.keep(folder / name, "image/jpeg", name)


def ann(studio, content=FACE, **changes):
    consent = record_consent("agreed", given_by="Ann Lee").model_copy(update={"statement": SAID})
    known = {"name": "Ann", "looks": (stored(studio, content),), "consent": consent}
    return Character(**{**known, **changes})


def make(studio, owner="", **asked):
    job = studio.submit("film", FilmRequest(**asked), owner=owner)
    done = studio.run_here(job.id, lambda _: None, owner)
    assert done.state == "done", done.error
    studio.export(job.id, owner)
    return job.id


def holding(studio, content):
    """Return every file under the data folder in which those bytes are."""
    files = (path for path in studio.settings.data_dir.rglob("*") if path.is_file())
    return [path for path in files if content in path.read_bytes()]


def test_a_character_is_made_changed_copied_and_listed(studio):
    made = studio.characters.save(ann(studio), "me")
    assert studio.characters.find("ANN ", "me") == made == studio.characters.find(made.id, "me")
    changed = studio.characters.save(made.model_copy(update={"name": "Ann  Lee"}), "me")
    assert (changed.id, changed.name) == (made.id, "Ann Lee")
    copy = studio.characters.add_copy(changed, "me")
    assert copy.name == "Ann Lee (2)" and copy.id != made.id and copy.looks == made.looks
    names = [each.name for each in studio.characters.of("me")]
    assert names == ["Ann Lee", "Ann Lee (2)", "Vera"]


def test_names_are_taken_once(studio):
    studio.characters.save(ann(studio), "me")
    for name in ("ann", "Vera"):
        with pytest.raises(BadInput, match="already"):
            studio.characters.save(ann(studio, name=name), "me")


@pytest.mark.parametrize("consent", [None, Consent(kind="agreed")])
def test_without_consent_there_is_no_character(studio, consent):
    with pytest.raises(BadInput, match="it is not said who") as caught:
        studio.characters.save(ann(studio, consent=consent), "me")
    assert caught.value.remedy


def test_a_character_is_its_owners(studio):
    made = studio.characters.save(ann(studio), "me")
    for ask in (
        lambda: studio.characters.find(made.id, "you"),
        lambda: studio.characters.save(made, "you"),
        lambda: studio.traces(made.id, "you"),
        lambda: studio.forget_character(made.id, "you"),
        lambda: studio.submit("film", FilmRequest(character="Ann"), owner="you"),
    ):
        with pytest.raises(NotFound, match="no character"):
            ask()
    assert [each.name for each in studio.characters.of("you")] == ["Vera"]
    assert studio.characters.find("Ann", "me") == made


def test_the_studios_own_is_there_from_the_start_and_stays(studio):
    (vera,) = studio.characters.of("anybody")
    assert vera.consent.kind == "nobody" and vera.looks[0].sha256 in shipped_files()
    assert studio.store.has(vera.looks[0])
    for change in (studio.characters.save, lambda one, owner: studio.forget_character(one.id)):
        with pytest.raises(BadInput, match="belongs to the studio"):
            change(vera, "")


def test_a_request_holds_the_character_as_it_was(studio):
    made = studio.characters.save(ann(studio), "")
    job = studio.job(make(studio, character="ann"))
    held = FilmRequest.model_validate_json(job.request).character
    assert held == made and job.title == "Ann"
    studio.characters.save(made.model_copy(update={"name": "Bea"}), "")
    again = FilmRequest.model_validate_json(job.request)
    assert studio.characters.resolved(again, "") is again


def test_nothing_remains_of_a_deleted_character(studio):
    made = studio.characters.save(
        ann(studio, voice=CharacterVoice(recordings=(Recording(sound=stored(studio, FACE * 2)),))),
        "me",
    )
    jobs = [make(studio, "me", character="Ann", text=text) for text in ("one", "two")]
    result = studio.result(jobs[0], "me")
    jobs.append(make(studio, "me", picture=result.film))  # what came of it was taken in again
    studio.library.pin(result.film, "me", "a favourite")
    upload = studio.settings.uploads / "ab" / "face.jpg"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(FACE)
    other = make(studio, "me", picture=stored(studio, OTHER), text="one")
    theirs = make(studio, "you", picture=stored(studio, OTHER), text="two")
    assert len(holding(studio, FACE)) > 8 and holding(studio, SAID.encode())
    found = studio.traces("Ann", "me")
    assert sorted(found.jobs) == sorted(jobs)

    assert studio.forget_character("Ann", "me").jobs == found.jobs
    assert holding(studio, FACE) == [] == holding(studio, SAID.encode())
    assert [each.id for each in studio.jobs("me")] == [other]
    assert [each.job for each in studio.library.list("me")] == [other]
    for job, owner in ((other, "me"), (theirs, "you")):
        assert all(path.is_file() for path in studio.export(job, owner).values())
        assert studio.store.has(studio.result(job, owner).sound)
    with pytest.raises(NotFound):
        studio.characters.find(made.id, "me")


def test_models_go_with_the_character_and_copies_share_them(studio):
    look, tone = stored(studio, LORA, "ann.safetensors"), stored(studio, PTH, "ann.pth")
    voice = CharacterVoice(models=(tone,))
    made = studio.save_character(ann(studio, loras=(Lora(weights=look),), voice=voice), "me")
    copy = studio.characters.add_copy(made, "me")
    studio.forget_character(made.id, "me")
    assert (copy.loras, copy.voice) == (made.loras, voice)
    assert studio.store.has(look) and studio.store.has(tone)
    studio.forget_character(copy.id, "me")
    assert holding(studio, LORA) == [] == holding(studio, PTH) == holding(studio, FACE)


def test_what_a_character_had_before_goes_when_nothing_needs_it(studio):
    made = studio.save_character(ann(studio, loras=(Lora(weights=stored(studio, LORA)),)), "me")
    made = studio.save_character(made.model_copy(update={"loras": ()}), "me")
    assert holding(studio, LORA) == []
    job = make(studio, "me", character="Ann")
    new = {"looks": (stored(studio, OTHER),)}
    changed = studio.save_character(made.model_copy(update=new), "me")
    assert studio.store.has(made.looks[0]) and studio.store.has(studio.result(job, "me").film)
    studio.forget_character(changed.id, "me")
    assert holding(studio, FACE) == [] == holding(studio, OTHER)


def test_what_somebody_else_needs_stays(studio):
    studio.characters.save(ann(studio), "me")
    mine = make(studio, "me", character="Ann", text="mine")
    theirs = make(studio, "you", picture=stored(studio, FACE), text="theirs")
    waiting = studio.submit("film", FilmRequest(picture=stored(studio, FACE)), owner="you")
    studio.forget_character("Ann", "me")
    assert studio.jobs("me") == [] and not holding(studio, b"says mine")
    assert studio.store.has(studio.result(theirs, "you").film)
    assert studio.run_here(waiting.id, lambda _: None, "you").state == "done"
    assert not (studio.settings.exports / mine).exists()


def test_a_copy_keeps_what_both_have(studio):
    made = studio.characters.save(ann(studio), "me")
    copy = studio.characters.add_copy(made, "me")
    job = make(studio, "me", character=copy.name)
    studio.forget_character(made.id, "me")
    assert studio.store.has(copy.looks[0]) and studio.store.has(studio.result(job, "me").film)
    studio.forget_character(copy.id, "me")
    assert holding(studio, FACE) == []


def test_waiting_jobs_stop_and_go(studio):
    studio.characters.save(ann(studio), "me")
    studio.submit("film", FilmRequest(character="Ann"), owner="me")
    studio.forget_character("Ann", "me")
    assert studio.jobs("me") == [] and holding(studio, FACE) == []


def test_the_collector_leaves_characters_alone(studio):
    made = studio.characters.save(ann(studio), "me")
    studio.collector.free()
    assert studio.store.has(made.looks[0])


@pytest.mark.parametrize("sha256", ["/etc/hostname", "../../studio.db", "", "0" * 63 + "g"])
def test_a_hash_is_no_path(studio, sha256):
    forged = dataclasses.replace(stored(studio, FACE), sha256=sha256)
    with pytest.raises(NotFound):
        studio.submit("film", FilmRequest(picture=forged))
