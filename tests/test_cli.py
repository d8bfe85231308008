"""The command line: flags from a request, exit codes, results, stopping and going on."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, field_validator

from app import known
from studio.artefacts import Artefact
from studio.command import make_parser
from studio.errors import BadInput, BadPreset
from studio.fields import fields_of
from studio.flags import FIELD, Parser, add_fields, read_arguments, read_fields
from studio.request import Record, Request
from tests.forked import run_script

ROOT = Path(__file__).parents[1]
TOY = "tests.toy_command"
ANY = "0.0.0.0"  # noqa: S104 - the address that is refused without a login


class Inner(Record):
    """Nested."""

    number: int = 0


class Sample(Request):
    """A request with a field of every kind."""

    film: Artefact
    """The film, in 100 % of its length"""
    pictures: tuple[Artefact, ...] = ()
    gap_ms: int = Field(50, ge=0, le=500)
    """Silence between lines"""
    shape: Literal["wide", "tall", 3] = "wide"
    keep: bool = True
    inner: Inner = Inner()
    note: str | None = None

    @field_validator("note")
    @classmethod
    def _in_words(cls, note):
        if note == "!":
            raise ValueError("it says nothing")
        return note


def read(*arguments):
    parser = Parser(prog="x")
    add_fields(parser, Sample)
    given = read_arguments(arguments, parser)
    return read_fields(given, Sample, lambda path: Artefact("0" * 64, "x/y", 1, str(path)))


def test_flags_become_fields():
    request = read(
        *("--film", "-a b.mp4", "--pictures=1.png", "--pictures", "2.png", "--gap-ms", "7"),
        *("--shape", "3", "--no-keep", "--inner", '{"number": 4}', "--note", "é\n'\""),
    )
    assert request.film.name == "-a b.mp4"
    assert [each.name for each in request.pictures] == ["1.png", "2.png"]
    assert (request.gap_ms, request.shape, request.keep) == (7, 3, False)
    assert (request.inner.number, request.note) == (4, "é\n'\"")


def test_what_is_not_given_keeps_its_default():
    request = read("--film", "a")
    assert request.model_fields_set == {"film"}
    assert request == Sample(film=request.film)


def test_data_may_be_in_a_file(tmp_path):
    (tmp_path / "inner.json").write_text('{"number": 9}')
    assert read("--film", "a", "--inner", str(tmp_path / "inner.json")).inner.number == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--film"),
        (["--film", "a", "--gap-ms", "501"], "--gap-ms '501'.*Give 0 to 500 milliseconds"),
        (["--film", "a", "--gap-ms", "many"], "--gap-ms 'many'"),
        (["--film", "a", "--shape", "round"], "round"),
        (["--film", "a", "--note", "!"], "--note '!': it says nothing"),
        (["--film", "a", "--inner", "{oh"], "--inner is not JSON"),
        (["--film", "a", "--inner", '{"numbre": 1}'], "--inner .*numbre"),
        (["--film", "a", "--inner", "no.json"], "cannot be read"),
        (["--film", "a", "--gap", "3"], "x does not know '--gap'. Did you mean --gap-ms?"),
        (["--film"], "expected one argument"),
    ],
)
def test_bad_flags_are_told_in_a_sentence(arguments, words):
    with pytest.raises(BadInput) as caught:
        read(*arguments)
    assert re.search(words, caught.value.sentence)


def test_help_is_made_from_the_request():
    parser = Parser(prog="x")
    add_fields(parser, Sample)
    text = " ".join(parser.format_help().split())
    assert "The film, in 100 % of its length (needed)" in text
    assert "Silence between lines (milliseconds, 0 to 500, default: 50)" in text
    assert "--keep, --no-keep" in text and "{wide,tall,3}" in text


def test_every_field_has_one_flag():
    names = [each.name for each in fields_of(Sample)]
    assert sorted(names) == sorted(Sample.model_fields)
    assert names[0] == "film"
    parser = Parser(prog="x")
    add_fields(parser, Sample)
    assert {each.dest for each in parser._actions} == {"help", *(FIELD + name for name in names)}


def test_every_workflow_of_the_house_has_a_command_whose_help_names_what_is_here(
    capsys, monkeypatch
):
    import workflows
    from engines.offers import offered, offers
    from studio.workflow import discover

    known = {name: each for name, each in discover(workflows).items() if each.shown}
    parser = make_parser(known, offered)
    monkeypatch.setenv("COLUMNS", "9999")  # nothing is broken at a hyphen
    for name, workflow in known.items():
        with pytest.raises(SystemExit) as stop:
            parser.parse_args([name, "--help"])
        assert stop.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        named = [each for each in fields_of(workflow.request) if offers(each)]
        assert {"quality"} < {each.name for each in named}
        for each in named:
            assert f"one of {' '.join(offered(each))}" in told


# -- as a process ----------------------------------------------------------------------------------


def start(folder, *arguments):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", TOY, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(folder, *arguments, env=None):
    given = {**os.environ, **(env or {})}
    done = run_script(TOY, [*map(str, arguments)], cwd=folder, env=given, timeout_s=120)
    return done.returncode, done.stdout, done.stderr


def answer(out):
    return json.loads(out.splitlines()[-1])


def test_a_job_ends_in_files_and_one_json_object(tmp_path):
    code, out, err = call(tmp_path, "toy", "--words", "one", "--pause-s", "1", "--output", "here")
    said = answer(out)
    assert code == 0 and len(out.splitlines()) == 1
    assert said["state"] == "done" and said["report"]["letters"] == 3
    assert (tmp_path / said["artefacts"]["book"]).read_bytes() == b"one" * 1000
    assert next(each["step"] for each in said["account"]["steps"]) == "Look at the words"
    assert "Traceback" not in err and "3/5 Say each word" in err


def test_results_go_to_a_folder_of_their_own_by_default(tmp_path):
    _, out, _ = call(tmp_path, "toy")
    said = answer(out)
    assert said["artefacts"] == {"book": f"out/{said['job']}/book.txt"}


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "book.txt").write_text("my own book")
    for _ in range(2):
        said = answer(call(tmp_path, "toy", "--output", "out")[1])
        assert said["artefacts"] == {"book": "out/book-2.txt"}
    assert (tmp_path / "out" / "book.txt").read_text() == "my own book"


@pytest.mark.parametrize(
    "name", ["-x.txt", "a 'b\" c.txt", "two\nlines.txt", "é 日本 \u202e.txt", "$(id).txt"]
)
def test_any_file_name_will_do(tmp_path, name):
    (tmp_path / name).write_text("x")
    code, out, err = call(tmp_path, "toy", f"--source={name}", "--words", "a")
    assert code == 0, err
    assert answer(out)["state"] == "done"
    assert "\u202e" not in err and "two\nlines" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["toy", "--source", "none.mp4"], "there is no file 'none.mp4'"),
        (["toy", "--source", "."], "is a folder"),
        (["toy", "--source", "/dev/zero"], "not an ordinary file"),
        (["toy", "--source", "x" * 5000], "cannot be read"),
        (["toy", "--nap-s", "-1"], "--nap-s '-1'"),
        (["toy", "--output", "/dev/null/x"], "cannot be made"),
        (["toy", "--fail", "look"], "the words are not good. Take others."),
        (["resume", "toy-0"], "there is no job 'toy-0'"),
        (["fly"], "invalid choice"),
        (["jobs", "--data-dir"], "expected one argument"),
        (["--port", "seven"], "UNDERSTUDY_PORT"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(tmp_path, arguments, words):
    code, _, err = call(tmp_path, *arguments)
    assert code == 2
    assert words in err.splitlines()[-1] and "Traceback" not in err


def test_a_style_that_is_not_there_is_told_before_the_work():
    film = Artefact("0" * 64, "video/mp4", 1, "a.mp4")
    dub = known()["dub"]
    with pytest.raises(BadPreset, match="no caption style 'loud'"):
        dub.check(dub.request(video=film, burn_captions="translated", caption_style="loud"))
    dub.check(dub.request(video=film, caption_style="loud"))  # nothing is drawn


def test_a_defect_ends_with_1_and_an_error_id(tmp_path):
    code, out, err = call(tmp_path, "toy", "--fail", "bug")
    assert code == 1 and answer(out)["state"] == "failed"
    assert "Traceback" not in err and "(error " in err


def test_a_folder_that_cannot_be_written_ends_with_1(tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = call(tmp_path, "jobs", "--data-dir", tmp_path / "file" / "data")
    assert code == 1 and "Traceback" not in err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_jobs_can_be_resumed(tmp_path, how):
    held = tmp_path / "held"  # a word that is being said until the file is gone
    held.touch()
    process = start(tmp_path, "toy", "--words", "a", "--words", held)
    for line in process.stderr:
        if "Say each word" in line:
            break
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    job = answer(out)["job"]
    assert f"resume {job}" in err and answer(out)["state"] == "cancelled"
    held.unlink()
    code, out, _ = call(tmp_path, "resume", job, "--output", "again")
    assert code == 0 and answer(out)["job"] == job
    assert (tmp_path / "again" / "book.txt").is_file()
    code, out, _ = call(tmp_path, "resume", job, "--output", "again")
    assert code == 0 and answer(out)["artefacts"] == {"book": "again/book.txt"}


def test_a_job_waits_for_an_answer(tmp_path):
    code, out, err = call(tmp_path, "toy", "--review", "--output", "out")
    said = answer(out)
    assert code == 1 and said["state"] == "waiting" and "--answer" in err
    asked = tmp_path / said["artefacts"]["words"]
    assert json.loads(asked.read_text()) == {"words": ["one", "two"]}
    code, _, err = call(tmp_path, "resume", said["job"])
    assert code == 2 and "waits for you" in err
    asked.write_text('{"words": ["six"]}')
    code, out, _ = call(tmp_path, "resume", said["job"], "--answer", asked, "--output", "out")
    assert code == 0
    assert (tmp_path / answer(out)["artefacts"]["book"]).read_bytes() == b"six" * 1000


def test_jobs_are_listed_and_cancelled(tmp_path):
    assert "no jobs yet" in call(tmp_path, "jobs")[2]
    call(tmp_path, "toy", "--fail", "look")
    code, out, _ = call(tmp_path, "jobs")
    assert code == 0 and "failed" in out and "the words are not good" in out
    job = out.split()[0]
    assert call(tmp_path, "cancel", job)[1] == f"{job} failed\n"


def test_the_doctor_tells_and_its_exit_code_too(tmp_path):
    code, out, _ = call(tmp_path, "doctor")
    assert code == 1 and "BROKEN  glue: none left\n          -> buy some\n" in out


@pytest.mark.parametrize(
    ("env", "arguments", "where"),
    [
        ({"UNDERSTUDY_PORT": "0"}, [], "127.0.0.1:0"),
        ({"SPACE_ID": "me/it", "UNDERSTUDY_HOST": ANY, "UNDERSTUDY_PORT": "0"}, [], f"{ANY}:0"),
        ({"UNDERSTUDY_AUTH": "a:b", "UNDERSTUDY_HOST": ANY}, ["--port", "0"], f"{ANY}:0"),
        ({"GRADIO_SERVER_NAME": "localhost", "GRADIO_SERVER_PORT": "7004"}, [], "localhost:7004"),
        ({"GRADIO_SERVER_PORT": "7004", "UNDERSTUDY_PORT": "7001"}, ["serve"], "127.0.0.1:7001"),
        ({"UNDERSTUDY_PORT": "7001"}, ["serve", "--port", "7002"], "127.0.0.1:7002"),
    ],
)
def test_without_a_command_it_serves(tmp_path, env, arguments, where):
    assert call(tmp_path, *arguments, env=env)[:2] == (0, f"{where}\n")


def test_strangers_are_not_served_without_a_login(tmp_path):
    code, out, err = call(tmp_path, "--host", ANY, "--port", "0")
    assert (code, out) == (2, "") and "UNDERSTUDY_AUTH" in err


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = call(tmp_path, "--port", port)
    assert code == 2 and f"127.0.0.1:{port}: Address already in use" in err
