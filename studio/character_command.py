"""The command `characters`: list them, take one out as a file, bring one in, delete one."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from studio.character_files import export_character, import_character
from studio.console import printable
from studio.deliver import MB, make_folder
from studio.errors import BadInput
from studio.library import safe_name
from studio.studio import Studio

ABOUT = "List characters, export and import them as files, delete one with all that was made of it"


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command and what it may do to a parser's commands."""
    one = commands.add_parser("characters", parents=[common], help=ABOUT, description=ABOUT)
    acts = one.add_subparsers(dest="act", metavar="ACT", required=True)
    acts.add_parser("list", parents=[common], help="Name them")
    export = acts.add_parser("export", parents=[common], help="Write one into a file")
    export.add_argument("name", metavar="NAME")
    export.add_argument("--output", "-o", metavar="DIR", default="out", help="(default: out)")
    bring = acts.add_parser("import", parents=[common], help="Take one in")
    bring.add_argument("file", metavar="FILE")
    gone = "Delete one, and every film and file made of it"
    delete = acts.add_parser("delete", parents=[common], help=gone)
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("--yes", "-y", action="store_true", help="do it, not only tell what goes")


def work(studio: Studio, given: Mapping[str, Any], out: TextIO) -> None:
    """Do what was asked.

    Raises:
        BadInput: if there is no such character or file, or it is to be deleted without --yes.
    """
    act = given["act"]
    if act == "list":
        for each in studio.characters.of(""):
            kind = each.consent.kind if each.consent else ""
            out.write(f"{each.id:<24} {printable(each.name)}  ({kind})\n")
    elif act == "export":
        found = studio.characters.find(given["name"], "")
        folder = Path(given["output"])
        make_folder(folder)
        target = _free(folder, character_file(found.name))
        out.write(f"{export_character(found, studio.store, target)}\n")
    elif act == "import":
        path = Path(given["file"])
        if not path.is_file():
            raise BadInput(f"there is no file {str(path)!r}", remedy="Check the path.")
        most = studio.settings.max_upload_mb * MB
        read = import_character(path, studio.store, most)
        made = studio.characters.add_copy(read, "")
        out.write(f"{made.id} {printable(made.name)}\n")
    else:
        _delete(studio, given["name"], out, is_sure=given["yes"])


def character_file(name: str) -> str:
    """Return the name of a character's file: safe on every system."""
    return f"{safe_name(name, 'character')}.character.zip"


def _delete(studio: Studio, name: str, out: TextIO, *, is_sure: bool) -> None:
    found = studio.characters.own(name, "")
    traces = studio.traces(found.id)
    said = f"{found.name}: {traces.sentence}"
    if not is_sure:
        raise BadInput(said, remedy="To do it, give --yes.")
    studio.forget_character(found.id)
    out.write(f"{printable(said)}\n")


def _free(folder: Path, name: str) -> Path:
    """Return a path in `folder` at which nothing is overwritten."""
    stem, count, path = name.removesuffix(".character.zip"), 1, folder / name
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}.character.zip"
    return path
