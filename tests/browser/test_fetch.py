"""Weights in a real browser: seen missing, fetched by a click, watched in the Queue, seen present."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_window import open_tab, wait_for_state
from tests.tabs.conftest import ROOT, fetching_from, hub, serve  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OWN = ROOT / "tests" / "own" / "presets"
QUALITY = '[engines]\nSpeaker = ["hummer"]\n'


@pytest.fixture
def site(hub, tmp_path):  # noqa: F811
    """A studio that may fetch from the small hub, with a quality that wants one voice of it."""
    presets = tmp_path / "presets"
    for kind in ("quality", "engines"):
        (presets / kind).mkdir(parents=True)
    (presets / "quality" / "humming.toml").write_text(QUALITY)
    engine = (OWN / "engines" / "own-voice.toml").read_text()
    engine = engine.replace("Own voice", "Hummer").replace('"xx"', '"en"')
    (presets / "engines" / "hummer.toml").write_text(engine)
    environment = {
        "UNDERSTUDY_PRESETS_DIR": str(presets),
        **fetching_from(hub, tmp_path),
    }
    with serve(tmp_path / "data", **environment) as running:
        yield running


def choose(page, place, text):
    """Choose what begins with that text in a drop-down."""
    page.locator(f"{place} input").click()
    page.get_by_role("option", name=text).first.click()


def engine(page):
    return page.locator("#engine-room-engines .engine", has_text="Hummer")


def test_weights_are_fetched_by_a_click(visit, hub):  # noqa: F811
    page = visit()
    open_tab(page, "Engine Room")
    for said in ("missing", "MIT", "weights: 65 kB"):  # it is folded away
        expect(engine(page)).to_contain_text(said, ignore_case=True)
    choose(page, "#engine-room-quality", "Humming")
    page.get_by_role("button", name="Fetch 65 kB").first.wait_for()

    open_tab(page, "Talking Head")  # the tab's preflight says so too, and has the button
    choose(page, "#talking-head-field-quality", "Humming")
    flight = page.locator("#talking-head-flight")
    for said in ("Hummer", "its weights", "own/voice"):
        expect(flight).to_contain_text(said)
    hub.stall_at = 30_000
    page.locator("#talking-head-fetch", has_text="Fetch 65 kB").click()
    page.get_by_text("It is in the Queue as weights-").first.wait_for()
    open_tab(page, "Queue")
    wait_for_state(page, "#queue", "running")
    expect(page.locator("#queue .job.running")).to_contain_text("Fetch weights")
    hub.stall_at = None
    wait_for_state(page, "#queue", "done")

    open_tab(page, "Engine Room")
    page.locator("#engine-room-look").click()
    engine(page).locator(".badge.done").wait_for(state="attached")
    expect(engine(page)).to_contain_text("here", ignore_case=True)
    assert len(hub.gets("voice")) == 1
