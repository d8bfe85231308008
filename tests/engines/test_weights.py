"""Weights against a hub of the tests' own: whole, broken off, wrong, gated, slow, too large, twice at once."""

import hashlib
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engines import catalog
from engines import hub as fetching
from engines.weights import UNKNOWN, WeightFile, Weights, cache_dir, folder, held, repo_dir
from studio.errors import Cancelled, LicenceRefused, MissingWeights, StorageFailed
from tests import hub as hubs

ROOT = Path(__file__).parents[2]
REPO = "org/voice"
BIG = random.Random(0).randbytes(400_000)
CONFIG = b'{"a": 1}\n'


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with hubs.running() as running:
        running.repos[REPO] = {"model.safetensors": BIG, "config.json": CONFIG}
        running.small = {"config.json"}
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # read at import
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(fetching, "SPARE_BYTES", 1_000_000)
        yield running


def known(**changes):
    files = (
        WeightFile(
            path="model.safetensors", bytes=len(BIG), sha256=hashlib.sha256(BIG).hexdigest()
        ),
        WeightFile(path="config.json", bytes=len(CONFIG)),
    )
    return Weights(**{"repo": REPO, "revision": hubs.COMMIT, "files": files, **changes})


def fetch(weights, check=lambda: None):
    told = []
    place = fetching.download(weights, lambda done, total: told.append((done, total)), check)
    return place, told


def blobs(weights):
    return sorted(path.name for path in repo_dir(weights).glob("blobs/*"))


def test_what_is_fetched_lies_as_the_hub_s_own_library_puts_it(hub):
    from huggingface_hub import scan_cache_dir, try_to_load_from_cache

    weights = known()
    assert held(weights).state == "missing" and held(weights).to_fetch_bytes == len(BIG + CONFIG)
    place, told = fetch(weights)
    assert place == folder(weights) and held(weights).state == "present"
    assert (place / "model.safetensors").read_bytes() == BIG
    assert (place / "model.safetensors").is_symlink()
    assert told[-1] == (len(BIG + CONFIG), len(BIG + CONFIG))
    found = try_to_load_from_cache(REPO, "config.json", cache_dir(), hubs.COMMIT)
    assert Path(found).read_bytes() == CONFIG
    report = scan_cache_dir(cache_dir())
    assert [each.repo_id for each in report.repos] == [REPO] and not report.warnings


def test_what_is_here_is_not_fetched_again(hub):
    fetch(known())
    hub.log.clear()
    fetch(known())
    assert not hub.log


def test_an_unknown_revision_is_written_down_when_it_is_taken(hub):
    weights = Weights(repo=REPO, files=(WeightFile(path="config.json"),))
    assert held(weights).bytes == 0
    place, _ = fetch(weights)
    assert place.name == hubs.COMMIT and weights.revision == UNKNOWN
    assert (repo_dir(weights) / "refs" / "main").read_text() == hubs.COMMIT
    hub.commit = "f" * 40  # a newer one: what is here stays
    assert fetch(weights)[0] == place and fetching.size_bytes(weights) == len(CONFIG)


def test_what_was_made_with_another_commit_is_not_taken_for_this_one_s(hub):
    weights = known(revision="unknown")
    engine = replace(catalog.entry("opus-mt-en-es"), weights=weights)
    fetch(weights)
    before = engine.identity()
    assert before == engine.identity()
    (repo_dir(weights) / "refs" / "main").write_text("f" * 40)  # it was fetched again, later
    assert engine.identity() != before


def test_without_a_list_of_files_all_are_taken(hub):
    weights = Weights(repo=REPO)
    assert held(weights).state == "missing"
    place, _ = fetch(weights)
    assert sorted(path.name for path in place.iterdir()) == ["config.json", "model.safetensors"]
    assert held(weights).bytes == len(BIG + CONFIG)


def test_what_lies_beside_is_counted_and_fetched_too(hub):
    hub.repos["org/ears"] = {"ears.bin": b"12345"}
    ears = Weights(
        repo="org/ears", revision=hubs.COMMIT, files=(WeightFile(path="ears.bin", bytes=5),)
    )
    both = known(beside={"ears": ears})
    assert held(both).bytes == len(BIG + CONFIG) + 5 == fetching.size_bytes(both)
    fetch(ears)
    assert held(both).state == "partial" and held(both).to_fetch_bytes == len(BIG + CONFIG)
    (folder(ears) / "ears.bin").unlink()
    place, told = fetch(both)
    assert place == folder(known()) and held(both).state == "present"
    assert (folder(ears) / "ears.bin").read_bytes() == b"12345"
    assert told == sorted(told) and told[-1] == (held(both).bytes, held(both).bytes)


