"""Where the shared test media are; tests that need them skip, and say so, where they are not."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("UNDERSTUDY_TEST_MEDIA", ROOT.parent / "shared" / "media"))


def shared(name: str) -> Path:
    """Return the path of a shared test file, or skip the test."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the shared test media are not here: {path}")
    return path
