"""The window in a real browser: jobs outlive pages, everybody can use it, nothing goes wrong quietly."""

import re

import pytest
from playwright.sync_api import expect

from tests.tabs.conftest import get, make_sound

pytestmark = pytest.mark.browser
TABS = ("Dub", "Talking Head", "Quieter", "Queue", "Library", "Engine Room")
TELLING = """() => { window.told = [];  // behind another tab of the browser
  Object.defineProperty(document, 'hidden', { value: true });
  Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
  window.Notification = class { constructor(title) { told.push(title); }
    static permission = 'granted'; static requestPermission() {} } }"""
NOT_WIDE = "document.documentElement.scrollWidth <= window.innerWidth"


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()
    page.locator(f"[role=tab][aria-selected=true]:has-text('{name}')").wait_for()


def start(page, sound, *, by_db, pause_s=0.0, note=""):
    """Ask for a job on the test workflow's tab; return its card."""
    open_tab(page, "Quieter")
    page.locator("#quieter-field-sound input[type=file]").set_input_files(str(sound))
    page.locator("#quieter-field-sound .file-preview").wait_for()
    page.locator("#quieter-field-by-db input[type=number]").fill(str(by_db))
    page.locator("#quieter-field-pause-s input[type=number]").fill(str(pause_s))
    page.locator("#quieter-field-note input, #quieter-field-note textarea").fill(note)
    page.locator("#quieter-start").click()
    return page.locator("#quieter-job .job")


def wait_for_state(page, place, state, timeout_s=60):
    page.locator(f"{place} .job.{state}").first.wait_for(timeout=timeout_s * 1000)


def test_every_tab_is_there_and_bad_input_is_a_sentence(visit, tmp_path):
    page = visit()
    assert page.title() == "Understudy"
    expect(page.get_by_role("tab")).to_have_text(TABS)
    expect(page.get_by_role("heading", level=1)).to_have_text("Understudy")

    open_tab(page, "Engine Room")
    page.locator("#engine-room-machine .facts").wait_for()
    expect(page.locator("#engine-room-machine")).to_contain_text("free of")
    page.locator("#engine-room-engines .engine").nth(4).wait_for(state="attached")
    page.locator("#engine-room-free").click()
    page.get_by_text("are free again").first.wait_for()

    open_tab(page, "Quieter")
    page.locator("#quieter-start").click()
    page.get_by_text("there is no sound yet. Choose a file.").first.wait_for()
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"nothing")
    page.locator("#quieter-field-sound input[type=file]").set_input_files(str(broken))
    page.locator("#quieter-field-sound .file-preview").wait_for()
    page.locator("#quieter-start").click()
    wait_for_state(page, "#quieter-job", "failed")
    expect(page.locator("#quieter-job .job-step")).to_contain_text("is no WAV file")


def test_a_job_outlives_its_page_and_its_end_is_news(visit, people, sound, site):
    person = people(permissions=["notifications"])
    page = visit(person)
    with site.held():
        card = start(page, sound, by_db=11, note="<img src=x onerror=alert(1)>")
        wait_for_state(page, "#quieter-job", "running")
        job = card.get_attribute("data-job")
        page.close()

        page = visit(person)  # the same browser, a new page
        open_tab(page, "Quieter")
        page.locator(f"#quieter-job .job.running[data-job={job}]").wait_for()
        page.evaluate(TELLING)
    wait_for_state(page, "#quieter-job", "done")
    page.wait_for_function("window.told.length === 1")
    assert re.match(r"Done: beep\.wav", page.evaluate("told[0]"))
    page.locator("#quieter-audio").wait_for()
    expect(page.locator("#quieter-result .note")).to_contain_text("Your note: <img")
    page.locator("#quieter-report-fold").get_by_role("button").first.click()
    expect(page.locator("#quieter-report")).to_contain_text("6 seconds.")
    assert page.locator("#quieter-result img[src=x]").count() == 0


