"""What a person changed lies over what the machine made, and nothing else moves."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from media.speech import Word
from workflows.dub import edits as edited
from workflows.dub.model import CastEdit, Edits, Line, LineEdit

IDS = st.sampled_from(["L0001", "L0002", "L0003"])
SPEAKERS = st.sampled_from(["S1", "S2", "S3"])
TEXTS = st.text("abc ", max_size=5)


@st.composite
def some(draw, fields):
    """Some of the fields, set; the others left as they are."""
    chosen = draw(st.sets(st.sampled_from(sorted(fields))))
    return {name: draw(fields[name]) for name in sorted(chosen)}


LINE_FIELDS = {
    "text": TEXTS,
    "translation": TEXTS,
    "speaker": SPEAKERS,
    "voice": st.sampled_from(["nora", "leo"]),
    "locked": st.booleans(),
    "take": st.integers(0, 5),
}
CAST_FIELDS = {
    "name": TEXTS,
    "merge_into": SPEAKERS,
    "voice": st.sampled_from(["nora", "leo"]),
}
LINE_EDITS = st.builds(lambda id_, rest: LineEdit(id=id_, **rest), IDS, some(LINE_FIELDS))
CAST_EDITS = st.builds(lambda who, rest: CastEdit(speaker=who, **rest), SPEAKERS, some(CAST_FIELDS))
EDITS = st.builds(
    Edits,
    lines=st.lists(LINE_EDITS, max_size=3, unique_by=lambda each: each.id).map(tuple),
    cast=st.lists(CAST_EDITS, max_size=3, unique_by=lambda each: each.speaker).map(tuple),
    main_speaker=st.none() | SPEAKERS,
)
LINES = tuple(
    Line(
        id=f"L{number:04d}",
        speaker=speaker,
        start_s=float(number),
        end_s=number + 0.9,
        text="good evening",
        words=(Word("good", number, number + 0.4), Word("evening", number + 0.4, number + 0.9)),
        translation="buenas noches",
        shorter=("buenas",),
    )
    for number, speaker in enumerate(("S1", "S2", "S1"), start=1)
)


@given(EDITS)
def test_merging_nothing_changes_nothing(edits):
    again = edited.merge(edits, Edits())
    assert {each.id: each for each in again.lines} == {each.id: each for each in edits.lines}
    assert again.main_speaker == edits.main_speaker
    assert edited.merge(Edits(), edits) == edited.merge(again, edits)


@given(EDITS, EDITS)
def test_what_is_set_anew_wins_and_the_rest_stays(old, new):
    both = edited.merge(old, new)
    for edit in new.lines:
        merged, before = edited.of_line(both, edit.id), edited.of_line(old, edit.id)
        for name in LINE_FIELDS:
            source = edit if name in edit.model_fields_set else before
            assert getattr(merged, name) == getattr(source, name)
    for edit in new.cast:
        merged, before = (edited.of_speaker(each, edit.speaker) for each in (both, old))
        for name in CAST_FIELDS:
            source = edit if name in edit.model_fields_set else before
            assert getattr(merged, name) == getattr(source, name)
    assert both.main_speaker == (new.main_speaker or old.main_speaker)


@given(EDITS, EDITS, EDITS)
def test_merging_step_by_step_is_merging_at_once(a, b, c):
    assert edited.merge(edited.merge(a, b), c) == edited.merge(a, edited.merge(b, c))


@given(EDITS)
def test_ids_times_and_order_of_lines_never_change(edits):
    after = edited.translated(edited.heard(LINES, edits), edits)
    assert [(each.id, each.start_s, each.end_s) for each in after] == [
        (each.id, each.start_s, each.end_s) for each in LINES
    ]


@given(EDITS)
def test_a_line_without_an_edit_and_without_a_merge_is_untouched(edits):
    merged = {each.speaker for each in edits.cast if each.merge_into}
    touched = {each.id for each in edits.lines}
    for before, after in zip(LINES, edited.heard(LINES, edits), strict=True):
        if before.id not in touched and before.speaker not in merged:
            assert after == before


@given(EDITS)
def test_the_words_of_a_text_that_was_changed_are_gone(edits):
    for line in edited.heard(LINES, edits):
        edit = edited.of_line(edits, line.id)
        assert line.text == ("good evening" if edit.text is None else edit.text)
        assert bool(line.words) == (edit.text is None)


@given(EDITS)
def test_the_users_own_words_are_never_shortened(edits):
    for line in edited.translated(LINES, edits):
        edit = edited.of_line(edits, line.id)
        if edit.translation is not None:
            assert (line.translation, line.shorter) == (edit.translation, ())
        elif edit.locked:
            assert (line.translation, line.shorter) == ("buenas noches", ())
        else:
            assert line.shorter == ("buenas",)


def test_a_merged_speaker_ends_where_the_chain_of_merges_does():
    chain = Edits(
        cast=(CastEdit(speaker="S1", merge_into="S2"), CastEdit(speaker="S2", merge_into="S3"))
    )
    assert {each.speaker for each in edited.heard(LINES, chain)} == {"S3"}


def test_two_speakers_merged_into_each_other_do_not_hang():
    ring = Edits(
        cast=(CastEdit(speaker="S1", merge_into="S2"), CastEdit(speaker="S2", merge_into="S1"))
    )
    assert {each.speaker for each in edited.heard(LINES, ring)} <= {"S1", "S2"}


def test_a_line_given_to_someone_who_was_merged_goes_along():
    edits = Edits(
        lines=(LineEdit(id="L0002", speaker="S1"),),
        cast=(CastEdit(speaker="S1", merge_into="S3"),),
    )
    expected = [replace(each, speaker="S3") for each in LINES]
    assert list(edited.heard(LINES, edits)) == expected
