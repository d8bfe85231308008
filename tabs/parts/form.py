"""A form made from a request: one field, one component, one place."""

import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder
from pydantic import ValidationError

from engines import catalog
from engines.offers import offers
from studio.artefacts import Artefact, Store
from studio.errors import BadInput
from studio.fields import FieldView, fields_of
from studio.request import Request
from tabs.parts.border import border, sentence
from tabs.parts.given import unjudged, uploads
from tabs.parts.languages import language_choices, language_code
from tabs.parts.page import QUIET

R = TypeVar("R", bound=Request)
T = TypeVar("T")

LAST = "Output"
UNITS = {"seconds": "s", "milliseconds": "ms", "beats per minute": "bpm"}  # shorter than in help
RADIO_CHOICES = 3  # more than that go into a drop-down
KINDS = {
    "video": ["video", ".mkv", ".ts", ".mpg", ".mpeg", ".avi", ".mov", ".webm", ".flv"],
    "audio": ["audio", ".flac", ".opus", ".m4a", ".aiff", ".wma"],
    "image": ["image"],
    "subtitles": [".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".xml"],
}
NOTHING: Mapping[str, Callable[[], gr.HTML]] = {}
UNREAD = Artefact("0" * 64, "application/octet-stream", 0, "the chosen file")
"""Stands for an upload where only the other fields matter."""


@dataclass(frozen=True, slots=True)
class Form(Generic[R]):
    """The components of a request, and the ways there and back."""

    request: type[R]
    components: Mapping[str, Component]
    views: Mapping[str, FieldView]
    beside: Mapping[str, gr.HTML]  # what was drawn below a field, by its name
    base: gr.State  # JSON of the request whose files and hidden fields are kept; "" without

    @property
    def inputs(self) -> list[Component]:
        """What a handler takes: the base first, then every field in order."""
        return [self.base, *self.components.values()]

    def read(self, store: Store | None, values: Sequence[Any]) -> R:
        """Make a request of the values of `inputs`; uploads go into the store.

        Args:
            store: where uploads go; None: they stay, and `UNREAD` stands for each.
            values: of `inputs`, in order.

        Raises:
            ValidationError: if a value is outside its limits.
            BadInput: if a file is not one that was uploaded.
        """
        base, *fields = values
        data = self._kept(base, fields)
        for name, value in zip(self.components, fields, strict=True):
            view = self.views[name]
            if view.kind != "file":
                data[name] = _plain(view, value)
            elif value:
                paths: Sequence[Any] = cast("list[Any]", value) if view.many else [value]
                files = [stored(store, str(path)) if store else UNREAD for path in paths]
                data[name] = tuple(files) if view.many else files[0]
        return self.request.model_validate(data)

    def _kept(self, base: str, fields: Sequence[Any]) -> dict[str, Any]:
        """Return what the base gives: what no component shows belongs to its files, and goes with them."""
        if not base:
            return {}
        kept = self.request.model_validate_json(base)
        given = zip(self.components, fields, strict=True)
        is_new = any(value for name, value in given if self.views[name].kind == "file")
        names = self.components if is_new else self.request.model_fields
        return {name: getattr(kept, name) for name in names}

    def handler(self, store: Store | None, work: Callable[[R, gr.Request], T]) -> Callable[..., T]:
        """Wrap `work` so that Gradio can call it with the values of `inputs`, one by one.

        Args:
            store: where uploads go; None: `work` only looks, uploads are left where they are.
            work: takes the request and who asks.
        """

        @border
        def handle(*given: Any) -> T:
            *values, request = given
            try:
                wanted = self.read(store, values)
            except ValidationError as error:
                titles = {name: each.title for name, each in self.views.items()}
                raise BadInput(sentence(error, titles)) from error
            return work(wanted, request)

        return signed(handle, ["base", *self.components])

    def fill(self, request: R) -> list[Any]:
        """Return updates of `inputs` that show `request`; its files stay in the base."""
        updates: list[Any] = [request.model_dump_json()]
        for name, view in self.views.items():
            value = getattr(request, name)
            if view.kind == "character":
                updates.append(gr.update(value=value.id or value.name if value else ""))
            elif view.kind == "file":
                files: list[Artefact] = (
                    [value] if isinstance(value, Artefact) else list(value or ())
                )
                kept = ", ".join(each.name for each in files)
                updates.append(
                    gr.update(value=None, label=f"Kept: {kept}" if kept else label(view))
                )
            elif view.many:
                updates.append("\n".join(map(str, value)))
            elif beside := view.extra.get("shown_with"):
                shown = any(getattr(request, name) for name in beside)
                updates.append(gr.update(value=value, visible=shown))
            else:
                updates.append(gr.update(value=value))
        return updates

    def clear(self) -> list[Any]:
        """Return updates of `inputs` that show every default, and keep no file."""
        updates: list[Any] = [""]
        for view in self.views.values():
            default = view.default
            if view.kind == "file":
                updates.append(gr.update(value=None, label=label(view)))
            elif "shown_with" in view.extra:
                updates.append(gr.update(value=default, visible=False))
            else:
                updates.append("\n".join(map(str, default or ())) if view.many else default)
        return updates


def build(
    request: type[R], *, prefix: str = "", beside: Mapping[str, Callable[[], gr.HTML]] = NOTHING
) -> Form[R]:
    """Render a component for each field of `request`, in groups; advanced ones are folded away.

    Args:
        request: the model; its fields that no component can show (records) are left at their default.
        beside: draws something more below the field of that name.
        prefix: of the elements' ids, so that a page may hold several forms; "-": no ids at all.
    """
    views = {each.name: each for each in fields_of(request) if drawable(each)}
    schemas: Mapping[str, Any] = request.model_json_schema()["properties"]
    drawn: dict[str, Component] = {}
    more: dict[str, gr.HTML] = {}

    def draw(members: Sequence[FieldView]) -> None:
        for view in members:
            shown = prefix == "-" or _is_shown(view, views)
            drawn[view.name] = component(view, schemas[view.name], prefix, visible=shown)
            if view.name in beside:
                more[view.name] = beside[view.name]()

    for group, folds in _groups(views.values()).items():
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<h2>{group}</h2>", elem_classes="card-heading")
            draw(folds.pop("", ()))
            for title, members in folds.items():
                with gr.Accordion(title, open=False, elem_classes="card-more"):
                    draw(members)
    made = Form(request, {name: drawn[name] for name in views}, views, more, gr.State(""))
    if prefix != "-":
        _wire_shown(made)
    return made


def _groups(views: Iterable[FieldView]) -> dict[str, dict[str, list[FieldView]]]:
    """Return the fields by card, then by fold; "" is what is not folded away."""
    found: dict[str, dict[str, list[FieldView]]] = {}
    for view in sorted(views, key=_place):
        folded = view.extra.get("advanced", "")
        fold = "More" if folded is True else str(folded)
        found.setdefault(str(view.extra.get("group", LAST)), {}).setdefault(fold, []).append(view)
    return found


def _place(view: FieldView) -> tuple[bool, bool]:
    return view.extra.get("group", LAST) == LAST, view.extra.get("advanced") is True


def _is_shown(view: FieldView, views: Mapping[str, FieldView]) -> bool:
    """Tell whether a field is shown while every other has its default."""
    ruled: Mapping[str, Sequence[Any]] = view.extra.get("shown_when", {})
    return "shown_with" not in view.extra and all(
        views[name].default in values for name, values in ruled.items()
    )


def drawable(view: FieldView) -> bool:
    """Tell whether a component can show the field."""
    return view.kind != "data" and not view.extra.get("hidden")


def component(
    view: FieldView, schema: Mapping[str, Any], prefix: str = "", *, visible: bool = True
) -> Component:
    """Return the component that suits a field, given its JSON schema."""
    told = view.help.partition("; empty:")[0]  # the form has a word for it
    named: dict[str, Any] = {"label": label(view), "info": told or None, "visible": visible}
    if prefix != "-":
        named["elem_id"] = f"{prefix}field-{view.name.replace('_', '-')}"
    if view.kind == "file":
        return _upload(view, named)
    if view.kind == "switch":
        return gr.Checkbox(bool(view.default), **named)
    choices = _choices(view)
    if choices is not None:
        return unjudged(_choice(view, choices, named))
    if view.many:
        named["info"] = f"{view.help} (one a line)"
        return gr.Textbox("\n".join(map(str, view.default or ())), lines=2, **named)
    if view.kind == "number":
        return unjudged(_number(schema, view.default, named))
    return _text(view, schema, named)


def _wire_shown(made: Form[Any]) -> None:
    """Show the fields that depend on another one only while they matter."""
    views, drawn = made.views, made.components
    for view in views.values():
        if files := view.extra.get("shown_with"):
            _wire_shown_with(made, drawn[view.name], files)
    wanted = {name: dict(view.extra.get("shown_when", {})) for name, view in views.items()}
    for name in dict.fromkeys(each for conditions in wanted.values() for each in conditions):
        ruled = {each: values[name] for each, values in wanted.items() if name in values}

        def show(value: Any, ruled: Mapping[str, Sequence[Any]] = ruled) -> Any:
            updates = [gr.update(visible=value in values) for values in ruled.values()]
            return updates if len(updates) > 1 else updates[0]

        change = getattr(drawn[name], "change")  # noqa: B009 - declared on each component
        change(show, drawn[name], [drawn[each] for each in ruled], **QUIET)


def _wire_shown_with(made: Form[Any], ruled: Component, names: Sequence[str]) -> None:
    """Show a field only while one of some files is given, or kept."""
    files = [made.components[name] for name in names]

    def show(base: str, *given: Any) -> Any:
        kept = made.request.model_validate_json(base) if base else None
        return gr.update(visible=any(given) or any(getattr(kept, name, None) for name in names))

    gr.on([getattr(each, "change") for each in files], show, [made.base, *files], ruled, **QUIET)  # noqa: B009 - declared on each component


def label(view: FieldView) -> str:
    """Return a field's name for people, its unit in brackets; a file's is what it is for."""
    if view.kind == "file" and view.help:
        return view.help
    return f"{view.title} ({UNITS.get(view.unit, view.unit)})" if view.unit else view.title


def signed(
    work: Callable[..., T], names: Sequence[str], *, progress: bool = False
) -> Callable[..., T]:
    """Name the parameters of a handler that takes any: the API shows them, Gradio gives the rest.

    Args:
        work: takes the named values, then the `gr.Request`, then the progress if it is asked for.
        names: of its inputs; each may be left out where the form has a default for it.
        progress: whether it tells how far it is.
    """
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = [Parameter(name, kind, default=None) for name in names]
    parameters.append(Parameter("request", kind, annotation=gr.Request, default=None))
    if progress:
        parameters.append(Parameter("progress", kind, default=gr.Progress()))
    setattr(work, "__signature__", Signature(parameters))  # noqa: B010 - not declared on functions
    work.__annotations__ = {"request": gr.Request}
    return work


def stored(store: Store, path: str) -> Artefact:
    """Take an uploaded file into the store.

    Raises:
        BadInput: if it is no upload: whoever calls the API may write any path.
    """
    real = uploaded(path)
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return store.take_in(real, kind, real.name)


def uploaded(path: str) -> Path:
    """Return where an uploaded file lies.

    Raises:
        BadInput: if it is no upload: whoever calls the API may write any path.
    """
    real = Path(path).resolve()
    if not real.is_relative_to(Path(get_upload_folder()).resolve()) or not real.is_file():
        raise BadInput(f"{real.name!r} was not uploaded", remedy="Choose the file again.")
    return real


def _upload(view: FieldView, named: Mapping[str, Any]) -> Component:
    types = [each for kind in view.extra.get("file", ()) for each in KINDS[kind]]
    count = "multiple" if view.many else "single"
    about = {name: value for name, value in named.items() if name != "info"}
    return uploads(
        gr.File(file_count=count, file_types=types or None, type="filepath", height=118, **about)
    )


def _choice(view: FieldView, choices: list[tuple[str, Any]], named: Mapping[str, Any]) -> Component:
    if view.many:
        return gr.CheckboxGroup(choices, value=list(view.default or ()), **named)
    if view.kind == "choice" and len(choices) <= RADIO_CHOICES:
        return gr.Radio(choices, value=view.default, **named)
    own, value = "language_of" in view.extra, view.default
    if view.kind == "character":
        own, value = True, ""
    return gr.Dropdown(choices, value=value, allow_custom_value=own, **named)


def _text(view: FieldView, schema: Mapping[str, Any], named: Mapping[str, Any]) -> Component:
    if "colour" in view.extra:
        return gr.ColorPicker(view.default, **named)
    lines = int(view.extra.get("lines", 1))
    most, kind = schema.get("maxLength"), "wide" if lines > 1 else None
    return gr.Textbox(view.default, lines=lines, max_length=most, elem_classes=kind, **named)


def _number(schema: Mapping[str, Any], default: Any, named: Mapping[str, Any]) -> Component:
    whole = schema.get("type") == "integer"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        step = 1 if whole else None
        return gr.Slider(low, high, default, step=step, **named)
    return gr.Number(default, precision=0 if whole else None, **named)


def _plain(view: FieldView, value: Any) -> Any:
    """Return what pydantic shall see of a component's value; an empty one is the field's default."""
    if view.many:
        lines: list[Any] = value.splitlines() if isinstance(value, str) else list(value or ())
        return tuple(each for each in lines if str(each).strip())
    if view.kind == "character":
        return value or None
    if value is None:
        return "" if view.kind == "text" else view.default
    if "language_of" in view.extra:
        return language_code(value) if value else ""
    return _hex(value) if "colour" in view.extra else value


def _hex(colour: str) -> str:
    """Return a colour as `#rrggbb`: pickers also write `rgb(…)` and `rgba(…)`."""
    parts = re.findall(r"[\d.]+", colour) if colour.startswith("rgb") else []
    if len(parts) < 3:
        return colour
    return "#" + "".join(f"{min(255, round(float(each))):02x}" for each in parts[:3])


def _choices(view: FieldView) -> list[tuple[str, Any]] | None:
    if view.kind == "character":
        return [("Nobody", "")]  # those of whoever looks come when the page is opened
    if "language_of" in view.extra:
        return [*language_choices(view.extra["language_of"])]
    if here := offers(view):
        return [*_unchosen(view), *here]
    labels = view.extra.get("labels", {})
    named = [(labels.get(each, str(each).capitalize()), each) for each in view.choices]
    return named or None


def _unchosen(view: FieldView) -> list[tuple[str, str]]:
    """Return what it is called when nothing is chosen, where that may be."""
    if "engine_of" in view.extra:
        return [("What the quality chooses", "")]
    if "voice" in view.extra:
        return [(str(view.extra["voice"]), "")]
    if "quality" in view.extra:
        return [(f"Automatic: {catalog.default_quality().capitalize()}", "")]
    return []
