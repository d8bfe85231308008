"""A toy studio that never gives a crashing job up."""

from pathlib import Path

from studio.studio import Studio
from tests.studio.toy import make_studio


def make(folder: Path) -> Studio:
    return make_studio(folder, crash_limit=1000)
