"""Cards, preflight and tables: what is said, and that no text becomes markup."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from fastapi import Request

import app
from engines import catalog
from engines.catalog import Missing
from engines.role_titles import ROLES
from studio.account import Account, StepAccount
from studio.jobs import Job
from studio.timings import Timing
from studio.workflow import Need
from tabs import engine_room
from tabs.parts import face_points, weights
from tabs.parts.border import DOOR
from tabs.parts.cards import account_table, clock, job_card, size
from tabs.parts.clips import made_once
from tabs.parts.page import Page
from tabs.parts.preflight import _row, preflight
from tabs.parts.result import tame
from tests.studio.toy import make_studio

OWN = Path(__file__).parents[1] / "own" / "presets"
BAD = "<img src=x onerror=alert(1)>"
JOB = Job(
    id="dub-1",
    workflow="dub",
    title="a film",
    owner="",
    state="running",
    request="{}",
    engines={},
    parent="",
    created_s=0,
    started_s=0,
    finished_s=None,
    step="Translate",
    step_n=3,
    step_m=9,
    item=2,
    items=5,
    fraction=0.42,
    elapsed_s=65,
    eta_s=3700,
    position=0,
    cost=1.239,
    account=Account(),
    error="",
    error_step="",
    error_id="",
    error_kind="",
    result="",
    review="",
    review_value="",
    seq=1,
)


def test_a_card_says_how_far_a_job_is():
    card = job_card(JOB, "EUR")
    assert "Step 3 of 9: Translate · 2 of 5" in card
    assert "1 min 05 s · 1 h 01 min to go · 1.24 EUR" in card
    assert 'aria-valuenow="42"' in card
    assert "Place 4 in the queue" in job_card(replace(JOB, state="queued", position=4), "EUR")
    assert ">Starting<" in job_card(replace(JOB, step="", step_n=0), "EUR")
    assert "Have a look" in job_card(replace(JOB, state="waiting"), "EUR")
    done = job_card(replace(JOB, state="done"), "EUR")
    assert "progressbar" not in done
    assert 'data-state="done"' in done


def test_what_was_expected_stands_beside_what_it_took():
    steps = (
        StepAccount(step="Say <it>", expected_s=2.04, taken_s=3.06),
        StepAccount(step="Hear it", expected_s=None, taken_s=0.0),
    )
    told = Account(
        steps=steps, expected_s=2.04, taken_s=75.0, expected_wait_s=1.0, taken_wait_s=1.26,
        expected_peak_bytes=2_000_000_000, taken_peak_bytes=2_100_000_000,
        expected_cost=0.001, taken_cost=0.0321,
    )  # fmt: skip
    shown = account_table(told, "EUR").replace("</td><td>", " | ")
    assert "Say &lt;it&gt;</th><td>2.0 s | 3.1 s" in shown
    assert "Hear it</th><td>not known | remembered" in shown
    assert "Altogether</th><td>2.0 s | 1 min 15 s" in shown
    assert "Waiting for weights</th><td>1.0 s | 1.3 s" in shown
    assert "Memory at most</th><td>2.0 GB | 2.1 GB" in shown
    assert "Cost</th><td>0.001 EUR | 0.032 EUR" in shown
    assert "Memory" not in account_table(replace(told, taken_peak_bytes=0), "EUR")
    assert account_table(Account(), "EUR") == ""


@pytest.mark.parametrize("state", ["queued", "running", "waiting", "done", "failed", "cancelled"])
def test_text_stays_text_in_cards(state):
    job = replace(JOB, state=state, title=BAD, step=BAD, error=BAD, workflow=BAD, id=BAD)
    assert "<img" not in job_card(job, BAD)


def test_reports_bring_no_markup_and_fetch_nothing():
    assert tame(f"# A\n{BAD} ![x](http://a/b.png)") == (
        "# A\n&lt;img src=x onerror=alert(1)> !\\[x](http://a/b.png)"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7260, "2 h 01 min")],
)
def test_times(seconds, words):
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 kB"), (12_400, "12 kB"), (1_500_000, "1.5 MB"), (2e10, "20.0 GB")]
)
def test_sizes(count, words):
    assert size(count) == words


@pytest.mark.parametrize("name", list(app.known()))
def test_preflight_names_an_engine_or_a_reason_for_every_need(name):
    workflow = app.known()[name]
    request = workflow.request()
    shown = preflight(workflow, request)
    for choice in catalog.choose(workflow.needs(request), request.quality):
        assert ROLES[choice.need.role] in shown
        assert (choice.engine.title if choice.engine else "nothing here") in shown


def test_every_role_has_a_name_for_people():
    assert {each.role for each in catalog.entries().values()} <= ROLES.keys()


def test_who_has_not_logged_in_frees_nothing(tmp_path):
    studio = make_studio(tmp_path)
    with gr.Blocks() as window, gr.Tabs() as frame, gr.Tab():
        engine_room.render(Page(studio, window, frame))
    found = {getattr(each.fn, "__name__", ""): each.fn for each in window.fns.values()}
    scope = {"type": "http", "headers": [], DOOR: SimpleNamespace(auth=["somebody"])}
    stranger = gr.Request(Request(scope), session_hash="s")
    for name in ("free_cache", "free_memory"):
        with pytest.raises(gr.Error, match="not logged in"):
            found[name](stranger)


def test_a_preview_is_whole_or_not_there(tmp_path):
    def torn(part):
        part.write_text("half")
        raise OSError("the disk is gone")

    path = tmp_path / "previews" / "a.png"
    with pytest.raises(OSError, match="the disk is gone"):
        made_once(path, torn)
    assert list(path.parent.iterdir()) == []
    assert made_once(path, lambda part: part.write_text("whole")).read_text() == "whole"
    assert made_once(path, torn).read_text() == "whole"


def test_every_engine_and_voice_stands_in_the_engine_room():
    engines, voices = catalog.entries(), catalog.voices()
    shown = engine_room.engine_list(engines.values())
    assert shown.count('<article class="engine">') == len(engines)
    assert engine_room.voice_table(voices.values()).count("<tr>") == len(voices) + 1
    lacking = replace(next(iter(engines.values())), about=BAD, title=BAD, licence=BAD)
    assert "<img" not in engine_room.engine_list([lacking])
    table = engine_room.timing_table([Timing("a.b", "", 0.25, 3)], {"a.b": BAD})
    assert "<img" not in table
    assert "0.250" in table


def test_what_is_missing_comes_with_its_remedy(monkeypatch):
    engine = replace(catalog.entry("silero-vad"), needs=catalog.Needs(programs=("none-such",)))
    assert engine.missing() == (Missing("the program none-such", "see its documentation"),)
    shown = engine_room.engine_list([engine])
    assert "Without the program none-such: <code>see its documentation</code>" in shown
    assert ">Missing<" in shown


def test_the_preflight_says_whom_an_engine_stands_in_for(monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_PRESETS_DIR", str(OWN))
    chosen = catalog.entry("flite")
    choice = catalog.Choice(Need("Speaker"), chosen, "it will do", ("Own voice: gone <b>",))
    row = _row(choice)
    assert "Flite" in row and "Not Own voice: gone &lt;b&gt;" in row


@pytest.mark.parametrize(
    ("id_", "words"),
    [("htdemucs-ft", "not stated"), ("xtts-v2", "not for commercial use"), ("vibevoice", "")],
)
def test_a_licence_that_is_not_plain_is_told_where_the_engine_is_chosen(id_, words):
    engine = catalog.entry(id_)
    row = _row(catalog.Choice(Need(engine.role), engine, "it will do"))
    assert words in row and ("commercial" in row) == bool(words)
    assert (words or "commercial use allowed") in engine_room.engine_list([engine])


def test_the_button_says_how_much_it_fetches(monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERSTUDY_PRESETS_DIR", str(OWN))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    kinds = [app.known()["dub"]]
    lacking = weights.absent(kinds, "own")
    assert [each.id for each in lacking] == ["own-translator", "own-voice"]
    assert weights.offer(lacking) == gr.update(visible=True, value="Fetch 65 kB")
    assert weights.offer(weights.absent(kinds, "nothing")) == gr.update(visible=False)


@pytest.mark.parametrize("id_", ["yunet", "mtcnn", "face-mesh"])
def test_the_form_looks_with_every_engine_that_has_no_networks_to_lend(id_):
    choice = catalog.Choice(Need("FaceSpotter"), catalog.entry(id_), "it will do")
    assert face_points._light(choice) is not None
    lent = catalog.Choice(Need("LipSyncer"), catalog.entry("musetalk-15"), "it will do")
    assert face_points._light(lent) is None
    assert face_points._light(catalog.Choice(Need("FaceSpotter"), None, "none")) is None


def test_a_small_face_is_shown_large_with_its_points_apart():
    pixels = np.zeros((400, 800, 3), np.uint8)
    five = ((0.50, 0.50), (0.52, 0.50), (0.51, 0.53), (0.50, 0.56), (0.52, 0.56))
    value = face_points._value(pixels, "found", five, unsure=False)
    left, top, width, height = map(float, value["part"].split())
    back = [(left + width * p["x"] / 100, top + height * p["y"] / 100) for p in value["points"]]
    assert np.allclose(back, five, atol=1e-4)
    assert 100 * width < 30 and value["points"][1]["x"] - value["points"][0]["x"] > 10
    whole = face_points._value(pixels, "unsure", five, unsure=True)
    assert whole["part"] == "0.00000 0.00000 1.00000 1.00000"
