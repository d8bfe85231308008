"""One network of six stems, as in `adefossez/HTDemucs-6s`."""

from tests.tiny.demucs_bags import SOURCES, write_bag


def make(folder):
    write_bag(folder, "htdemucs_6s", ["5c90dfd2"], sources=[*SOURCES, "guitar", "piano"])
