"""What every test stands on: few threads, no network, and no folder of the user's."""

import os
import signal

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tiny models on many threads are a hundred times slower
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest


@pytest.fixture(autouse=True)
def _own_data(tmp_path, monkeypatch):
    """Keep what a test makes out of the user's data folder, and the user's settings out of the test."""
    for name in [each for each in os.environ if each.startswith("UNDERSTUDY_")]:
        if name not in {"UNDERSTUDY_TEST_MEDIA", "UNDERSTUDY_FFMPEG"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("UNDERSTUDY_DATA_DIR", str(tmp_path / "understudy"))
