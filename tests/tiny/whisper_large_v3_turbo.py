"""The tiny Whisper again: the turbo model differs in its number of decoder layers only."""

from tests.tiny.whisper_large_v3 import SETTINGS, make  # noqa: F401
