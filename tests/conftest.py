"""What every test stands on: few threads, no network, and no folder of the user's."""

import os
import signal

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

# A busy machine may be slow at any moment; that is no fault of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


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
