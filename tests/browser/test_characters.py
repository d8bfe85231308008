"""Characters in a real browser: made, chosen, heard, taken along, and deleted."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_window import open_tab
from tests.media import shared
from tests.studio.models import LORA, PTH

pytestmark = pytest.mark.browser
NAME = "<b>Ann</b> & Co"
TRAINED = {"loras": ("ann.safetensors", LORA), "models": ("ann.pth", PTH)}


def write(page, field, text):
    page.locator(f"#character-{field} input, #character-{field} textarea").first.fill(text)


def fill_in_trained(page, tmp_path):
    page.get_by_role("button", name="Advanced: a trained look or voice").click()
    for field, (name, content) in TRAINED.items():
        (tmp_path / name).write_bytes(content)
        page.locator(f"#character-{field} input[type=file]").set_input_files(str(tmp_path / name))
        page.locator(f"#character-{field} .file-preview").wait_for()
    write(page, "triggers", "ann person")


def delete(page, title):
    """Delete a character that is not open: what is waited for is not so before."""
    card = page.get_by_text(title, exact=True)
    page.locator("#character-board .pick-choose").filter(has=card).click()
    page.wait_for_function(
        "name => document.querySelector('#character-name input, #character-name textarea')"
        "?.value === name",
        arg=title,
    )
    page.locator("#character-delete").click()
    page.get_by_text("no job has used it").wait_for()
    page.locator("#character-yes").click()
    page.locator("#character-board .pick-title").get_by_text(title, exact=True).wait_for(
        state="detached"
    )


def take_along(page, tmp_path):
    """Export the character that is open, bring it in again, and drop one file of the copy."""
    with page.expect_download() as taken:
        page.locator("#character-export").click()
    taken.value.save_as(tmp_path / "ann.zip")
    with page.expect_file_chooser() as chooser:
        page.locator("#character-import").click()
    chooser.value.set_files(tmp_path / "ann.zip")
    page.locator("#character-board .pick-title", has_text=f"{NAME} (2)").wait_for()
    expect(page.locator("#character-kept input:checked")).to_have_count(2)
    expect(page.locator("#character-triggers textarea")).to_have_value("ann person")
    page.locator("#character-kept label", has_text="ann.pth").click()
    page.locator("#character-save").click()
    page.locator("#character-kept label", has_text="ann.pth").wait_for(state="detached")


def test_a_character_from_the_library_to_the_talking_head(visit, tmp_path):
    page = visit()
    open_tab(page, "Library")
    page.locator("#character-board .pick-title", has_text="Vera").wait_for()
    page.locator("#character-new").click()
    write(page, "name", NAME)
    pictures = page.locator("#character-looks input[type=file]")
    pictures.set_input_files(str(shared("portraits/woman_astronaut_512.png")))
    page.locator("#character-looks .file-preview").wait_for()
    fill_in_trained(page, tmp_path)
    page.locator("#character-save").click()
    page.get_by_text("it is not said whose face or voice this is").first.wait_for()
    page.get_by_label("They agreed").check()
    write(page, "given-by", "Ann Lee")
    page.locator("#character-save").click()
    page.locator("#character-faces img").wait_for()
    page.locator("#character-kept label", has_text="ann.pth").wait_for()
    expect(page.locator("#character-kept input:checked")).to_have_count(2)
    expect(page.locator("#character-panel h2").first).to_have_text(NAME, ignore_case=True)
    take_along(page, tmp_path)

    open_tab(page, "Talking Head")
    faces = page.locator("#talking-head-faces .pick-choose")
    faces.filter(has_text="(2)").click()
    page.wait_for_function(
        "document.querySelector('#talking-head-field-character input').value.includes('(2)')"
    )
    page.get_by_role("button", name="Voices").first.click()
    page.locator("#talking-head-voices .pick-listen").first.click()
    page.wait_for_function(
        "document.querySelector('#talking-head-voice-heard audio')?.duration > 0.5", timeout=60_000
    )
    page.locator("#talking-head-voices .pick-choose").nth(1).click()
    page.wait_for_function("document.querySelector('#talking-head-field-voice input').value !== ''")

    open_tab(page, "Library")
    for title in (NAME, f"{NAME} (2)"):  # the second is open
        delete(page, title)
    expect(page.locator("#character-board .pick")).to_have_count(1)
