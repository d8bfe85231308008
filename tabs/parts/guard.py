"""Keeps other people's files from whoever asks: the exports folder is served, but to owners only."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.erase import CHARACTERS
from studio.errors import NotFound
from studio.studio import Studio
from tabs.parts.border import DOOR, visitor

PATHS = (
    "path_or_url",
    "path",
)  # what Gradio's two routes for files call the path: /file=…, /file/…


@dataclass(frozen=True, slots=True)
class Door:
    """Every request passes here, also those of agents, whose route Gradio's login does not watch."""

    app: ASGIApp
    keeper: Callable[[], Any]  # returns the app that knows who is logged in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write into the request who can tell whose it is."""
        scope[DOOR] = self.keeper()
        await self.app(scope, receive, send)


def file_guard(studio: Studio) -> Callable[[Request], None]:
    """Return a dependency of every route: it refuses exports of jobs that are not the visitor's."""
    exports = studio.settings.exports.resolve()

    def guard(request: Request) -> None:
        for name in PATHS:
            asked: str | None = request.path_params.get(name)
            path = None if asked is None else Path(asked).absolute().resolve()
            if path is None or not path.is_relative_to(exports):
                continue  # Gradio's own rules hold
            try:
                _ask(studio, path.relative_to(exports).parts, visitor(request))
            except NotFound as error:
                raise HTTPException(404, "There is no such file.") from error

    return guard


def _ask(studio: Studio, parts: tuple[str, ...], owner: str) -> None:
    """See that what a path in the exports folder belongs to is the visitor's.

    Raises:
        NotFound: if it is not.
    """
    if parts[:1] == (CHARACTERS,):
        known = {each.id for each in studio.characters.of(owner)}
        if not known.intersection(parts[1:2]):
            raise NotFound("there is no such character")
    else:
        studio.job(parts[0] if parts else "", owner)
