"""A form made from a request: one field, one component, one place."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.components import Component

from engines import catalog
from media.captions import caption_styles
from studio.artefacts import Artefact, Store
from studio.request import Request
from tabs.parts.border import border
from tabs.parts.languages import language_choices

R = TypeVar("R", bound=Request)
T = TypeVar("T")

UNITS = {"db": "dB", "ms": "ms", "hz": "Hz", "s": "s", "lufs": "LUFS"}  # a field's last word
GROUPS = ("Content", "Look", "Output")
KINDS = {
    "video": ["video", ".mkv", ".ts", ".mpg", ".mpeg", ".avi", ".mov", ".webm", ".flv"],
    "audio": ["audio", ".flac", ".opus", ".m4a", ".aiff", ".wma"],
    "image": ["image"],
    "subtitles": [".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".xml"],
}


@dataclass(frozen=True, slots=True)
class Form(Generic[R]):
    """The components of a request, and the ways there and back."""

    request: type[R]
    components: Mapping[str, Component]
    files: frozenset[str]  # fields that hold uploaded files
    base: gr.State  # JSON of the request whose files and hidden fields are kept; "" without

    @property
    def inputs(self) -> list[Component]:
        """What a handler takes: the base first, then every field in order."""
        return [self.base, *self.components.values()]

    def read(self, store: Store, values: Sequence[Any]) -> R:
        """Make a request of the values of `inputs`; uploads go into the store.

        Raises:
            ValidationError: if a value is outside its limits.
        """
        base, *fields = values
        kept = self.request.model_validate_json(base) if base else None
        data: dict[str, Any] = {}
        for name, value in zip(self.components, fields, strict=True):
            if name not in self.files:
                data[name] = value if value is not None else ""
            elif value:
                data[name] = stored(store, str(value))
            elif kept is not None:
                data[name] = getattr(kept, name)
        return self.request.model_validate(data)

    def handler(self, store: Store, work: Callable[[R, gr.Request], T]) -> Callable[..., T]:
        """Wrap `work` so that Gradio can call it with the values of `inputs`, one by one."""

        @border
        def handle(*given: Any) -> T:
            *values, request = given
            return work(self.read(store, values), request)

        return signed(handle, ["base", *self.components])

    def fill(self, request: R) -> list[Any]:
        """Return updates of `inputs` that show `request`; its files stay in the base."""
        updates: list[Any] = [request.model_dump_json()]
        for name in self.components:
            value = getattr(request, name)
            if name in self.files:
                kept = f"Kept: {value.name}" if isinstance(value, Artefact) else None
                updates.append(gr.update(value=None, label=kept or label(name)))
            else:
                updates.append(gr.update(value=value))
        return updates


def build(request: type[R]) -> Form[R]:
    """Render a component for each field of `request`, in groups; advanced ones are folded away."""
    fields: Mapping[str, Any] = request.model_json_schema()["properties"]
    shown = {name: schema for name, schema in fields.items() if not schema.get("hidden")}
    drawn: dict[str, Component] = {}
    for group in GROUPS:
        members = {n: s for n, s in shown.items() if s.get("group", "Output") == group}
        plain = {n: s for n, s in members.items() if not s.get("advanced")}
        folded = {n: s for n, s in members.items() if s.get("advanced")}
        if not members:
            continue
        with gr.Group(elem_classes="form-group"):
            gr.HTML(f"<h3>{group}</h3>", elem_classes="form-heading")
            drawn |= {name: component(name, schema) for name, schema in plain.items()}
        if folded:
            with gr.Accordion(f"More about {group.lower()}", open=False):
                drawn |= {name: component(name, schema) for name, schema in folded.items()}
    ordered = {name: drawn[name] for name in shown}
    files = frozenset(name for name, schema in shown.items() if "file" in schema)
    return Form(request, ordered, files, gr.State(""))


def component(name: str, schema: Mapping[str, Any]) -> Component:
    """Return the component that suits the JSON schema of a field."""
    text, info, default = label(name), schema.get("description"), schema.get("default")
    id_ = f"field-{name.replace('_', '-')}"
    if "file" in schema:
        types = [each for kind in schema["file"] for each in KINDS[kind]]
        title = f"{text}: {info}"
        return gr.File(label=title, file_types=types, type="filepath", height=150, elem_id=id_)
    if schema.get("type") == "boolean":
        return gr.Checkbox(bool(default), label=info or text, elem_id=id_)
    choices = _choices(schema)
    if choices is None:
        return _typed(text, info, schema, id_)
    if "enum" in schema and len(choices) <= 3:
        return gr.Radio(choices, value=default, label=text, info=info, elem_id=id_)
    own = "language_of" in schema
    return gr.Dropdown(
        choices, value=default, label=text, info=info, allow_custom_value=own, elem_id=id_
    )


def _typed(text: str, info: str | None, schema: Mapping[str, Any], id_: str) -> Component:
    default = schema.get("default")
    if "minimum" in schema and "maximum" in schema:
        step = 1 if schema.get("type") == "integer" else 0.5
        low, high = schema["minimum"], schema["maximum"]
        return gr.Slider(low, high, default, step=step, label=text, info=info, elem_id=id_)
    if schema.get("type") in {"integer", "number"}:
        return gr.Number(default, label=text, info=info, precision=0, minimum=0, elem_id=id_)
    return gr.Textbox(default, label=text, info=info, lines=1, elem_id=id_)


def signed(
    work: Callable[..., T], names: Sequence[str], *, progress: bool = False
) -> Callable[..., T]:
    """Name the parameters of a handler that takes any: the API shows them, Gradio gives the rest.

    Args:
        work: takes the named values, then the `gr.Request`, then the progress if it is asked for.
        names: of its inputs.
        progress: whether it tells how far it is.
    """
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = [Parameter(name, kind) for name in names]
    parameters.append(Parameter("request", kind, annotation=gr.Request))
    if progress:
        parameters.append(Parameter("progress", kind, default=gr.Progress()))
    setattr(work, "__signature__", Signature(parameters))  # noqa: B010 - not declared on functions
    work.__annotations__ = {"request": gr.Request}
    return work


def stored(store: Store, path: str) -> Artefact:
    """Take an uploaded file into the store."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return store.take_in(Path(path), kind, Path(path).name)


def label(name: str) -> str:
    """Return a field's name for people, its unit in brackets."""
    words, _, unit = name.rpartition("_")
    shown = f"{words} ({UNITS[unit]})" if unit in UNITS else name
    return (shown[:1].upper() + shown[1:]).replace("_", " ")


def _choices(schema: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    if "language_of" in schema:
        return language_choices(schema["language_of"])
    if "engine_of" in schema:
        return [(each.title, each.id) for each in catalog.entries(schema["engine_of"]).values()]
    if "quality" in schema:
        best = catalog.default_quality()
        return [(f"What suits this machine ({best})", ""), *((q, q) for q in catalog.qualities())]
    if "caption_style" in schema:
        return [(each.title, each.id) for each in caption_styles().values()]
    if "enum" in schema:
        return [(each.capitalize(), each) for each in schema["enum"]]
    return None
