"""A real browser beside a live studio."""

import shutil
from collections import defaultdict

import pytest

from tests.tabs.conftest import site, sound  # noqa: F401 - fixtures

CALM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 60_000  # on a busy machine
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
HARMLESS = (
    # Gradio's own, for a field that takes pictures only.
    '[svelte-i18n] Message with id "file" must be of type "string", found: "object". Gettin its value through the "$format" method is deprecated; use the "json" method instead.',
    "Method not implemented.",  # Gradio's player says so of itself
)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import Error, expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    path = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as play:
        try:
            running = play.chromium.launch(executable_path=path, args=list(CALM))
        except Error as error:
            pytest.skip(f"there is no Chromium here: {error}")
        yield running
        running.close()


@pytest.fixture(scope="session")
def seats():
    """Browsers' contexts that nobody uses, by their options: what they loaded need not come again."""
    return defaultdict(list)


@pytest.fixture
def people(browser, seats, site):  # noqa: F811
    """Open windows of different people; afterwards none has said or asked for anything odd."""
    opened, said, asked = [], [], []
    listeners = {
        "console": lambda message: said.append((message.type, message.text)),
        "weberror": lambda error: said.append(("error", str(error.error))),
        "request": lambda request: asked.append(request.url),
    }

    def person(width=1440, height=900, **options):
        options["viewport"] = {"width": width, "height": height}
        free = seats[repr(sorted(options.items()))]
        context = free.pop() if free else browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        opened.append((free, context))
        for event, note in listeners.items():
            context.on(event, note)
        return context

    yield person
    for free, context in opened:
        for event, note in listeners.items():
            context.remove_listener(event, note)
        leave(context, site.url)
        free.append(context)
    wrong = [text for kind, text in said if kind in {"error", "warning"}]
    assert [text for text in wrong if text not in HARMLESS] == []
    own = (site.url, "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []


def leave(context, url):
    """Close a person's pages and forget who it was, but not what the site consists of."""
    page = context.new_page()
    for each in context.pages:
        if each != page:
            each.close()
    kinds = "local_storage,indexeddb,cache_storage,service_workers"
    asked = {"origin": url, "storageTypes": kinds}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", asked)
    context.clear_cookies()
    page.close()


@pytest.fixture
def visit(people, site):  # noqa: F811
    def go(context=None, path="", **options):
        page = (context or people(**options)).new_page()
        page.goto(site.url + path)
        page.get_by_role("tab", name="Dub").wait_for()  # on a phone others are folded away
        return page

    return go
