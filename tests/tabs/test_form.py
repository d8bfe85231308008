"""Forms are made from requests, and requests from forms."""

import gradio as gr
import pytest
from pydantic import ValidationError

import app
from media.languages import language_name
from studio.artefacts import Artefact, Store
from studio.errors import BadInput, NotFound
from studio.fields import fields_of
from tabs.parts import form
from tabs.parts.border import sentence, translated
from tabs.parts.languages import language_choices, language_code
from tests.tabs.conftest import make_sound
from tests.tabs.quieter import QuieterRequest
from workflows.talking_head.request import TalkingHeadRequest


@pytest.fixture
def made():
    with gr.Blocks():
        return form.build(QuieterRequest)


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def values(made, **given):
    shown = {name: getattr(each, "value", None) for name, each in made.components.items()}
    return ["", *(shown | given).values()]


def test_each_field_has_the_component_that_suits_it(made):
    kinds = {name: type(each) for name, each in made.components.items()}
    assert kinds == {
        "sound": gr.File,
        "note": gr.Textbox,
        "by_db": gr.Slider,
        "shape": gr.Dropdown,
        "pause_s": gr.Slider,
        "target_language": gr.Dropdown,
        "parts": gr.File,
        "quality": gr.Dropdown,
        "review": gr.Checkbox,
        "seed": gr.Number,
    }
    by_db = made.components["by_db"]
    assert (by_db.label, by_db.info) == ("By (dB)", "How much quieter")
    assert (by_db.minimum, by_db.maximum, by_db.value) == (0, 40, 6)
    assert ("Spanish", "es") in made.components["target_language"].choices
    assert made.components["parts"].file_count == "multiple"


@pytest.mark.parametrize("name", list(app.known()))
def test_every_workflow_has_a_form_whose_defaults_are_the_requests(name):
    request = app.known()[name].request
    with gr.Blocks():
        made = form.build(request)
    fresh = made.read(None, values(made))
    assert fresh == request()
    shown = set(request.model_fields) - set(made.components)
    offered_nowhere = ({"hidden": True}, {"unused": True})
    assert all(request.model_fields[each].json_schema_extra in offered_nowhere for each in shown)


def test_uploads_go_into_the_store_and_nothing_else_does(made, uploads, tmp_path):
    store = Store(tmp_path / "data")
    sound = make_sound(uploads / "beep.wav", 1)
    request = made.read(store, values(made, sound=str(sound), by_db=3, parts=[str(sound)]))
    assert store.has(request.sound)
    assert request.sound.name == "beep.wav"
    assert (request.by_db, request.parts) == (3, (request.sound,))
    outside = make_sound(tmp_path / "secret.wav", 1)
    (uploads / "link.wav").symlink_to(outside)
    for path in (outside, uploads / "link.wav", uploads / "none.wav", "/etc/passwd"):
        with pytest.raises(BadInput, match="was not uploaded"):
            made.read(store, values(made, sound=str(path)))


def test_looking_ahead_leaves_uploads_where_they_are(made, uploads, tmp_path):
    request = made.read(None, values(made, sound=str(uploads / "huge.wav")))
    assert request.sound == form.UNREAD


def test_settings_are_filled_in_and_read_back(made, uploads, tmp_path):
    store = Store(tmp_path / "data")
    sound = form.stored(store, str(make_sound(uploads / "beep.wav", 1)))
    old = QuieterRequest(sound=sound, by_db=9, note="x", shape="wild", hidden="mine")
    updates = made.fill(old)
    assert updates[1]["label"] == "Kept: beep.wav"
    again = [each.get("value") if isinstance(each, dict) else each for each in updates]
    assert made.read(store, again) == old
    new_file = str(make_sound(uploads / "other.wav", 1, 3))
    with_other = made.read(store, [again[0], new_file, *again[2:]])
    assert with_other.sound != sound
    assert with_other.hidden == "kept"  # what belonged to the old file is gone with it
    cleared = [each.get("value") if isinstance(each, dict) else each for each in made.clear()]
    assert made.read(store, cleared) == QuieterRequest()


