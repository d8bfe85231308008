"""The Talking Head tab in a real browser: points on a face, a film, one sentence changed, a reload."""

import pytest
from playwright.sync_api import expect

from tests.media import shared

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SLOW_S = 200
PLAY = """async film => { film.muted = true; await film.play();
  while (film.currentTime <= 0.2) await new Promise(done => setTimeout(done, 50));
  film.pause(); return film.currentTime; }"""


def open_tab(page):
    page.get_by_role("tab", name="Talking Head").click()
    page.locator("#talking-head-start").wait_for()


def wait_for_done(page, *, other_than=""):
    page.wait_for_function(
        """(old) => { const card = document.querySelector('#talking-head-job .job');
        return card && card.dataset.job !== old
          && !['running', 'queued'].includes(card.dataset.state); }""",
        arg=other_than,
        timeout=SLOW_S * 1000,
    )
    card = page.locator("#talking-head-job .job")
    assert card.get_attribute("data-state") == "done", card.inner_text()
    return card.get_attribute("data-job")


def has(page, selector, text):
    page.wait_for_function(
        """([selector, text]) => { const found = document.querySelector(selector);
        return found && (found.value ?? found.innerText).includes(text); }""",
        arg=[selector, text],
    )


def test_points_are_dragged_by_mouse_and_keys(visit):
    page = visit()
    open_tab(page)
    page.get_by_role("button", name="More").nth(1).click()  # where the points are in numbers
    picture = page.locator("#talking-head-field-avatar input[type=file]")
    picture.set_input_files(str(shared("portraits/noface_cat.png")))
    dot = page.locator("#face-points .face-point").nth(2)
    dot.wait_for()
    expect(page.locator("#face-points summary")).to_contain_text("No face was found")
    dot.evaluate("dot => dot.scrollIntoView({ block: 'center' })")
    dot.hover(position={"x": 18, "y": 18})  # once it stands still
    page.mouse.down()
    box = dot.bounding_box()
    page.mouse.move(box["x"] + 58, box["y"] + 38, steps=4)
    page.mouse.up()
    points = "#talking-head-field-points textarea"
    has(page, points, "0.4100,0.3800\n0.5900,0.3800\n0.")
    dragged = page.locator(points).input_value().splitlines()[2].split(",")
    assert float(dragged[0]) > 0.55 and float(dragged[1]) > 0.5
    dot.press("ArrowLeft")
    has(page, points, f"{float(dragged[0]) - 0.004:.4f},")


def test_a_film_outlives_its_page_and_a_sentence_is_changed(visit, people):
    person = people()
    page = visit(person)
    open_tab(page)
    page.locator("#talking-head-field-script textarea").fill("One is here. Two is there.")
    has(page, "#script-facts", "26 of 20")
    page.locator("#talking-head-sample").click()
    page.locator("#talking-head-job .job.running").wait_for()
    page.close()

    page = visit(person)  # the same browser, a new page
    open_tab(page)
    first = wait_for_done(page)
    film = page.locator("#talking-head-video video")
    film.wait_for()
    played_s = film.evaluate(PLAY)
    assert played_s > 0.2
    page.locator("#head-lines .line").nth(1).click()
    text = page.locator("#head-text textarea")
    text.wait_for()
    page.locator("#head-play").click()
    page.locator("#head-clip video").wait_for()
    text.fill("I was only a drawing.")
    has(page, "#head-told", "1 change, not made yet")
    page.locator("#head-make").click()
    wait_for_done(page, other_than=first)
    has(page, "#head-lines", "I was only a drawing.")
    has(page, "#head-lines", "One is here.")  # the sample leaves alone what is written
    has(page, "#head-told", "No changes yet")
