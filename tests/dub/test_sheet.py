"""The line table and the cast sheet: rows of what was heard, planned and changed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.dub.made import artefact, sheet
from workflows.dub.delivery import subtitled
from workflows.dub.model import Edits, Line, LineEdit, Member, Placed
from workflows.dub.sheet import Sheet, cast_rows, rows

MEMBER = Member("S1", "Ana", 12.345, True, None, 201.26, "nora", artefact("ana.flac"))
LINES = (
    Line("L0001", "S1", 1.0, 2.0, "good evening", translation="buenas noches"),
    Line("L0002", "S2", 3.0, 4.0, "hm"),
)
PLACED = (Placed("L0001", 1.23456, 2.5, 1.0567, 0.2, "too long"),)


def test_a_placed_line_stands_where_it_is_heard_and_another_where_it_was_said():
    first, second = rows(LINES, PLACED, [MEMBER], Edits())
    assert (first.dub_start_s, first.dub_end_s, first.speed) == (1.235, 2.5, 1.057)
    assert (first.flag, first.voice) == ("too long", "nora")
    assert (second.dub_start_s, second.dub_end_s, second.speed) == (3.0, 4.0, 1.0)
    assert (second.flag, second.voice) == ("not spoken", "")


def test_a_row_shows_what_a_person_chose():
    edits = Edits(lines=(LineEdit(id="L0001", voice="leo", locked=True, take=3),))
    first, second = rows(LINES, PLACED, [MEMBER], edits)
    assert (first.voice, first.locked, first.take) == ("leo", True, 3)
    assert (second.locked, second.take) == (False, 0)


def test_the_cast_sheet_tells_whose_voice_is_turned():
    (row,) = cast_rows([MEMBER])
    assert (row.name, row.speaking_s, row.pitch_hz, row.converted) == ("Ana", 12.35, 201.3, True)
    assert row.reference is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_sheet_survives_as_json_whatever_is_said(text, translation):
    lines = (Line("L0001", "S1", 0.0, 1.0, text, translation=translation),)
    made = sheet(rows(lines, (), [MEMBER], Edits()), cast_rows([MEMBER]))
    assert Sheet.model_validate_json(made.model_dump_json()) == made


@given(st.floats(-5, 5))
def test_subtitles_stand_on_the_clock_of_the_video(shift_s):
    made = sheet(rows(LINES, PLACED, [MEMBER], Edits()), audio_start_s=shift_s)
    for row, shown in zip(made.lines, subtitled(made), strict=True):
        assert shown.start_s == max(0.0, row.start_s + shift_s)
        assert shown.dub_end_s == row.dub_end_s + shift_s
        assert shown.start_s >= 0 and shown.dub_start_s >= 0