def test_what_is_wrong_is_a_sentence_and_no_markup(made):
    with pytest.raises(ValidationError) as caught:
        made.read(None, values(made, by_db=99))
    assert sentence(caught.value) == "By db: give 40 or less."
    handle = made.handler(None, lambda wanted, request: wanted)
    with pytest.raises(gr.Error) as told:  # as the form calls the field
        handle(*values(made, pause_s=99), None)
    assert told.value.message == "Pause: give 60 or less."
    with pytest.raises(ValidationError) as caught:
        QuieterRequest.model_validate({"loud": 1})
    assert sentence(caught.value) == "There is no setting 'loud'."
    assert translated(BadInput("film.mp4 is a text")).message == "film.mp4 is a text."
    shown = translated(NotFound("there is no job '<img src=x>'", remedy="Look."))
    assert shown.message == "There is no job '&lt;img src=x&gt;'. Look."
    secret = translated(RuntimeError("/home/me/secret"))
    assert "secret" not in secret.message
    assert "(error " in secret.message


def test_languages_have_names():
    assert language_name("es") == "Spanish"
    assert language_name("??") == "??"
    assert language_choices("source")[0] == ("Find out", "")
    assert language_code(" german ") == "de"
    assert language_code("cat") == "cat"
    with pytest.raises(BadInput, match="'Elbonian' is no language"):
        language_code("Elbonian")
    assert ("Spanish", "es") in language_choices("target")


def test_a_field_that_depends_on_another_is_shown_while_it_matters():
    with gr.Blocks() as page:
        made = form.build(app.known()["talking-head"].request)
    shown = {name: each.visible for name, each in made.components.items()}
    assert shown["background"] and not shown["background_picture"]
    (rule,) = [
        each.fn
        for each in page.fns.values()
        if made.components["background_picture"] in each.outputs
    ]
    names = [each for each in shown if each.startswith("background_")]
    for choice, wanted in (
        ("keep", set()),
        ("blur", {"background_blur"}),
        ("picture", {"background_picture", "background_match"}),
    ):
        told = dict(zip(names, [each["visible"] for each in rule(choice)], strict=True))
        assert {name for name, visible in told.items() if visible} == wanted


def test_a_colour_is_read_however_the_picker_writes_it():
    with gr.Blocks():
        made = form.build(app.known()["talking-head"].request)
    for written in ("rgba(32.4, 255, 0, 1)", "rgb(32, 255, 0)", "#20ff00"):
        assert (
            made.read(None, values(made, background_colour=written)).background_colour == "#20ff00"
        )
    with pytest.raises(ValidationError):
        made.read(None, values(made, background_colour="red; drop"))


def test_cards_come_in_the_requests_order_and_more_is_the_last_fold():
    views = [each for each in fields_of(TalkingHeadRequest) if form.drawable(each)]
    cards = form._groups(views)
    assert list(cards) == ["What is said", "Who says it", "Background", "Output"]
    for folds in cards.values():
        assert next(iter(folds)) == "" and "More" not in list(folds)[:-1]


def test_consent_is_asked_for_with_a_picture_and_stays_with_a_kept_one(tmp_path):
    with gr.Blocks():
        made = form.build(TalkingHeadRequest)
    assert not made.components["consent"].visible
    kept = Artefact("0" * 64, "image/png", 1, "me.png")
    names = ["base", *made.components]
    for request in (TalkingHeadRequest(avatar=kept), TalkingHeadRequest()):
        shown = dict(zip(names, made.fill(request), strict=True))["consent"]
        assert shown["visible"] == (request.avatar is not None)
    cleared = dict(zip(names, made.clear(), strict=True))["consent"]
    assert cleared["visible"] is False


def test_a_remedy_in_the_browser_names_no_flags():
    shown = translated(BadInput("nobody agreed", remedy="Say who (--consent-by)."))
    assert shown.message == "Nobody agreed. Say who."
