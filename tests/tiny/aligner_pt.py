"""The tiny wav2vec 2.0 with the letters of Portuguese, small as in the official one."""

from tests.tiny import aligner_en


def make(folder):
    """Write it."""
    aligner_en.make(folder, "abcdefghijklmnopqrstuvwxyzáéíñóúüäößàèùçâêîôûœìòãõ'-")
