"""Patches change the bytes that they must, on films of all kinds, and no others."""

from itertools import islice

import numpy as np
import pytest

from media.probe import probe
from media.repicture import (
    Rect,
    patched,
    read_frames,
    read_patch,
    with_patch,
    write_frames,
    write_patch,
)
from tests.media import shared

RECT = Rect(20, 40, 66, 46)


@pytest.mark.parametrize(
    "name",
    ["video_no_audio.mp4", "rotated_90.mp4", "odd_dimensions_444.mp4", "hevc_10bit.mp4"],
)
def test_a_patch_changes_its_part_and_not_a_byte_more(name, tmp_path):
    info = probe(shared(f"odd/{name}"))
    frames = list(islice(read_frames(info), 3))
    assert {each.picture.format.name for each in frames} == {"yuv420p"}
    old = [each.pixels() for each in frames]
    new = [each.copy() for each in old]
    for each in new:
        each[50:70, 30:50] = (200, 40, 90)
    wanted = zip(frames, old, new, strict=True)
    assert write_patch((patched(*each, RECT) for each in wanted), tmp_path / "p.mp4") == 3
    for frame, aim, patch in zip(frames, new, read_patch(tmp_path / "p.mp4"), strict=True):
        before = frame.picture.to_ndarray()
        after = with_patch(frame, patch, RECT)
        assert np.abs(after.pixels()[54:66, 34:46].astype(int) - aim[54:66, 34:46]).max() < 60
        changed = after.picture.to_ndarray()
        for part in RECT.of(changed, frame.picture.height):
            part[:] = 0
        for part in RECT.of(before, frame.picture.height):
            part[:] = 0
        assert np.array_equal(before, changed)


def test_what_did_not_change_stays_byte_for_byte(tmp_path):
    info = probe(shared("odd/video_no_audio.mp4"))
    frame = next(read_frames(info))
    same = frame.pixels()
    write_patch([patched(frame, same, same.copy(), RECT)], tmp_path / "p.mp4")
    after = with_patch(frame, next(read_patch(tmp_path / "p.mp4")), RECT)
    assert np.array_equal(after.picture.to_ndarray(), frame.picture.to_ndarray())


@pytest.mark.parametrize("name", ["variable_frame_rate.mp4", "interlaced_start10s.ts"])
def test_frames_keep_their_times(name, tmp_path):
    info = probe(shared(f"odd/{name}"))
    few = list(islice(read_frames(info), 12))
    assert write_frames(few, info, tmp_path / "f.mp4", to_work_on=True) == 12
    again = [float(each.at_s) for each in read_frames(probe(tmp_path / "f.mp4"))]
    first = float(few[0].at_s)
    assert [each - again[0] for each in again] == pytest.approx(
        [float(each.at_s) - first for each in few], abs=0.001
    )
