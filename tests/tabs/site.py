"""Serves the real studio with one more workflow and tab, for tests: `python -m tests.tabs.site DATA PORT`."""

import sys
from pathlib import Path
from typing import Any

import app
import tabs
from engines import catalog
from engines.residency.here import manager_here
from studio.settings import Settings
from studio.studio import Studio
from tests.tabs.quieter import WORKFLOW

EXTRA = Path(__file__).parent / "extra"


def make_studio(folder: Path, **settings: Any) -> Studio:
    chosen = Settings(data_dir=folder, _env_file=None, **settings)
    return Studio(
        chosen,
        {**app.known(), "quieter": WORKFLOW},
        manager_here(chosen),
        catalog.engines_for,
    )


def main() -> None:
    tabs.__path__.append(str(EXTRA))
    from tabs import shell

    shell.serve(make_studio(Path(sys.argv[1]), port=int(sys.argv[2])))


if __name__ == "__main__":
    main()
