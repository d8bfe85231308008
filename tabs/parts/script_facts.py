"""What a script comes to, told while it is written: characters, film, work, cost."""

from html import escape
from typing import Any

import gradio as gr

from studio.errors import BadInput
from tabs.parts.border import border
from tabs.parts.cards import clock
from tabs.parts.form import Form
from tabs.parts.page import QUIET, Page
from tabs.parts.preflight import Price, expected_s
from workflows.talking_head import WORKFLOW
from workflows.talking_head.request import TalkingHeadRequest
from workflows.talking_head.script import estimated_s, read_script

MOST_CHARS = 20_000
FIELDS = ("script", "language", "rate", "quality")


def script_facts() -> gr.HTML:
    """Draw the line below the script."""
    return gr.HTML("", elem_id="script-facts")


def wire_script_facts(page: Page, form: Form[Any], shown: gr.HTML) -> None:
    """Tell it anew at every change of what it depends on."""
    inputs = [form.components[name] for name in FIELDS]

    @border
    def tell(script: str, language: str, rate: float, quality: str) -> str:
        return told(page, script or "", language or "en", float(rate or 1), quality or "")

    changes = [getattr(each, "change") for each in inputs]  # noqa: B009 - on each component
    gr.on(changes, tell, inputs, shown, trigger_mode="always_last", **QUIET)


def told(page: Page, script: str, language: str, rate: float, quality: str) -> str:
    """Return the line as HTML; what is wrong with the script, where something is."""
    if not script.strip():
        return ""
    count = f"{len(script):,} of {MOST_CHARS:,} characters".replace(",", " ")
    try:
        sentences = read_script(script)
    except BadInput as error:
        return f'<p class="facts">{count} · <span class="lack">{escape(error.sentence)}</span></p>'
    film_s = estimated_s(sentences, language, rate)
    parts = [count, f"about {clock(film_s)} of film"]
    wanted = TalkingHeadRequest(script=script, language=language, quality=quality)
    work_s = expected_s(WORKFLOW, wanted, page.studio.timings, film_s)
    if work_s:
        settings = page.studio.settings
        price = Price(settings.price_per_hour, settings.currency)
        cost = f", {price.of(work_s)}" if price.per_hour else ""
        parts.append(f"about {clock(work_s)} of work{cost}")
    return f'<p class="facts">{" · ".join(parts)}</p>'
