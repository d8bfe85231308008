"""The benchmark for a GPU, its code run on the processor at a tiny size."""

import sys

import pytest
import torch

from benchmarks import residency_gpu


def test_every_measure_is_taken_and_the_output_is_equal(tmp_path):
    torch.set_num_threads(1)
    rows = {each.what: each for each in residency_gpu.tiny(tmp_path)}
    assert len(rows) == 7
    assert rows["output equal to the plain network's"].met
    assert rows["weights over the budget"].value == 0
    assert all(rows[each].value > 0 for each in ("host to device", "switch, planned"))
    others = [each.met for each in rows.values() if not each.what.startswith("output")]
    assert others == [None] * 6  # the processor is not judged
    assert "| output equal" in residency_gpu.table(list(rows.values()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: it would measure it")
def test_without_a_gpu_it_says_so_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["residency_gpu"])
    residency_gpu.main()
    said = capsys.readouterr().out
    assert said == f"{residency_gpu.TOLD}\n" and said.count("\n") == 1