def test_two_pages_the_lamp_and_cancel(visit, people, sound):
    person = people(color_scheme="light")
    first = visit(person)
    first.get_by_role("button", name="Light or dark").click()
    first.wait_for_function("document.body.classList.contains('dark')")
    second = visit(person)
    second.wait_for_function("document.body.classList.contains('dark')")  # as it was left
    start(first, sound, by_db=12, pause_s=20)
    wait_for_state(first, "#quieter-job", "running")
    open_tab(second, "Queue")
    wait_for_state(second, "#queue", "running")
    expect(second.locator("#queue .job.running [role=progressbar]")).to_have_count(1)
    second.locator("#queue button[data-act=cancel]").first.click()
    wait_for_state(first, "#quieter-job", "cancelled")
    wait_for_state(second, "#queue", "cancelled")
    expect(first.locator("#quieter-retry")).to_be_visible()


def test_settings_come_back_and_links_open(visit, site, tmp_path):
    page = visit()
    sound = make_sound(tmp_path / "Ünï & näme.wav", 1, 7)
    card = start(page, sound, by_db=13, note="again")
    wait_for_state(page, "#quieter-job", "done")
    job = card.get_attribute("data-job")

    other = visit(path=f"/?job={job}")  # another browser: the link alone leads there
    other.locator(f"#quieter-job .job[data-job={job}]").wait_for()
    expect(other.locator("#quieter-job .job-title")).to_have_text("Ünï & näme.wav")
    open_tab(other, "Queue")
    other.locator(f"#queue button[data-act=same][data-id={job}]").click()
    other.locator("[role=tab][aria-selected=true]:has-text('Quieter')").wait_for()
    number = other.locator("#quieter-field-by-db input[type=number]")
    other.wait_for_function("node => node.value === '13'", arg=number.element_handle())
    expect(other.locator("#quieter-field-sound")).to_contain_text("Kept: Ünï & näme.wav")
    number.fill("14")
    other.locator("#quieter-start").click()
    other.locator(f"#quieter-job .job.done:not([data-job={job}])").wait_for()


def test_keyboard_alone_is_enough_and_the_library_plays_and_deletes(visit, sound):
    page = visit()
    page.get_by_role("tab", name="Quieter").focus()
    page.keyboard.press("Enter")
    page.locator("#quieter-field-sound input[type=file]").set_input_files(str(sound))
    page.locator("#quieter-field-sound .file-preview").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "quieter-start":
            break
    else:
        pytest.fail("Tab never reaches the button")
    expect(page.locator("[role=listbox]")).to_have_count(0)  # lists that it passed have closed
    page.keyboard.press("Enter")
    wait_for_state(page, "#quieter-job", "done")

    open_tab(page, "Library")
    entries = page.locator("#library-list input[type=radio]")
    entries.first.check()
    page.locator("#library-audio").wait_for()
    page.locator("#library-wave img").wait_for()
    picture = page.locator("#library-wave img").get_attribute("src")
    assert get(picture).startswith(b"\x89PNG")
    page.locator("#library-files-fold").get_by_role("button").first.click()
    page.locator("#library-files a").first.wait_for()
    before = entries.count()
    page.locator("#library-delete").click()
    page.wait_for_function(
        "count => document.querySelectorAll('#library-list input').length === count",
        arg=before - 1,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(visit, scheme):
    page = visit(width=390, height=844, color_scheme=scheme)
    page.wait_for_function(
        f"document.body.classList.contains('dark') === {str(scheme == 'dark').lower()}"
    )
    more = page.get_by_role("button", name="More tabs")
    more.wait_for()  # those that do not fit are folded away
    for name in TABS:
        if not page.get_by_role("tab", name=name).is_visible():
            more.click()
            page.locator(".overflow-dropdown").get_by_role("button", name=name).click()
        else:
            open_tab(page, name)
        page.wait_for_timeout(300)
        page.wait_for_function(NOT_WIDE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, sound, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(color_scheme=scheme)
    start(page, sound, by_db=17 if scheme == "dark" else 18)
    wait_for_state(page, "#quieter-job", "done")
    for name in TABS:
        open_tab(page, name)
        for _ in range(4):
            page.wait_for_timeout(700)  # what fades in has not its colours yet
            found = [(name, *each) for each in serious(Axe().run(page).response["violations"])]
            if not found:
                break
        assert found == []


def serious(violations):
    for each in violations:
        if each["impact"] in {"serious", "critical"}:
            where = [node["target"] for node in each["nodes"][:3]]
            yield each["id"], where, each["nodes"][0]["failureSummary"][:200]
