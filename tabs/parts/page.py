"""What every tab is given when it is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from studio.studio import Studio

QUIET: Mapping[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How what a timer calls is wired: at once, unseen, and no part of the API."""
ACT: Mapping[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How what a person presses is wired: only by way of Gradio's queue do errors and news reach them."""


@dataclass(frozen=True, slots=True)
class Room:
    """A workflow's tab: what other tabs need to send somebody there."""

    tab: str  # its id
    opened: gr.BrowserState  # takes the id of the job to show
    form: Any  # its `parts.form.Form`


@dataclass(frozen=True, slots=True)
class Page:
    """The studio behind the page, and what the page's tabs share."""

    studio: Studio
    window: gr.Blocks
    tabs: gr.Tabs
    timer: gr.Timer  # ticks once a second
    tab: str = ""  # id of the one that is drawn
    rooms: dict[str, Room] = field(
        default_factory=dict[str, Room]
    )  # by workflow, as they are drawn
