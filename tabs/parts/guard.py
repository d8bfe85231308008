"""Keeps other people's files from whoever asks: the exports folder is served, but to owners only."""

from collections.abc import Callable
from pathlib import Path

from fastapi import HTTPException, Request

from studio.errors import NotFound
from studio.settings import Settings
from studio.studio import Studio
from tabs.parts.border import visitor

COOKIES = ("access-token-", "access-token-unsecure-")


def file_guard(studio: Studio) -> Callable[[Request], None]:
    """Return a dependency of every route: it refuses exports of jobs that are not the visitor's."""
    exports = studio.settings.exports.resolve()

    def guard(request: Request) -> None:
        asked = request.path_params.get("path_or_url")
        if asked is None:
            return
        path = Path(asked).absolute().resolve()
        if not path.is_relative_to(exports):
            return  # Gradio's own rules hold
        parts = path.relative_to(exports).parts
        try:
            studio.job(parts[0] if parts else "", owner_of_web(request))
        except NotFound as error:
            raise HTTPException(404, "There is no such file.") from error

    return guard


def owner_of_web(request: Request) -> str:
    """Return whose jobs a plain web request may see; the rules are those of `owner_of`."""
    app = request.app
    for name in COOKIES:
        token = request.cookies.get(f"{name}{getattr(app, 'cookie_id', '')}")
        if user := getattr(app, "tokens", {}).get(token):
            return str(user)
    return visitor(request.scope)


def wants_login(settings: Settings) -> bool:
    """Tell whether people must log in."""
    return bool(settings.users()) or settings.hf_oauth
