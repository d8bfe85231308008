"""Four networks, one a stem, as in `adefossez/HTDemucs-ft`."""

from tests.tiny.demucs_bags import write_bag

ONE_EACH = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]]


def make(folder):
    write_bag(folder, "htdemucs_ft", ["f7e0c4bc", "d12395a8", "92cfc3b6", "04573f0d"], ONE_EACH)
