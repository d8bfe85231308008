"""Characters on the command line: the command of their own, and the flag of every workflow that takes one."""

import pytest

from studio.characters import Character
from studio.command import main
from studio.errors import BadInput
from studio.flags import Parser, add_fields, read_fields
from studio.request import Request
from tests.toy_command import HOUSE


class Asked(Request):
    """A request with a character."""

    character: Character | None = None


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNDERSTUDY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        code = main(["characters", *arguments], HOUSE)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_characters_are_listed_exported_imported_and_deleted(call, tmp_path):
    assert call("list")[:2] == (0, f"{'vera':<24} Vera  (nobody)\n")
    assert call("export", "vera", "-o", "here")[1] == "here/Vera.character.zip\n"
    assert call("export", "Vera", "-o", "here")[1] == "here/Vera-2.character.zip\n"
    code, out, _ = call("import", "here/Vera.character.zip")
    assert code == 0 and out.endswith(" Vera (2)\n")
    code, _, err = call("delete", "Vera (2)")
    assert code == 2 and "no job has used it" in err and "--yes" in err
    assert call("delete", "Vera (2)", "--yes")[0] == 0
    assert len(call("list")[1].splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "Nobody"], "there is no character 'Nobody'. There are: Vera."),
        (["delete", "Vera", "--yes"], "belongs to the studio"),
        (["import", "none.zip"], "there is no file 'none.zip'"),
        (["import", "bad.zip"], "no character's file"),
        ([], "required"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(call, tmp_path, arguments, says):
    (tmp_path / "bad.zip").write_bytes(b"PK")
    code, _, err = call(*arguments)
    assert code == 2 and says in err and "Traceback" not in err


def test_a_workflow_takes_a_character_by_name():
    parser = Parser(prog="x")
    add_fields(parser, Asked)
    assert "--character NAME" in parser.format_help()
    given = vars(parser.parse_args(["--character", "Vera"]))
    asked = read_fields(given, Asked, lambda path: pytest.fail("no file"))
    assert asked.character == Character(name="Vera") and asked.character.consent is None
    with pytest.raises(BadInput, match="--character ''"):
        read_fields(vars(parser.parse_args(["--character="])), Asked, lambda path: None)
