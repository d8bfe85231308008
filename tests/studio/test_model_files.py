"""Files of trained models: known by their first bytes, and nothing of them is run."""

import pickle
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.errors import BadInput
from studio.model_files import check_look, check_voice
from tests.studio.models import INDEX, LORA, PTH, safetensors, zipped


class Bomb:
    """A pickle that would leave a file behind if it was loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    ("content", "kind"), [(PTH, "checkpoint"), (LORA, "safetensors"), (INDEX, "index")]
)
def test_the_files_of_a_voice_are_known(tmp_path, content, kind):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert check_voice(path, "x") == kind


@pytest.mark.parametrize("is_zip", [True, False])
def test_what_torch_saves_is_known(tmp_path, is_zip):
    torch = pytest.importorskip("torch")
    path = tmp_path / "voice.pth"
    weights = {"weight": {"enc_p.emb.weight": torch.zeros(2)}}
    torch.save(weights, path, _use_new_zipfile_serialization=is_zip)
    assert check_voice(path, path.name) == "checkpoint"


def test_what_the_library_of_the_format_saves_is_a_look(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "look.safetensors"
    save_file({"base.lora_A.weight": numpy.ones((2, 3), "f4")}, path, metadata={"a": "b"})
    assert check_look(path, path.name) == "safetensors"


def test_nothing_is_unpickled(tmp_path):
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Bomb(trace), protocol=2))
    with pytest.raises(BadInput, match=r"evil\.pth is no voice of RVC"):
        check_voice(path, path.name)
    assert not trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        LORA[:-1],
        LORA + b"x",
        struct.pack("<Q", 1 << 60) + LORA[8:],
        struct.pack("<Q", 10) + b"[" * 10,
        safetensors(),
        zipped("word/document.xml"),
        b"IwFl" + struct.pack("<iq", -1, 3),
        b"\x89PNG\r\n\x1a\n" + bytes(40),
    ],
)
def test_what_is_none_is_refused(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    for check in (check_voice, check_look):
        with pytest.raises(BadInput) as caught:
            check(path, "x")
        assert caught.value.remedy


def test_a_whole_model_is_no_lora(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors("unet.conv_in.weight"))
    with pytest.raises(BadInput, match="holds no LoRA"):
        check_look(path, path.name)
    path.write_bytes(PTH)
    with pytest.raises(BadInput, match="no safetensors file"):
        check_look(path, path.name)


@given(at=st.integers(0, 1000), new=st.binary(min_size=1, max_size=8))
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_damage_is_refused_or_harmless(tmp_path, at, new):
    at %= len(LORA)
    path = tmp_path / "x"
    path.write_bytes(LORA[:at] + new + LORA[at + len(new) :])
    try:
        check_look(path, "x")
    except BadInput:
        return
    assert path.stat().st_size == len(LORA)
