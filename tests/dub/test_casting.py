"""Who speaks with which voice: a person's choice, else the nearest that is free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.roles import BuiltInVoice
from studio.errors import BadInput
from tests.dub.made import artefact
from workflows.dub.casting import Candidate, Portrait, cast, voice_of
from workflows.dub.model import CastEdit, Edits, Line, LineEdit

VOICES = tuple(BuiltInVoice(each, each, each.title(), 150.0) for each in ("leo", "marco", "nora"))
KNOWN = tuple(Candidate(each, None) for each in VOICES)
MINE = Portrait("", 10.0, artefact("mine.wav"), None)
TALK_S = st.lists(st.floats(0.5, 500), min_size=1, max_size=6)


def portrait(number: int, speaking_s: float) -> Portrait:
    return Portrait(f"S{number}", speaking_s, artefact(f"voice {number}.flac"), None)


def portraits(*speaking_s: float) -> list[Portrait]:
    return [portrait(number, each) for number, each in enumerate(speaking_s, start=1)]


@given(TALK_S, st.booleans(), st.booleans())
def test_everyone_has_a_voice_and_one_is_the_main_speaker(speaking_s, clone, has_mine):
    members = cast(
        portraits(*speaking_s), KNOWN, Edits(), clone=clone, mine=MINE if has_mine else None
    )
    assert [each.speaker for each in members] == [f"S{i}" for i in range(1, len(speaking_s) + 1)]
    assert {each.voice for each in members} <= {each.id for each in VOICES}
    assert len({each.voice for each in members}) == min(len(members), len(VOICES))
    mains = [each for each in members if each.is_main]
    assert len(mains) == 1 and mains[0].speaking_s == max(speaking_s)
    for each in members:
        is_mine = has_mine and each.is_main
        wanted = MINE.reference if is_mine else each.reference if clone else None
        assert each.convert_to == wanted


def test_a_persons_choice_goes_first():
    edits = Edits(
        cast=(
            CastEdit(speaker="S2", voice="nora", name="Ana"),
            CastEdit(speaker="S1", reference=artefact("uncle.wav")),
        ),
        main_speaker="S2",
    )
    first, second = cast(portraits(60, 5), KNOWN, edits, clone=False, mine=MINE)
    assert (second.voice, second.name, second.is_main) == ("nora", "Ana", True)
    assert second.convert_to == MINE.reference
    assert first.convert_to == artefact("uncle.wav") and not first.is_main


def test_a_voice_that_there_is_not_is_refused_and_the_others_are_named():
    edits = Edits(cast=(CastEdit(speaker="S1", voice="caruso"),))
    with pytest.raises(BadInput, match="caruso") as refused:
        cast(portraits(5), KNOWN, edits, clone=True, mine=None)
    assert "nora" in refused.value.remedy


def test_a_line_may_have_a_voice_of_its_own_and_is_then_left_as_it_is():
    members = cast(portraits(5), KNOWN, Edits(), clone=True, mine=None)
    line = Line("L0001", "S1", 0.0, 1.0, "good evening")
    voice, model = voice_of(line, members, VOICES, Edits())
    assert voice.id == members[0].voice and model == members[0].reference
    own = Edits(lines=(LineEdit(id="L0001", voice="nora"),))
    assert voice_of(line, members, VOICES, own) == (VOICES[2], None)
