"""What every test stands on: few threads, no network, and no folder of the user's; and what is made once."""

import contextlib
import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tiny models on many threads are a hundred times slower; nothing may go out to the network.
for name, value in {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
}.items():
    os.environ.setdefault(name, value)

# A script's background jobs ignore Ctrl-C, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine may be slow at any moment; that is no fault of the code. And the same examples every
# time: what fails, fails for who changed something. UNDERSTUDY_TEST_EXPLORE=1 looks at new ones.
settings.register_profile(
    "busy",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="UNDERSTUDY_TEST_EXPLORE" not in os.environ,
)
settings.load_profile("busy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Begin with the files that take long, so that what ends a run is short.

    Each file is one process's. Those with a server and a browser come first; what waits for what
    `heard_sample` gives comes last.
    """

    def asking_for(*names):
        return {each.path for each in items if {*names} & {*getattr(each, "fixturenames", ())}}

    live, heard = asking_for("site", "guarded_site"), asking_for("heard_sample")
    long = {
        each.path for each in items if {"slow", "browser"} & {m.name for m in each.iter_markers()}
    }
    items.sort(key=lambda each: (each.path not in live, each.path not in long, each.path in heard))


@pytest.fixture(scope="session")
def heard_sample(tmp_path_factory):
    """Return what lets a data folder remember how the sample was heard, with the embedded engines.

    It is heard once in a whole run, whatever the number of processes: for the tests of what comes
    after that, or of other engines.
    """
    from studio.errors import MissingWeights
    from tests.dub.studio import SAMPLE, ask, make, run

    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "heard-sample"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            studio = make(place)
            with contextlib.suppress(
                MissingWeights
            ):  # who needs an engine that is not here tells it
                run(studio, ask(studio, video=SAMPLE, review=True))
            (place / "done").touch()

    def fill(folder):
        for each in filter(Path.exists, (place / "cas", place / "memory")):
            shutil.copytree(each, folder / each.name)
        return folder

    return fill


@pytest.fixture(autouse=True)
def _own_data(tmp_path, monkeypatch, request):
    """Keep what a test makes out of the user's data folder, and the user's settings out of the test."""
    if request.node.get_closest_marker("weights") is None:  # what the user fetched decides nothing
        monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
        monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for each in [each for each in os.environ if each.startswith("UNDERSTUDY_")]:
        if each not in {"UNDERSTUDY_TEST_MEDIA", "UNDERSTUDY_FFMPEG"}:
            monkeypatch.delenv(each)
    monkeypatch.setenv("UNDERSTUDY_DATA_DIR", str(tmp_path / "understudy"))
