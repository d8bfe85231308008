"""The command line of a workflow, made from its request: one flag a field."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from pydantic import ValidationError

from studio.artefacts import Artefact
from studio.errors import BadInput, first_said
from studio.fields import FieldView, fields_of
from studio.request import Request

Q = TypeVar("Q", bound=Request)
Offered = Callable[[FieldView], Sequence[str]]
"""Tells what there is here to choose from in a field: ids; none where it names nothing."""

FIELD = "field "  # begins the destinations of fields, so that none meets an option of ours
METAVARS = {
    "file": "FILE",
    "character": "NAME",
    "number": "N",
    "text": "TEXT",
    "data": "JSON",
    "language": "LANG",
}


def nothing_offered(_: FieldView) -> Sequence[str]:
    """Tell of nothing to choose from."""
    return ()


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours, and which never guesses from half a flag."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_abbrev = False

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            BadInput: always.
        """
        raise BadInput(message, remedy=f"See {self.prog} --help.")


def read_arguments(arguments: Sequence[str], parser: Parser) -> dict[str, Any]:
    """Return what was given; the command is in it.

    Raises:
        BadInput: if something is given that the command does not know.
    """
    given, unknown = parser.parse_known_args(join_values(arguments, parser))
    if unknown:
        asked = _commands(parser).get(getattr(given, "command", ""), parser)
        flags = {flag for each in _actions(asked) for flag in each.option_strings}
        near = get_close_matches(unknown[0].partition("=")[0], flags, 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise BadInput(
            f"{asked.prog} does not know {unknown[0]!r}", remedy=f"{meant}See {asked.prog} --help."
        )
    return vars(given)


def add_fields(
    parser: argparse.ArgumentParser, model: type[Request], offered: Offered = nothing_offered
) -> None:
    """Give `parser` a flag for every field of `model`, in the groups that its form has.

    Args:
        parser: of a command.
        model: whose fields are asked for.
        offered: what the help names to choose from.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}  # pyright: ignore[reportPrivateUsage]
    for each in fields_of(model):
        title = "by hand" if each.extra.get("hidden") else str(each.extra.get("group", "Content"))
        if title not in groups:
            groups[title] = parser.add_argument_group(title.lower())
        _add(groups[title], each, offered(each))


def read_fields(given: Mapping[str, Any], model: type[Q], store: Callable[[Path], Artefact]) -> Q:
    """Make the request of what was given on the command line.

    Args:
        given: The namespace of a parser that `add_fields` prepared.
        model: The request to make.
        store: Takes a file in.

    Raises:
        BadInput: if a value cannot be used; it names the flag.
    """
    views = {each.name: each for each in fields_of(model)}
    values = {
        name: _value(view, given[FIELD + name], store)
        for name, view in views.items()
        if FIELD + name in given
    }
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        where = ".".join(str(part) for part in first["loc"][1:])
        flag = views[name].flag if name in views else name
        seen = given.get(FIELD + name, "")
        raise BadInput(
            f"{flag} {seen!r}: {where + ': ' if where else ''}{first_said(error)}",
            remedy=_remedy(views.get(name)),
        ) from error


def join_values(arguments: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Write `--flag -value` as `--flag=-value`: a file's name may begin with a dash."""
    actions = _actions(parser)
    known = {flag for each in actions for flag in each.option_strings}
    taking = {flag for each in actions if each.nargs is None for flag in each.option_strings}
    joined: list[str] = []
    skip = False
    for here, following in pairwise([*arguments, ""]):
        if skip:
            skip = False
        elif here in taking and following.startswith("-") and following not in known:
            joined.append(f"{here}={following}")
            skip = True
        else:
            joined.append(here)
    return joined


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found = list(parser._actions)  # pyright: ignore[reportPrivateUsage]
    for each in _commands(parser).values():
        found += _actions(each)
    return found


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands of `parser`, by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for each in parser._actions:  # pyright: ignore[reportPrivateUsage]
        if isinstance(each, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            found.update(each.choices)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return found


def _add(
    group: "argparse._ArgumentGroup",  # pyright: ignore[reportPrivateUsage]
    view: FieldView,
    known: Sequence[str],
) -> None:
    options: dict[str, Any] = {
        "dest": FIELD + view.name,
        "default": argparse.SUPPRESS,
        "help": describe(view, known).replace("%", "%%"),
    }
    if view.kind == "switch" and not view.many:
        group.add_argument(view.flag, action=argparse.BooleanOptionalAction, **options)
        return
    if view.kind == "choice":
        options |= {"choices": [str(each) for each in view.choices]}
    else:
        kind = "language" if "language_of" in view.extra else view.kind
        options |= {"metavar": METAVARS.get(kind, "VALUE")}
    if view.many:
        options |= {"action": "append"}
    group.add_argument(view.flag, required=view.required, **options)


def describe(view: FieldView, known: Sequence[str]) -> str:
    """Return a field's help text with its unit, limits, default, and what there is to choose from."""
    about = [view.unit, view.limits]
    if view.many:
        about.append("may be given several times")
    if "language_of" in view.extra:
        about.append("its code, such as en")
    if known:
        about.append(f"one of {' '.join(known)}")
    if view.kind == "data":
        about.append("JSON, or the path of a JSON file")
    elif view.extra.get("text_file"):
        about.append("or the path of a text file")
    elif view.required:
        about.append("needed")
    elif shown := _default(view):
        about.append(f"default: {shown}")
    notes = ", ".join(filter(None, about))
    return (
        f"{view.help or view.name.replace('_', ' ').capitalize()}{f' ({notes})' if notes else ''}"
    )


def _default(view: FieldView) -> str:
    if view.kind == "switch":
        return "on" if view.default else "off"
    if isinstance(view.default, float) and view.default.is_integer():
        return str(int(view.default))
    if view.many:
        return " ".join(map(str, cast("tuple[Any, ...]", view.default or ())))
    return "" if view.default in (None, "") else str(view.default)


def _value(view: FieldView, given: Any, store: Callable[[Path], Artefact]) -> Any:
    if view.many:
        return tuple(_single(view, each, store) for each in given)
    return _single(view, given, store)


def _single(view: FieldView, given: Any, store: Callable[[Path], Artefact]) -> Any:
    if view.kind == "file":
        return store(Path(given))
    if view.kind == "choice":
        return next(each for each in view.choices if str(each) == given)
    if view.kind == "data":
        return _data(view.flag, given)
    if view.extra.get("text_file"):
        return _text(view.flag, given)
    return given


def _text(flag: str, given: str) -> str:
    """Return a text, written out or in a file."""
    try:
        if "\n" in given or not Path(given).is_file():
            return given
        return Path(given).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):  # a text that is too long to be a file's name
            return given
        raise BadInput(f"{flag}: {given!r} is not a text in UTF-8") from error


def _data(flag: str, given: str) -> Any:
    """Return what JSON says, written out or in a file."""
    try:
        written_out = given.lstrip()[:1] in {"{", "["}
        return json.loads(given if written_out else Path(given).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{flag}: {given!r} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadInput(f"{flag} is not JSON: {error}") from error


def _remedy(view: FieldView | None) -> str:
    if view is None or not view.limits:
        return ""
    return f"Give {view.limits}{f' {view.unit}' if view.unit else ''}."
