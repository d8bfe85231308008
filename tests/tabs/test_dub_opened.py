"""What the line table holds of a person's changes until they are made."""

from dataclasses import replace

from studio.artefacts import Artefact
from tabs.parts.dub_opened import (
    Opened,
    is_main,
    rows_of,
    with_line,
    with_member,
    without_line,
    without_recording,
)
from workflows.dub.model import CastEdit, Edits, LineEdit
from workflows.dub.sheet import Sheet, SheetLine, SheetMember

NOTHING = Edits()
MEDIA = Artefact("0" * 64, "video/mp4", 1, "film.mp4")
L2 = LineEdit(id="L2", locked=True)


def line(id_, speaker, flag=""):
    return SheetLine(
        id=id_,
        speaker=speaker,
        start_s=1.0,
        end_s=2.0,
        text=f"text {id_}",
        translation=f"said {id_}",
        dub_start_s=1.0,
        dub_end_s=2.5,
        speed=1.2,
        flag=flag,
        voice="nora",
        locked=False,
        take=0,
    )


def member(speaker, main):
    return SheetMember(
        speaker=speaker,
        name=speaker,
        speaking_s=5.0,
        is_main=main,
        pitch_hz=120.0,
        voice="nora",
        converted=True,
        reference=None,
    )


def opened(edits=NOTHING, picked="L1"):
    sheet = Sheet(
        media=MEDIA,
        source_language="en",
        target_language="es",
        duration_s=9.0,
        audio_start_s=0.0,
        lines=(line("L1", "S1"), line("L2", "S2", "too long")),
        cast=(member("S1", True), member("S2", False)),
        edits=edits,
    )
    return Opened("job", 1, False, "", sheet, edits, edits, picked, "S1")


AS_IT_IS = ("text L1", "said L1", "S1", "", False)


def test_what_is_left_alone_is_no_change():
    assert with_line(opened(), AS_IT_IS).edits == Edits()
    assert with_line(opened(), AS_IT_IS).changes == 0


def test_a_change_is_counted_shown_and_taken_back():
    new = with_line(opened(), ("text L1", "otra", "S1", "", False))
    assert new.changes == 1
    assert rows_of(new).rows[0].said == "otra"
    assert "changed" in rows_of(new).rows[0].kind
    assert with_line(new, AS_IT_IS).edits == Edits()


def test_a_mended_source_is_translated_anew():
    new = with_line(opened(), ("mended", "said L1", "S1", "", False))
    assert new.edits.lines == (LineEdit(id="L1", text="mended"),)
    assert rows_of(new).rows[0].said == "(will be translated anew)"


def test_what_was_made_stays_when_another_line_changes():
    made = Edits(lines=(LineEdit(id="L2", translation="said L2"),))
    new = with_line(opened(made), ("text L1", "said L1", "S2", "", True))
    assert [each.id for each in new.edits.lines] == ["L1", "L2"]
    assert new.changes == 1


def test_another_take_is_a_change_every_time():
    once = with_line(opened(), AS_IT_IS, another_take=True)
    twice = with_line(once, AS_IT_IS, another_take=True)
    assert (once.changes, twice.edits.lines[0].take) == (1, 2)
    assert "new take" in rows_of(twice).rows[0].marks


def test_the_main_speaker_is_one():
    now = opened()
    assert is_main(now, "S1")
    assert not is_main(now, "S2")
    new = with_member(now, CastEdit(speaker="S2", name="Fox"), is_main=True)
    assert (is_main(new, "S1"), is_main(new, "S2")) == (False, True)
    assert rows_of(new).rows[1].who == "Fox"
    back = with_member(new, CastEdit(speaker="S2"), is_main=False)
    assert back.edits == Edits()


def test_a_line_that_does_not_fit_says_so_but_not_before_it_is_spoken():
    row = rows_of(opened()).rows[1]
    assert "too long" in row.marks
    assert "flagged" in row.kind
    waiting = Opened("job", 1, True, "", opened().sheet)
    assert "too long" not in rows_of(waiting).rows[1].marks


def test_one_line_is_undone_and_the_others_stay():
    made = Edits(lines=(LineEdit(id="L1", translation="made"),))
    both = with_line(opened(made), ("text L1", "otra", "S1", "nora", False), another_take=True)
    both = replace(both, edits=both.edits.model_copy(update={"lines": (*both.edits.lines, L2)}))
    assert without_line(both).edits.lines == (*made.lines, L2)
    new = with_line(opened(), ("text L1", "otra", "S1", "", False))
    assert without_line(new).edits == Edits()


def test_a_recording_is_let_go_of():
    now = with_member(opened(), CastEdit(speaker="S1", name="Fox", reference=MEDIA), is_main=True)
    assert now.edits.cast[0].reference == MEDIA
    assert without_recording(now).edits == Edits(cast=(CastEdit(speaker="S1", name="Fox"),))
