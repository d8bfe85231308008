"""The one border between Gradio and the studio, and who stands on the other side."""

import logging
import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from html import escape
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from pydantic import ValidationError

from studio.errors import BadInput, Cancelled, StudioError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)
STRANGER = "?"  # begins the owner of who has not logged in: a name that no user can have


def border(work: Callable[P, T]) -> Callable[P, T]:
    """Turn our errors into the browser's; every handler wears this, nothing else does."""

    @wraps(work)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except Exception as error:
            raise translated(error) from error

    return guarded


def translated(error: Exception) -> gr.Error:
    """Return what the browser shows: a sentence, or the id under which the log has the details."""
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, Cancelled):
        return gr.Error("Stopped.", print_exception=False, title="Stopped")
    if isinstance(error, StudioError):
        log.info("refused: %s", error.sentence)
        return gr.Error(_plain(error.sentence), print_exception=False, title="Not yet")
    if isinstance(error, ValidationError):
        return gr.Error(_plain(sentence(error)), print_exception=False, title="Not yet")
    number = secrets.token_hex(4)
    log.error("error %s in a handler", number, exc_info=error)
    said = f"Something unexpected happened (error {number}); the log has the details."
    return gr.Error(said, print_exception=False)


def _plain(text: str) -> str:
    """Return text that the browser shows as it is: it takes messages for HTML."""
    return escape(text, quote=False)


def sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong with a request, as a sentence."""
    first = error.errors(include_url=False)[0]
    where = " ".join(str(part) for part in first["loc"]).replace("_", " ").capitalize()
    said = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {said[:1].lower()}{said[1:]}." if where else f"{said}."


def owner_of(request: gr.Request | None) -> str:
    """Return whose jobs a visitor sees: the user's name; "" for the one user of a local studio.

    Who has not logged in where that is asked owns nothing, and is nobody else either.
    """
    if request is None:
        return ""
    if name := getattr(request, "username", None):
        return str(name)
    asked: Any = request.request
    return "" if asked is None else visitor(asked.scope, request.session_hash or "")


def member_of(request: gr.Request | None) -> str:
    """Return whose a new job is.

    Raises:
        BadInput: if one must log in here, and the visitor has not.
    """
    owner = owner_of(request)
    if owner.startswith(STRANGER):
        raise BadInput("you are not logged in", remedy="Log in first.")
    return owner


def visitor(scope: Any, session: str = "") -> str:
    """Return the owner that a request without a Gradio login stands for.

    Args:
        scope: of the ASGI request; it has a session only where Hugging Face logs people in.
        session: what tells a visitor's page from others.
    """
    app = scope.get("app")
    if "session" in scope:
        known: Mapping[str, Any] = scope["session"].get("oauth_info") or {}
        person: Mapping[str, Any] = known.get("userinfo") or {}
        return str(person.get("preferred_username") or f"{STRANGER}{session}")
    return f"{STRANGER}{session}" if getattr(app, "auth", None) is not None else ""