def test_a_connection_that_breaks_off_is_gone_on_from(hub):
    hub.cuts = 2
    fetch(known())
    asked = [each[2] for each in hub.gets("model")]
    assert len(asked) == 3 and asked[0] == ""
    starts = [int(each.removeprefix("bytes=").removesuffix("-")) for each in asked[1:]]
    assert 50_000 < starts[0] < starts[1] < len(BIG)
    assert hub.sent < len(BIG + CONFIG) + 2 * 120_000


def test_a_hub_that_breaks_off_always_is_given_up_and_gone_on_from_later(hub, monkeypatch):
    monkeypatch.setattr(fetching, "TRIES", 1)
    hub.cuts, hub.cut_at = 99, 0
    with pytest.raises(MissingWeights, match="cannot be fetched") as caught:
        fetch(known())
    assert "HF_ENDPOINT" in caught.value.remedy
    hub.cuts = 0
    fetch(known())
    assert held(known()).state == "present"


def test_a_hub_without_ranges_sends_all_of_it_again(hub):
    hub.cuts, hub.ranges = 1, False
    assert (fetch(known())[0] / "model.safetensors").read_bytes() == BIG


def test_a_whole_file_of_unknown_size_that_was_not_named_yet_is_fetched_anew(hub):
    """A crash between the last byte and the renaming leaves it so."""
    hub.sizes = False
    weights = known(files=(WeightFile(path="config.json"),))
    git_id = hashlib.sha1(b"blob %d\0" % len(CONFIG) + CONFIG, usedforsecurity=False).hexdigest()
    partial = repo_dir(weights) / "blobs" / f"{git_id}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONFIG)
    fetch(weights)
    assert (folder(weights) / "config.json").read_bytes() == CONFIG


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_ends_without_a_word_is_not_waited_for(hub, monkeypatch):
    def broken(_answer):
        raise LookupError("what the hub's library never raised before")

    monkeypatch.setattr(fetching, "TRIES", 1)
    monkeypatch.setattr("huggingface_hub.utils.hf_raise_for_status", broken)
    monkeypatch.setattr("huggingface_hub.hf_api.hf_raise_for_status", lambda _answer: None)
    began_s = time.monotonic()

    def check():
        assert time.monotonic() - began_s < 60

    with pytest.raises(MissingWeights, match="the connection was lost"):
        fetch(known(), check)


def test_a_stopped_download_goes_on_where_it_was(hub):
    hub.stall_at, told = 200_000, []

    def check():
        if told and told[-1] > 100_000:
            raise Cancelled("stopped by the user")

    with pytest.raises(Cancelled):
        fetching.download(known(), lambda done, total: told.append(done), check)
    assert len(told) > 1 and told == sorted(told)  # progress was told meanwhile
    assert held(known()).state == "partial" and 0 < held(known()).here_bytes < len(BIG)
    hub.stall_at = None
    fetch(known())
    assert hub.gets("model")[-1][2].startswith("bytes=")
    assert held(known()).state == "present"


def test_a_stalled_connection_can_be_stopped(hub):
    hub.stall_at, began_s = 0, time.monotonic()

    def check():
        if hub.gets("model") and time.monotonic() - began_s > 0.5:
            raise Cancelled("stopped by the user")

    with pytest.raises(Cancelled):
        fetch(known(), check)
    assert time.monotonic() - began_s < fetching.ANSWER_S  # long before the hub is given up


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_wrong_bytes_are_refused_and_deleted(hub, path):
    hub.corrupt = {path}
    with pytest.raises(MissingWeights, match=rf"{path} .*wrong bytes"):
        fetch(known())
    assert not [each for each in blobs(known()) if each.endswith(".incomplete")]
    assert held(known()).state != "present" and not folder(known()).exists()
    hub.corrupt.clear()
    fetch(known())
    assert held(known()).state == "present"


def test_wrong_bytes_in_what_was_kept_are_found(hub):
    name = hashlib.sha256(BIG).hexdigest()
    (repo_dir(known()) / "blobs").mkdir(parents=True)
    (repo_dir(known()) / "blobs" / f"{name}.incomplete").write_bytes(b"x" * 1000)
    with pytest.raises(MissingWeights, match="wrong bytes"):
        fetch(known())
    fetch(known())
    assert held(known()).state == "present"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (WeightFile(path="model.safetensors", bytes=3), "400000 bytes instead of 3"),
        (WeightFile(path="model.safetensors", sha256="0" * 64), "by its checksum"),
        (WeightFile(path="gone.bin"), r"has no file 'gone\.bin'"),
    ],
)
def test_other_files_than_the_preset_s_are_not_fetched(hub, file, words):
    with pytest.raises(MissingWeights, match=words):
        fetch(known(files=(file,)))
    assert not hub.gets()


