"""Characters as tabs show them: cards with their faces, and drop-downs with their names."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from media.pictures import data_address
from studio.artefacts import Artefact
from studio.characters import Character
from studio.consent import ConsentKind
from studio.errors import BadInput
from studio.studio import Studio
from tabs.parts.border import border, owner_of
from tabs.parts.gallery import Card
from tabs.parts.page import Page

FACE_PX = 176
SHORT: Mapping[ConsentKind, str] = {"me": "You", "agreed": "Agreed", "nobody": "Made up"}


def character_cards(studio: Studio, owner: str, chosen: str = "") -> list[Card]:
    """Return a card for each of a visitor's characters, and of the studio's."""
    return [
        Card(
            id=each.id,
            title=each.name,
            about=about(each),
            picture=face(studio, each.looks[0]) if each.looks else "",
            chosen=str(each.id == chosen).lower(),
        )
        for each in studio.characters.of(owner)
    ]


def about(character: Character) -> str:
    """Return a character's voice and consent in a few words."""
    kind = SHORT[character.consent.kind] if character.consent else ""
    known = character.voice.built_in
    voice = "own voice" if character.voice.recordings else known and f"{known.capitalize()}'s voice"
    look, tone = (
        "trained look" * bool(character.loras),
        "trained voice" * bool(character.voice.models),
    )
    return " · ".join(filter(None, (kind, voice, look, tone)))


def face(studio: Studio, picture: Artefact) -> str:
    """Return a small picture as an address; "" where it cannot be shown (any more)."""
    try:
        return data_address(studio.store.path(picture), FACE_PX)
    except BadInput:
        return ""


def version(studio: Studio, owner: str) -> str:
    """Return a text that changes with a visitor's characters."""
    return repr(hash(studio.characters.of(owner)))


def offer_characters(page: Page, field: Component, none: str) -> None:
    """Keep a drop-down's choices up to date with the visitor's characters.

    Args:
        page: the page.
        field: the drop-down.
        none: what no character is called.
    """
    seen = gr.State("")

    @border
    def look(last: str, request: gr.Request) -> Any:
        owner = owner_of(request)
        now = version(page.studio, owner)
        if now == last:
            return gr.skip(), gr.skip()
        known = [(each.name, each.id) for each in page.studio.characters.of(owner)]
        return now, gr.update(choices=[(none, ""), *known])

    page.each_second(look, [seen], [seen, field])
