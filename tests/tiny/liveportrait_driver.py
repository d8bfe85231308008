"""LivePortrait alone, small."""

from tests.tiny.liveportrait import NARROW
from tests.tiny.liveportrait import faces as make

__all__ = ["SETTINGS", "make"]
SETTINGS = {"narrow": NARROW, "fit_lips": True, "fit_lids": True}
