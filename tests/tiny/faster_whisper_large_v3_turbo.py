"""The tiny converted Whisper with the newer 128 bands."""

from tests.tiny import faster_whisper_small

SETTINGS = faster_whisper_small.SETTINGS


def make(folder):
    """Write it."""
    faster_whisper_small.make(folder, mels=128)
