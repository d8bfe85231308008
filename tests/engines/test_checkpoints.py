"""Checkpoints that are pickles: converted once, whole, and never run."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file

from engines.checkpoints import to_safetensors
from studio.errors import BadInput, MissingWeights, StorageFailed


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    whole = torch.randn(4, 6)
    return {
        "embed.weight": whole,
        "head.weight": whole,  # tied
        "row.weight": whole[1],  # a view
        "turned.weight": whole.T,
        "half": torch.randn(3).bfloat16(),
        "count": torch.tensor(7),
    }


def same(path, tensors):
    found = load_file(path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


@pytest.mark.parametrize("ending", [".pth", ".ckpt", ".th", ".bin"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_is_converted_and_its_original_kept_out_of_the_way(
    tmp_path, tensors, ending, zipped
):
    path = tmp_path / f"model{ending}"
    torch.save(tensors, path, _use_new_zipfile_serialization=zipped)
    made = to_safetensors(path)
    assert made == tmp_path / "model.safetensors"
    same(made, tensors)
    assert not path.exists() and (tmp_path / "original" / path.name).is_file()
    before = made.stat().st_mtime_ns
    assert to_safetensors(path) == made and made.stat().st_mtime_ns == before  # once


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model", "state"])
def test_a_state_dict_inside_a_checkpoint_is_found(tmp_path, tensors, name):
    path = tmp_path / "last.ckpt"
    torch.save({name: tensors, "epoch": 3, "lr": 0.1}, path)
    same(to_safetensors(path), tensors)


def test_in_the_hub_s_cache_the_original_stays(tmp_path, tensors):
    blob, name = tmp_path / "blobs" / "abc", tmp_path / "snapshots" / "0" / "model.bin"
    for each in (blob, name):
        each.parent.mkdir(parents=True)
    torch.save(tensors, blob)
    name.symlink_to("../../blobs/abc")
    made = to_safetensors(name)
    assert made == name.parent / "safetensors" / "model.safetensors"
    same(made, tensors)
    assert name.is_symlink()
    assert sorted(each.name for each in name.parent.iterdir()) == ["model.bin", "safetensors"]
    torch.save({"a": torch.ones(2)}, blob)  # another file in its place
    same(to_safetensors(name), {"a": torch.ones(2)})


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    path = tmp_path / "evil.pth"
    torch.save({"weight": torch.ones(1), "x": Bomb()}, path)
    with pytest.raises(BadInput, match="wants to run code") as caught:
        to_safetensors(path)
    assert "safetensors" in caught.value.remedy and not (tmp_path / "exploded").exists()
    assert path.is_file() and not (tmp_path / "evil.safetensors").exists()
    with path.open("wb") as file:
        pickle.dump({"x": Bomb()}, file)
    with pytest.raises(BadInput):
        to_safetensors(path)
    assert not (tmp_path / "exploded").exists()


def test_what_an_engine_vouches_for_is_read(tmp_path):
    path = tmp_path / "model.th"
    torch.save({"state": {"w": torch.ones(2)}, "segment": Fraction(39, 5)}, path)
    with pytest.raises(BadInput):
        to_safetensors(path)
    same(to_safetensors(path, [Fraction]), {"w": torch.ones(2)})


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", b"PK\x03\x04" + b"\0" * 50])
def test_a_damaged_file_is_told(tmp_path, data):
    path = tmp_path / "model.pth"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"model\.pth"):
        to_safetensors(path)


def test_a_file_cut_short_is_told(tmp_path, tensors):
    path = tmp_path / "model.pth"
    torch.save(tensors, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput):
        to_safetensors(path)


def test_nothing_there_and_nothing_in_it_are_told(tmp_path):
    with pytest.raises(MissingWeights):
        to_safetensors(tmp_path / "none.pth")
    torch.save({"epoch": 1}, tmp_path / "empty.pth")
    with pytest.raises(BadInput, match="holds no tensors"):
        to_safetensors(tmp_path / "empty.pth")


def test_safetensors_stay_as_they_are(tmp_path):
    assert to_safetensors(tmp_path / "a.safetensors") == tmp_path / "a.safetensors"


def test_two_at_once_convert_once(tmp_path, tensors):
    path = tmp_path / "model.pth"
    torch.save(tensors, path)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(to_safetensors, [path] * 4))
    assert len(set(made)) == 1
    same(made[0], tensors)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path, tensors):
    path = tmp_path / "model.pth"
    torch.save(tensors, path)
    tmp_path.chmod(0o500)
    with pytest.raises(StorageFailed):
        to_safetensors(path)
