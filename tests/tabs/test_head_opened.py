"""What the table of sentences holds of a person's changes until they are made."""

from tabs.parts.head_opened import OpenedHead, rows_of, with_text
from workflows.talking_head.sheet import SentenceEdit, Sheet, SheetSentence


def sentence(number, text, take=0):
    return SheetSentence(
        number=number,
        text=text,
        written=text,
        start_s=2.0 * number,
        end_s=2.0 * number + 1.5,
        slot_s=2.0,
        take=take,
    )


def opened(edits=(), number=1):
    sheet = Sheet(
        language="en", sentences=(sentence(0, "One."), sentence(1, "Two.")), edits=tuple(edits)
    )
    return OpenedHead("job", 1, "", sheet, tuple(edits), number)


def test_what_is_left_alone_is_no_change():
    assert with_text(opened(), "Two.") == opened() and opened().changes == 0


def test_new_words_and_another_take_are_changes_that_keep_their_place():
    new = with_text(with_text(opened(), "Two or more."), "Two or more.", another_take=True)
    edit = SentenceEdit(number=1, text="Two or more.", take=1, slot_s=2.0)
    assert new.edits == (edit,) and new.changes == 1
    row = rows_of(new).rows[1]
    assert row.said == "Two or more." and "another take" in row.marks and row.kind == "changed"
    assert with_text(with_text(opened(), "Other."), "Two.").changes == 0  # taken back


def test_a_change_that_was_made_can_be_taken_back():
    made = SentenceEdit(number=1, text="Two or more.", slot_s=2.0)
    new = with_text(opened([made]), "Two.")
    assert new.changes == 1 and rows_of(new).rows[1].said == "Two."
