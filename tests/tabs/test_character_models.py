"""The fold of a character's form for trained files: what is taken in, what stays, what is refused."""

import pytest

from studio.characters import Character, CharacterVoice
from studio.errors import BadInput
from tabs.parts.character_models import read_models, show_models
from tests.studio.models import INDEX, LORA, PTH, safetensors
from tests.tabs.site import make_studio

ANN = Character(name="Ann")


@pytest.fixture
def studio(tmp_path):
    return make_studio(tmp_path / "data")


@pytest.fixture
def upload(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()

    def put(name, content):
        path = tmp_path / "uploads" / name
        path.write_bytes(content)
        return str(path)

    return put


def ann(loras, models):
    return ANN.model_copy(update={"loras": loras, "voice": CharacterVoice(models=models)})


def test_files_are_taken_in_kept_and_dropped(studio, upload):
    looks = [upload("a.safetensors", LORA), upload("b.safetensors", safetensors("x.lora_A"))]
    tones = [upload("v.pth", PTH), upload("v.index", INDEX)]
    character = ann(*read_models(studio, ANN, [looks, "ann\n", tones, None]))
    assert [(each.weights.name, each.trigger) for each in character.loras] == [
        ("a.safetensors", "ann"),
        ("b.safetensors", ""),
    ]
    assert [each.name for each in character.voice.models] == ["v.pth", "v.index"]
    assert all(studio.store.has(each) for each in character.voice.models)

    _, triggers, _, shown = show_models(character)
    assert triggers == "ann\n" and shown["choices"][0][0].startswith("a.safe")
    assert read_models(studio, character, [None, triggers, None, shown["value"]]) == (
        character.loras,
        character.voice.models,
    )
    more = [upload("again.safetensors", LORA)]  # the same bytes: it is there once
    loras, models = read_models(studio, character, [more, "w", None, shown["value"][1:3]])
    assert [(each.weights.name, each.trigger) for each in loras] == [
        ("b.safetensors", "w"),
        ("again.safetensors", ""),
    ]
    assert [each.name for each in models] == ["v.pth"]


@pytest.mark.parametrize(
    ("looks", "tones", "says"),
    [
        ({"photo.safetensors": b"nothing"}, {}, "photo.safetensors is no safetensors file"),
        ({}, {"v.pth": b"nothing"}, "v.pth is no voice of RVC"),
        ({}, {"v.index": INDEX}, "v.index is the index of a voice without its model"),
    ],
)
def test_what_is_none_is_refused(studio, upload, looks, tones, says):
    loras, models = ([upload(*each) for each in files.items()] for files in (looks, tones))
    with pytest.raises(BadInput, match=says) as caught:
        read_models(studio, ANN, [loras, "", models, None])
    assert caught.value.remedy


def test_paths_that_were_not_uploaded_are_refused(studio, upload, tmp_path):
    (tmp_path / "mine.pth").write_bytes(PTH)
    with pytest.raises(BadInput, match="was not uploaded"):
        read_models(studio, ANN, [None, "", [str(tmp_path / "mine.pth")], None])
