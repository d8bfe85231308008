"""As in `KimberleyJSN/melbandroformer`."""

from tests.tiny.roformers import write

SETTINGS = {"config": "config.yaml"}


def make(folder):
    write(folder, "MelBandRoformer.ckpt", "mel")
