"""Batches: few changes of models, every piece once, scenes in their order, nobody starved."""

from hypothesis import given
from hypothesis import strategies as st

from engines.residency.order import Piece, batched, changes
from engines.residency.plan import Stage

SIZES = {"voice": 2, "image": 12, "video": 14}


def job(name, scenes, kinds=("voice", "image", "video")):
    return [
        Piece(name, scene, step, Stage(kind, (kind,)))
        for scene in range(scenes)
        for step, kind in enumerate(kinds)
    ]


@st.composite
def jobs(draw):
    pieces = []
    for name in "xyz"[: draw(st.integers(1, 3))]:
        kinds = draw(st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=4))
        pieces += job(name, draw(st.integers(1, 4)), kinds)
    return pieces


@given(jobs(), st.booleans(), st.integers(1, 4))
def test_every_piece_once_and_scenes_in_their_order(pieces, preview, patience):
    done = batched(pieces, SIZES, preview_first=preview, patience=patience)
    assert sorted(map(repr, done)) == sorted(map(repr, pieces))
    seen = {}
    for each in done:
        assert each.step >= seen.get((each.job, each.scene), 0)
        seen[each.job, each.scene] = each.step


def test_a_job_of_six_scenes_changes_models_twice():
    assert changes(job("x", 6)) == 17
    assert changes(batched(job("x", 6), SIZES)) == 2


def test_two_jobs_share_a_batch():
    assert changes(batched(job("x", 3) + job("y", 3), SIZES)) == 2


def test_preview_first_finishes_one_scene_before_the_others():
    done = batched(job("x", 4), SIZES, preview_first=True)
    assert [each.scene for each in done[:3]] == [0, 0, 0]
    assert changes(done) == 5


def test_the_heaviest_goes_first_where_the_order_is_free():
    pieces = [Piece("x", n, 0, Stage(kind, (kind,))) for n, kind in enumerate(sorted(SIZES))]
    assert [each.stage.id for each in batched(pieces, SIZES)] == ["video", "image", "voice"]


def test_a_late_job_does_not_starve():
    old = [
        Piece("old", 0, n, Stage(kind, (kind,))) for n, kind in enumerate(["voice", "video"] * 10)
    ]
    late = [Piece("late", 0, 99, Stage("image", ("image",)))]
    done = batched(old + late, SIZES, patience=3)
    assert done.index(late[0]) <= 4
