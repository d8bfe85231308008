"""What a component takes in: as it is given, so that the request can say what is wrong with it.

Gradio's own refusals name no field, and some reach a script only as "an exception".
"""

from typing import Any, Self, cast

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData, ListFiles
from gradio_client import utils as client_utils

from studio.errors import BadInput
from tabs.parts.border import translated


class Upload(FileData):
    """A file that was uploaded. A script sends it with gradio_client's `handle_file(path)`."""

    @classmethod
    def model_validate(cls, obj: Any, **settings: Any) -> Self:
        """Refuse what is no upload, in words that reach a script."""
        return super().model_validate(_uploaded(obj), **settings)


class Uploads(ListFiles):
    """Files that were uploaded."""

    @classmethod
    def model_validate(cls, obj: Any, **settings: Any) -> Self:
        """Refuse what are no uploads, in words that reach a script."""
        given: list[Any] = cast("list[Any]", obj) if isinstance(obj, list) else [obj]
        return super().model_validate([_uploaded(each) for each in given], **settings)


def no_upload(given: object) -> BadInput:
    """Return what a script is told that names a file of its own machine."""
    return BadInput(f"{str(given)[:80]!r} is no upload", remedy="Send it with handle_file.")


def unjudged(component: Component) -> Component:
    """Let values through that are not among the choices, or outside the limits."""
    setattr(component, "preprocess", _as_given)  # noqa: B010 - declared on each component
    return component


def uploads(component: gr.File) -> gr.File:
    """Say what to do where a file is no upload."""
    component.data_model = Uploads if component.file_count == "multiple" else Upload
    return component


def _uploaded(given: Any) -> Any:
    if not client_utils.is_file_obj_with_meta(given):
        raise translated(no_upload(given))
    return given


def _as_given(payload: Any) -> Any:
    return payload
