"""What will run: which engine serves each need, what is missing, and how to get it."""

from html import escape
from typing import TypeVar

from engines import catalog
from engines.catalog import Choice
from studio.errors import BadPreset
from studio.request import Request
from studio.workflow import Workflow

Q = TypeVar("Q", bound=Request)

ROLES = {
    "Separator": "Voices apart",
    "SpeechDetector": "Finds speech",
    "Diarizer": "Tells speakers apart",
    "Transcriber": "Writes down",
    "Translator": "Translates",
    "Writer": "Shortens",
    "Speaker": "Speaks",
    "VoiceConverter": "Turns voices",
}


def preflight(workflow: Workflow[Q], request: Q) -> str:
    """Return, as HTML, which engines will do the work, under which licences."""
    try:
        choices = catalog.choose(workflow.needs(request), request.quality)
    except BadPreset as error:
        return f'<div class="flight"><span class="lack">{escape(error.sentence)}</span></div>'
    return f'<div class="flight">{"".join(map(_row, choices))}</div>'


def _row(choice: Choice) -> str:
    does = escape(ROLES.get(choice.need.role, choice.need.role))
    if choice.engine is None:
        lack = "small" if choice.need.optional else "lack"
        return f'<div><b>{does}</b> <span class="{lack}">{escape(choice.why)}</span></div>'
    engine = choice.engine
    limits = "" if engine.commercial is True else " · check before commercial use"
    return (
        f"<div><b>{does}</b> {escape(engine.title)}"
        f' <span class="small">{escape(engine.licence)}{limits}</span></div>'
    )
