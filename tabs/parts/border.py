"""The one border between Gradio and the studio, and who stands on the other side."""

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from html import escape
from inspect import signature
from typing import Any, ParamSpec, TypeVar, get_type_hints

import gradio as gr
from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from studio.errors import BadInput, Cancelled, StudioError, capital, first_said

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)
DOOR = "understudy.door"  # where a request's scope holds the app that knows who is logged in
COOKIES = ("access-token-", "access-token-unsecure-")  # of Gradio's login
FLAG = re.compile(r" \(--[a-z-]+\)")  # of the command line, in a remedy
NAMELESS: Mapping[str, str] = {}
IN_WORDS = {
    "greater_than_equal": "give {ge:g} or more",
    "less_than_equal": "give {le:g} or less",
    "string_too_long": "give at most {max_length} characters",
}
"""What is said in place of pydantic's own words, by the type of its error."""
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


def typed(work: Callable[P, T]) -> Callable[P, T]:
    """Check what a script or an agent gives against the annotations: Gradio passes on any JSON."""
    adapters = {
        name: TypeAdapter[Any](kind)
        for name, kind in get_type_hints(work).items()
        if name not in {"request", "return"}
    }

    @wraps(work)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        given = signature(work).bind(*args, **kwargs).arguments
        for name, adapter in adapters.items():
            try:
                if name in given:
                    adapter.validate_python(given[name], strict=True)
            except ValidationError as error:
                said = sentence(error)
                raise BadInput(f"{name}: {said[:1].lower()}{said[1:]}") from error
        return work(*args, **kwargs)

    return checked


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
    """Return a sentence that the browser shows as it is (it takes messages for HTML), without flags."""
    return escape(capital(FLAG.sub("", text)), quote=False)


def sentence(error: ValidationError, titles: Mapping[str, str] = NAMELESS) -> str:
    """Return the first thing that is wrong with a request, as a sentence.

    Args:
        error: what pydantic found.
        titles: what a form calls the fields, by name.
    """
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    parts = [titles.get(name, name), *(str(part) for part in first["loc"][1:])]
    where = " ".join(parts).replace("_", " ").capitalize()
    if first["type"] == "extra_forbidden":
        return f"There is no setting {first['loc'][-1]!r}."
    said = first_said(error).rstrip(".")
    if first["type"] in IN_WORDS:
        said = IN_WORDS[first["type"]].format(**first.get("ctx", {}))
    return f"{where}: {said[:1].lower()}{said[1:]}." if where else f"{said}."


def owner_of(request: gr.Request | Request | None) -> str:
    """Return whose jobs a visitor sees: the user's name; "" for the one user of a local studio.

    Who has not logged in where that is asked owns nothing, and is nobody else either.

    Args:
        request: Gradio's; an agent's call brings the plain web request instead.
    """
    if request is None:
        return ""
    if isinstance(request, Request):
        return visitor(request)
    if name := request.username:
        return str(name)
    return visitor(request.request, request.session_hash or "")


def member_of(request: gr.Request | Request | None) -> str:
    """Return whose a new job is.

    Raises:
        BadInput: if one must log in here, and the visitor has not.
    """
    owner = owner_of(request)
    if owner.startswith(STRANGER):
        raise BadInput("you are not logged in", remedy="Log in first.")
    return owner


def visitor(request: Request | None, session: str = "") -> str:
    """Return the owner for whom a web request stands.

    Args:
        request: the web request; None if it is not known any more.
        session: what tells a visitor's page from others.
    """
    stranger = f"{STRANGER}{session}"
    if request is None:
        return stranger
    if DOOR not in request.scope:
        return stranger
    app = request.scope[DOOR]
    for name in COOKIES:
        token = request.cookies.get(f"{name}{getattr(app, 'cookie_id', '')}")
        if user := getattr(app, "tokens", {}).get(token):
            return str(user)
    if "session" in request.scope:  # only where Hugging Face logs people in
        known: Mapping[str, Any] = request.session.get("oauth_info") or {}
        person: Mapping[str, Any] = known.get("userinfo") or {}
        return str(person.get("preferred_username") or stranger)
    return stranger if getattr(app, "auth", None) is not None else ""