def test_names_that_lead_outside_are_refused(hub):
    hub.repos[REPO]["../../../evil"] = b"x"
    with pytest.raises(MissingWeights, match="outside its folder"):
        fetch(Weights(repo=REPO))


def test_a_file_that_was_cut_short_is_seen_and_mended(hub):
    place, _ = fetch(known())
    blob = (place / "model.safetensors").resolve()
    blob.write_bytes(BIG[:100])
    assert held(known()).lacking == ("model.safetensors",)
    fetch(known())
    assert held(known()).state == "present" and blob.read_bytes() == BIG


@pytest.mark.parametrize("token", ["", "hf_wrong"])
def test_gated_weights_are_explained(hub, monkeypatch, token):
    hub.gated = {REPO}
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(LicenceRefused, match="is gated") as caught:
        fetch(known(gated=True))
    assert f"{hub.url}/{REPO}" in caught.value.remedy and "HF_TOKEN" in caught.value.remedy


def test_a_token_opens_them(hub, monkeypatch):
    hub.gated = {REPO}
    monkeypatch.setenv("HF_TOKEN", hub.token)
    fetch(known(gated=True))
    assert held(known()).state == "present"


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (Weights(repo="org/nobody"), "no repository org/nobody"),
        (Weights(repo=REPO, revision="e" * 40), "no revision eeee"),
    ],
)
def test_what_the_hub_does_not_have_is_told(hub, weights, words):
    with pytest.raises(MissingWeights, match=words):
        fetch(weights)


def test_a_hub_that_is_not_there_is_told(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingWeights, match=r"cannot be fetched from http://127\.0\.0\.1:9"):
        fetch(known())
    assert not hub.log  # the address is read when it is needed, not when a library was imported


@pytest.mark.parametrize("name", ["UNDERSTUDY_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked(hub, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(MissingWeights, match="stay offline"):
        fetch(known())
    assert not hub.log
    monkeypatch.delenv(name)
    fetch(known())
    hub.log.clear()
    monkeypatch.setenv(name, "1")
    assert fetch(known())[0] == folder(known()) and not hub.log


def test_too_large_for_the_disk_is_told_before_anything_is_fetched(hub, monkeypatch):
    monkeypatch.setattr(fetching, "SPARE_BYTES", 1 << 60)
    with pytest.raises(StorageFailed, match="GB are free") as caught:
        fetch(known())
    assert "HF_HOME" in caught.value.remedy and not hub.gets()


FETCH = """
import sys
from engines.hub import download
from engines.weights import WeightFile, Weights
from studio.errors import StudioError
import engines.hub
engines.hub.SPARE_BYTES = 0
if sys.argv[2:]:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    print(download(Weights(repo=sys.argv[1]), lambda done, total: None, lambda: None))
except StudioError as error:
    sys.exit(f"{type(error).__name__}: {error.sentence}")
"""


def start(*arguments):
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "UNDERSTUDY_OFFLINE": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_disk_that_fills_up_is_told(hub):
    process = start(REPO, 200_000)  # a limit on files stands for the end of the disk
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("StorageFailed:") and "filled up" in err, err
    assert not list(repo_dir(known()).glob("snapshots/*"))
    fetch(known())
    assert held(known()).state == "present"


def test_two_processes_fetch_it_once(hub):
    hub.stall_at = 0
    pair = [start(REPO), start(REPO)]
    while not hub.gets("model"):
        time.sleep(0.05)
        assert all(process.poll() is None for process in pair)
    time.sleep(0.5)  # the other one may come too
    hub.stall_at = None
    ends = [process.communicate(timeout=60) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], ends
    assert ends[0][0] == ends[1][0] and len(hub.gets("model")) == 1


def test_a_process_that_was_killed_is_gone_on_from(hub):
    hub.stall_at = 100_000
    process = start(REPO)
    while not held(known()).here_bytes:
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.communicate()
    hub.stall_at = None
    fetch(known())
    assert hub.gets("model")[-1][2].startswith("bytes=") and held(known()).state == "present"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"HF_HUB_CACHE": "/x/hub"}, "/x/hub"),
        ({"HF_HOME": "/x"}, "/x/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/y", "HF_HOME": "/x"}, "/y"),
        ({}, "/home/me/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hub_s_library_has_it(monkeypatch, settings, where):
    names = ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HUGGINGFACE_HUB_CACHE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert str(cache_dir()) == where
