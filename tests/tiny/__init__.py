"""Tiny random weights in the official layout, one module an engine: `make(folder)` writes them.

The module's name is the engine's id with `_` for `-`. `SETTINGS`, if it has them, replace settings
of the preset (a dtype that the processor is quick in, fewer steps).
"""

import os
import tempfile
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from engines import catalog


def engine(id_):
    """Return the engine of that id: its own where it can run, else with tiny random weights."""
    entry = catalog.entry(id_)
    name = f"tests.tiny.{id_.replace('-', '_')}"
    if entry.weights is None or find_spec(name) is None:
        if lacking := entry.missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")
        return entry.build()
    return tiny(id_)


def is_tiny(id_):
    """Tell whether the engine's weights are random here: what it answers then means nothing."""
    return catalog.entry(id_).weights is not None


def tiny(id_):
    """Return the engine of that id with tiny random weights."""
    entry = catalog.entry(id_)
    module = import_module(f"tests.tiny.{id_.replace('-', '_')}")
    settings = {**entry.settings, **getattr(module, "SETTINGS", {})}
    return replace(entry, settings=settings).build(weights(id_))


@cache
def weights(id_):
    """Return a folder with the tiny weights of that engine, made once a process."""
    import torch

    place = Path(tempfile.mkdtemp(prefix=f"tiny-{id_}-", dir=os.environ.get("PYTEST_TMP")))
    torch.manual_seed(0)
    torch.set_num_threads(1)
    import_module(f"tests.tiny.{id_.replace('-', '_')}").make(place)
    return place
