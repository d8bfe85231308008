"""What the set-up fetches beside Python packages: checked, whole or not there, and told when it is not."""

import hashlib
import io
import logging
import re
import zipfile
from pathlib import Path

import pytest

from engines import catalog, own_files
from engines.own_files import Part, Wheel, fetch, fetch_behind, lacking
from engines.weights import own_file
from studio.errors import MissingWeights

ROOT = Path(__file__).parents[1]


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Make a folder of wheels the only index of pip."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def torch_file():
    import torch

    out = io.BytesIO()
    torch.save({"model_state": {"linear.weight": torch.arange(6.0).reshape(2, 3)}, "step": 1}, out)
    return out.getvalue()


def wheel(folder, name, contents, *, lie=b""):
    """Write a wheel of those files; with `lie` other ones than it is said to hold."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as box:
        for inside, content in contents.items():
            box.writestr(f"{name}/{inside}", content + lie)
        box.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n")
        box.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        box.writestr(f"{name}-1.0.dist-info/RECORD", "")
    parts = tuple(
        Part(
            f"{name}/{inside}",
            f"{name}/{inside.replace('.pt', '.safetensors')}",
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        for inside, content in contents.items()
    )
    return Wheel(f"{name}==1.0", f"there is no {name} then", parts)


def test_files_are_taken_out_of_a_wheel_once(index, tmp_path):
    from safetensors.numpy import load_file

    mine = wheel(index, "mine", {"plain.tflite": b"as it is", "net.pt": torch_file()})
    blocked = tmp_path / "a file"
    blocked.write_text("")
    places = [blocked / "share", tmp_path / "share"]  # nothing can be made below a file
    assert lacking(places, [mine]) == (mine,)
    assert list(fetch(places, [mine])) == []
    assert (tmp_path / "share" / "mine" / "plain.tflite").read_bytes() == b"as it is"
    tensors = load_file(tmp_path / "share" / "mine" / "net.safetensors")
    assert tensors["linear.weight"].tolist() == [[0, 1, 2], [3, 4, 5]] and len(tensors) == 1
    next(index.iterdir()).unlink()
    assert lacking(places, [mine]) == () and list(fetch(places, [mine])) == []


def test_what_cannot_be_had_is_told_and_the_rest_is_fetched(index, tmp_path):
    gone = wheel(index, "gone", {"x.bin": b"x"})
    next(index.iterdir()).unlink()
    false = wheel(index, "false", {"x.bin": b"x"}, lie=b"!")
    good = wheel(index, "good", {"x.bin": b"x"})
    told = list(fetch([tmp_path / "share"], [gone, false, good]))
    assert len(told) == 2 and "gone==1.0" in told[0] and "there is no gone then" in told[0]
    assert "false/x.bin is not the expected file" in told[1]
    assert [each.name for each in (tmp_path / "share").iterdir()] == ["good"]


def test_the_studio_fetches_behind_its_back_and_says_what_failed(index, tmp_path, caplog):
    whole = tmp_path / "whole"
    for each in (part for wheel in own_files.WHEELS for part in wheel.parts):
        (whole / each.name).parent.mkdir(parents=True, exist_ok=True)
        (whole / each.name).write_bytes(b"")
    assert fetch_behind([tmp_path / "none", whole]) is None
    with caplog.at_level(logging.WARNING):
        thread = fetch_behind([tmp_path / "share"])
        thread.join(60)
    assert not thread.is_alive()
    assert len(caplog.messages) == len(own_files.WHEELS)
    assert all("could not be had" in each for each in caplog.messages)


def test_a_file_is_found_among_the_data_too_or_told(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_DATA_DIR", str(tmp_path))
    with pytest.raises(MissingWeights, match="kind/name is not here"):
        own_file("kind/name")
    (tmp_path / "share" / "kind").mkdir(parents=True)
    (tmp_path / "share" / "kind" / "name").write_text("x")
    assert own_file("kind/name").read_text() == "x"


def test_every_file_that_a_preset_needs_is_fetched():
    wanted = {
        file.removeprefix(catalog.SHARE)
        for entry in catalog.entries().values()
        for file in entry.needs.files
        if file.startswith(catalog.SHARE)
    }
    assert wanted == {part.name for wheel in own_files.WHEELS for part in wheel.parts}


def test_the_image_holds_what_the_set_up_reads():
    (read,) = re.findall(r"for file in (.*); do", (ROOT / "setup.sh").read_text())
    copied = re.findall(r"^COPY (.*) \S+/$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(read.split()) <= {name for line in copied for name in line.split()}
