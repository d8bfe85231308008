"""The one border between Gradio and the studio, and who stands on the other side."""

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr
from pydantic import ValidationError

from studio.errors import Cancelled, StudioError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


def border(work: Callable[P, T]) -> Callable[P, T]:
    """Turn our errors into the browser's; every handler wears this, nothing else does."""

    @wraps(work)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except gr.Error:
            raise
        except Cancelled as stop:
            raise gr.Error("Stopped.", print_exception=False, title="Stopped") from stop
        except StudioError as error:
            log.warning("%s", error.sentence)
            raise gr.Error(error.sentence, print_exception=False, title="Not yet") from error
        except ValidationError as error:
            raise gr.Error(sentence(error), print_exception=False, title="Not yet") from error
        except Exception as error:  # the border: it is logged, and the user gets its id
            number = secrets.token_hex(4)
            log.exception("error %s in a handler", number)
            raise gr.Error(
                f"Something unexpected happened (error {number}); the log has the details.",
                print_exception=False,
            ) from error

    return guarded


def sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong with a request, as a sentence."""
    first = error.errors()[0]
    where = " ".join(str(part) for part in first["loc"]).replace("_", " ")
    return f"{where}: {first['msg']}.".strip(": ").capitalize()


def owner_of(request: gr.Request | None) -> str:
    """Return the name of the logged-in user; "" for the single user of a local studio."""
    return (getattr(request, "username", None) or "") if request is not None else ""
