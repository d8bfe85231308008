"""A character as one file: it comes back whole, and a broken or hostile file is one sentence."""

import dataclasses
import json
import stat
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.artefacts import Store
from studio.character_files import export_character, import_character
from studio.characters import Character, CharacterVoice, Lora, Recording
from studio.consent import record_consent
from studio.errors import BadInput, NotFound, StorageFailed
from studio.model_files import MEDIA_TYPES
from tests.studio.models import INDEX, LORA, PTH

ROOM = 1_000_000


def kept(store, content, name="a.jpg"):
    with store.scratch("test") as folder:
        (folder / "x").write_bytes(content)
        return store.keep(folder / "x", "image/jpeg", name)


def model(store, content, kind, name):
    return dataclasses.replace(kept(store, content, name), media_type=MEDIA_TYPES[kind])


def made(store, *contents, name="Ann"):
    files = [kept(store, each) for each in contents]
    lora = model(store, LORA, "safetensors", "ann.safetensors")
    models = (
        model(store, PTH, "checkpoint", "ann.pth"),
        model(store, INDEX, "index", "ann.index"),
    )
    voice = CharacterVoice(
        built_in="sally", recordings=(Recording(sound=files[-1], text="Hi"),), models=models
    )
    return Character(
        id="character-1",
        name=name,
        looks=tuple(files),
        loras=(Lora(weights=lora, trigger="ann"),),
        voice=voice,
        consent=record_consent("agreed", given_by="Ann"),
        licence="<b>mine</b>",
    )


@given(
    contents=st.lists(st.binary(max_size=2000), min_size=1, max_size=4),
    name=st.text(min_size=1, max_size=60),
)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_it_comes_back_whole(tmp_path, contents, name):
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    character = made(here, *contents, name=name)
    path = export_character(character, here, tmp_path / "x.zip")
    back = import_character(path, there, ROOM)
    assert back == character.model_copy(update={"id": ""})
    for each in back.looks:
        assert there.path(each).read_bytes() == here.path(each).read_bytes()
    first = path.read_bytes()
    assert export_character(character, here, tmp_path / "x.zip").read_bytes() == first


@given(at=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=6), cut=st.booleans())
@settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_damaged_file_is_one_sentence_or_still_right(tmp_path, at, new, cut):
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    character = made(here, b"face" * 40, b"sound" * 40)
    content = export_character(character, here, tmp_path / "x.zip").read_bytes()
    at %= len(content)
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content[:at] if cut else content[:at] + new + content[at + len(new) :])
    try:
        back = import_character(damaged, there, ROOM)
    except BadInput as error:
        refused = error
    else:
        assert [each.sha256 for each in back.looks] == [each.sha256 for each in character.looks]
        assert all(there.path(each).stat().st_size == each.size_bytes for each in back.looks)
        return
    assert "\n" not in refused.sentence and refused.remedy


def rewritten(tmp_path, change):
    """Export a character, and let `change` alter the list of (ZipInfo, bytes)."""
    store = Store(tmp_path / "here")
    path = export_character(made(store, b"face", b"sound"), store, tmp_path / "x.zip")
    with zipfile.ZipFile(path) as packed:
        members = [(each, packed.read(each)) for each in packed.infolist()]
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w", zipfile.ZIP_DEFLATED) as packed:
        for info, content in change(members):
            packed.writestr(info, content)
    return evil


def plain(name, content=b"x"):
    return zipfile.ZipInfo(name), content


def link(members):
    for info, content in members[1:2]:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        yield from (members[0], (info, content), *members[2:])


def manifest(**changes):
    def change(members):
        said = json.loads(members[0][1])
        said["character"] |= changes
        return [(members[0][0], json.dumps(said)), *members[1:]]

    return change


def swapped(members):
    """Let the LoRA be what was a picture: its listed hash is right, its content is not a LoRA."""
    said = json.loads(members[0][1])
    said["character"]["loras"][0]["weights"] = said["character"]["looks"][0]
    lora = next(each for each in members[1:] if each[1] == LORA)
    return [(members[0][0], json.dumps(said)), *(each for each in members[1:] if each != lora)]


BOMB = {"sha256": "a" * 64, "media_type": "image/png", "size_bytes": 10**12, "name": "b.png"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: [*m, plain("../evil.txt")], "not those that it lists"),
        (lambda m: [*m, plain("/etc/evil.txt")], "not those that it lists"),
        (swapped, "is no safetensors file"),
        (lambda m: m[:-1], "not those that it lists"),
        (lambda m: m[1:], "character.json is missing"),
        (link, "not a plain file"),
        (lambda m: [m[0], (m[1][0], b"fake"), *m[2:]], "changed on its way"),
        (lambda m: [plain("character.json", b"[]"), *m[1:]], "another kind"),
        (lambda m: [plain("character.json", b"{oh"), *m[1:]], "broken"),
        (lambda m: [plain("character.json", b"[" * 100_000), *m[1:]], "broken"),
        (lambda m: [plain("character.json", b" " * 2_000_000), *m[1:]], "too large"),
        (lambda m: [*m, *(plain(f"files/{n}") for n in range(200))], "too many"),
        (manifest(name=""), "name"),
        (manifest(evil=1), "evil"),
        (manifest(looks=[BOMB]), "not those that it lists"),
        (manifest(looks=[{**BOMB, "sha256": "../../x"}]), "not those that it lists"),
    ],
)
def test_hostile_files_are_refused(tmp_path, change, says):
    evil = rewritten(tmp_path, change)
    with pytest.raises(BadInput, match=says) as caught:
        import_character(evil, Store(tmp_path / "there"), ROOM)
    assert caught.value.remedy and len(caught.value.sentence) < 300
    assert not list(tmp_path.rglob("evil.txt"))
    assert not [path for path in (tmp_path / "there").rglob("*") if path.is_file()]


def test_too_much_is_refused(tmp_path):
    store = Store(tmp_path / "here")
    path = export_character(made(store, b"x" * 5000, b"y"), store, tmp_path / "x.zip")
    with pytest.raises(BadInput, match="MB"):
        import_character(path, Store(tmp_path / "there"), 4000)


def test_no_zip_at_all(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="no character's file"):
        import_character(tmp_path / "x.zip", Store(tmp_path / "there"), ROOM)


def test_a_disk_that_takes_nothing_is_no_fault_of_the_file(tmp_path):
    here = Store(tmp_path / "here")
    path = export_character(made(here, b"1"), here, tmp_path / "x.zip")
    (tmp_path / "there").write_text("where the folder should be")
    with pytest.raises(StorageFailed, match="cannot be written"):
        import_character(path, Store(tmp_path / "there"), ROOM)


def test_an_export_that_fails_leaves_nothing_behind(tmp_path):
    here = Store(tmp_path / "here")
    character = made(here, b"1", b"2")
    here.path(character.looks[1]).unlink()
    with pytest.raises(NotFound):
        export_character(character, here, tmp_path / "out" / "x.zip")
    assert list((tmp_path / "out").iterdir()) == []
