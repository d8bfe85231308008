"""The size of things: what ruff has no rule for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("tabs", "workflows", "engines", "media", "studio")
FILES = [ROOT / "app.py", *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
FUNCTION_LINES, FILE_LINES, PARAMETERS = 60, 500, 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < FUNCTION_LINES, node.name
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [each.arg for each in given if each.arg not in {"self", "cls"}]
            assert len(names) <= PARAMETERS, node.name


def test_no_room_is_a_drawer():
    forbidden = {"utils", "helpers", "common", "misc"}
    assert not [path for path in FILES if path.stem in forbidden or path.parent.name in forbidden]
