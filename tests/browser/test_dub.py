"""The Dub tab in a real browser, from the first click to the line that was changed."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SLOW_S = 240  # for a whole dub, on a busy machine
OTHER = "Oigo la canción de la aldea."
SCREENSHOT = os.environ.get("UNDERSTUDY_SCREENSHOT", "")  # before the tests clear such names
MARKUP = '<img src=x onerror="window.hacked = 1">'
IN_SIGHT = """() => { const card = document.querySelector('#dub-job .job')?.getBoundingClientRect();
  return card && card.top >= 0 && card.top < 120; }"""
DURATION = """(selector) => { const video = document.querySelector(selector);
  return video && video.readyState > 0 && video.duration > 0 ? video.duration : 0; }"""


def wait_for_done(page, *, other_than="", timeout_s=SLOW_S):
    """Wait until a job is done; return its id."""
    page.wait_for_function(
        """(old) => { const card = document.querySelector('#dub-job .job');
        return card && card.dataset.job !== old && card.dataset.state !== 'running'
          && card.dataset.state !== 'queued'; }""",
        arg=other_than,
        timeout=timeout_s * 1000,
    )
    card = page.locator("#dub-job .job")
    assert card.get_attribute("data-state") == "done", card.inner_text()
    return card.get_attribute("data-job")


def wait_for_text(page, selector, text):
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.innerText.includes(text)",
        arg=[selector, text],
    )


def pick(page, index):
    page.locator("#dub-lines .line").nth(index).click()
    page.locator("#line-text").wait_for()
    said = page.locator("#dub-lines .line").nth(index).locator(".line-text").inner_text()
    page.wait_for_function(
        "(text) => document.querySelector('#line-text textarea')?.value === text", arg=said
    )


def play(page, button):
    """Play the picked line; return how long the clip is and where it comes from."""
    clip = page.locator("#line-clip video")
    old = clip.get_attribute("src") if clip.count() else ""
    page.locator(button).click()
    playing = page.wait_for_function(
        """(old) => { const clip = document.querySelector('#line-clip video');
        return clip && clip.getAttribute('src') !== old && clip.duration > 0
          && { length_s: clip.duration, source: clip.getAttribute('src') }; }""",
        arg=old,
    ).json_value()
    return playing["length_s"], playing["source"]


def photograph(page):
    """Keep the picture that README shows, where `UNDERSTUDY_SCREENSHOT` asks for it."""
    if not SCREENSHOT:
        return
    page.evaluate("document.querySelector('#dub-result video').currentTime = 8")
    page.get_by_role("tab", name="Quieter").evaluate("(tab) => tab.remove()")  # the tests' own
    page.wait_for_timeout(2000)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=Path(SCREENSHOT), animations="disabled")


def test_from_the_first_click_to_a_changed_line(people, visit):
    person = people(color_scheme="light")
    page = visit(person)
    page.locator("#dub-sample").click()
    page.locator("#dub-job .job.running .bar").wait_for(timeout=60_000)
    expect(page.locator("#dub-job .job-step")).to_contain_text("Step")
    page.close()

    page = visit(person)  # the same browser, a new page: it finds the job
    first = wait_for_done(page)
    page.wait_for_function(f"({DURATION})('#dub-result video')")
    page.locator("#dub-lines .line").first.wait_for()
    photograph(page)
    expect(page.locator("#dub-told")).to_contain_text("No changes")

    pick(page, 1)
    length_s, before = play(page, "#line-dub")
    assert length_s > 2
    length_s, _ = play(page, "#line-original")
    assert length_s > 2
    said = page.locator("#line-translation textarea").input_value()
    page.locator("#line-translation textarea").fill(OTHER)
    wait_for_text(page, "#dub-told", "1 change, not made yet")
    page.locator("#dub-make").click()
    page.locator(f"#dub-job .job:not([data-job={first}])").wait_for()
    expect(page.locator("#dub-result video")).to_be_visible()  # what is being changed
    second = wait_for_done(page, other_than=first)
    wait_for_text(page, "#dub-told", "No changes")
    wait_for_text(page, "#dub-lines .line:nth-child(2)", OTHER)
    length_s, after = play(page, "#line-dub")
    assert length_s > 2
    assert after != before and second in after

    page.locator("#dub-back").click()
    wait_for_text(page, "#dub-lines .line:nth-child(2)", said)
    page.locator(f"#dub-job .job[data-job={first}]").wait_for()


def test_words_never_become_markup_and_changes_can_be_undone(people, visit):
    person = people(width=390, height=844, color_scheme="dark")
    page = visit(person)
    page.locator("#dub-start").click()
    wait_for_text(page, "#dub-wrong", "There is no video yet")
    page.wait_for_timeout(500)
    assert page.evaluate("window.scrollY") == 0  # what is wrong is said where one is
    page.locator("#dub-sample").click()
    page.wait_for_function(IN_SIGHT)
    wait_for_done(page)  # recalled, if it was made before
    page.evaluate("window.scrollTo(0, 0)")
    page.get_by_role("link", name="See the result").click()
    page.wait_for_function(IN_SIGHT)
    page.locator("#dub-lines .line").first.wait_for()
    pick(page, 0)
    kept = page.locator("#line-translation textarea").input_value()
    page.locator("#line-translation textarea").fill(MARKUP)
    wait_for_text(page, "#dub-lines .line:first-child", "<img src=x")
    assert page.locator("#dub-editor img").count() == 0
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#dub-undo").click()
    wait_for_text(page, "#dub-told", "No changes")
    expect(page.locator("#line-translation textarea")).to_have_value(kept)


def test_a_review_waits_and_goes_on_and_the_table_works_by_keyboard(people, visit):
    page = visit(people())
    page.locator("#field-review input").check()
    page.locator("#dub-sample").click()
    page.locator("#dub-job .job.waiting").wait_for(timeout=SLOW_S * 1000)
    page.locator("#dub-lines .line").first.wait_for()
    expect(page.locator("#dub-make")).to_have_text("Continue")
    pick(page, 1)
    page.locator("#line-translation textarea").fill(OTHER)
    wait_for_text(page, "#dub-lines .line:nth-child(2)", OTHER)
    page.locator("#dub-make").click()
    page.locator("#dub-job .job.waiting").wait_for(state="detached")
    wait_for_done(page)
    wait_for_text(page, "#dub-lines .line:nth-child(2)", OTHER)
    expect(page.locator("#dub-make")).to_have_text("Make the changes")

    page.locator("#dub-lines .line").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#dub-lines .line:nth-child(2)[aria-selected=true]").wait_for()
    page.locator("#line-text").wait_for()
    page.wait_for_function("document.activeElement.matches('#dub-lines .line:nth-child(2)')")
    page.keyboard.press("d")
    page.wait_for_function(f"({DURATION})('#line-clip video')")
