"""One network, as in `adefossez/HTDemucs`."""

from tests.tiny.demucs_bags import write_bag


def make(folder):
    write_bag(folder, "htdemucs", ["955717e8"])
