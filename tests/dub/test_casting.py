"""Who speaks with which voice: a person's choice, else the nearest that is free."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.roles import OWN, BuiltInVoice
from media.speech import Span
from studio.characters import Character, CharacterVoice, Recording
from studio.errors import BadInput
from tests.dub.made import artefact
from workflows.dub.casting import Candidate, Model, Portrait, cast, voice_of
from workflows.dub.model import CastEdit, Edits, Line, LineEdit, called

VOICES = tuple(BuiltInVoice(each, each, each.title(), 150.0) for each in ("leo", "marco", "nora"))
CLONE = BuiltInVoice(OWN, OWN, "The speaker's own voice", 0.0, varies=True)
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
    assert [each.name for each in members] == [called(each.speaker) for each in members]
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


def as_character(**voice: object) -> Edits:
    character = Character(name="Ann", voice=CharacterVoice.model_validate(voice))
    return Edits(cast=(CastEdit(speaker="S1", character=character),))


def test_a_speaker_gets_a_characters_recording_and_what_is_said_in_it():
    recording = Recording(sound=artefact("ann.flac"), text="Good morning")
    edits = as_character(built_in="nora", recordings=(recording,))
    (member,) = cast(portraits(60), KNOWN, edits, clone=False, mine=MINE)
    assert member.convert_to == recording.sound and member.said == "Good morning"
    (member,) = cast(portraits(60), (Candidate(CLONE, None), *KNOWN), edits, clone=True, mine=None)
    assert (member.voice, member.convert_to) == (OWN, recording.sound)


@pytest.mark.parametrize("clone", [True, False])
def test_a_characters_built_in_voice_is_left_as_it_is(clone):
    edits = as_character(built_in="nora", pitch_hz=150.0)
    first, second = cast(portraits(60, 5), KNOWN, edits, clone=clone, mine=None)
    assert (first.voice, first.convert_to) == ("nora", None) and second.voice != "nora"
    low = replace(VOICES[1], pitch_hz=90.0)
    others = (Candidate(VOICES[0], None), Candidate(low, None))
    (member,) = cast(
        portraits(60), others, as_character(built_in="x", pitch_hz=95.0), clone=clone, mine=None
    )
    assert (member.voice, member.convert_to) == ("marco", None)  # the nearest in pitch


def test_a_voice_that_there_is_not_is_refused_and_the_others_are_named():
    edits = Edits(cast=(CastEdit(speaker="S1", voice="caruso"),))
    with pytest.raises(BadInput, match="caruso") as refused:
        cast(portraits(5), KNOWN, edits, clone=True, mine=None)
    assert "nora" in refused.value.remedy


def test_a_line_may_have_a_voice_of_its_own_and_is_then_left_as_it_is():
    members = cast(portraits(5), KNOWN, Edits(), clone=True, mine=None)
    line = Line("L0001", "S1", 0.0, 1.0, "good evening")
    model = voice_of(line, members, VOICES, Edits())
    assert model == Model(VOICES[0], members[0].reference)
    own = Edits(lines=(LineEdit(id="L0001", voice="nora"),))
    assert voice_of(line, members, VOICES, own) == Model(VOICES[2], None)


def test_a_speaker_that_clones_gives_everyone_their_own_voice():
    lines = [Line("L0001", "S1", 0.0, 4.0, "good evening"), Line("L0002", "S1", 9.0, 12.0, "bye")]
    own = replace(portrait(1, 60), parts=(Span(9.0, 12.0), Span(0.0, 4.0)))
    known = (Candidate(CLONE, None), *KNOWN)
    first, second = cast([own, portrait(2, 9)], known, Edits(), clone=True, mine=None, lines=lines)
    assert (first.voice, first.convert_to, first.said) == (OWN, own.reference, "bye good evening")
    assert (second.voice, second.said) == (OWN, "")
    model = voice_of(lines[0], [first, second], [CLONE, *VOICES], Edits())
    assert model == Model(CLONE, own.reference, "bye good evening")


def test_who_does_not_want_copies_gets_built_in_voices():
    known = (Candidate(CLONE, None), *KNOWN)
    members = cast(portraits(60, 5), known, Edits(), clone=False, mine=MINE)
    assert [each.voice for each in members] == [OWN, "leo"]
    assert [each.convert_to for each in members] == [MINE.reference, None]
    asked = Edits(cast=(CastEdit(speaker="S2", voice=OWN),))
    members = cast(portraits(60, 5), known, asked, clone=False, mine=None)
    assert (members[1].voice, members[1].convert_to) == (OWN, artefact("voice 2.flac"))


def test_who_speaks_too_little_has_a_built_in_voice_or_borrows_one():
    short = replace(portrait(2, 1), reference=None)
    members = cast(
        [portrait(1, 60), short], (Candidate(CLONE, None), *KNOWN), Edits(), clone=True, mine=None
    )
    assert members[1].voice == "leo"
    members = cast(
        [portrait(1, 60), short], (Candidate(CLONE, None),), Edits(), clone=True, mine=None
    )
    assert (members[1].voice, members[1].lent_by) == (OWN, "Speaker 1")
    assert members[1].convert_to == members[0].reference
    alone = cast([short], (Candidate(CLONE, None),), Edits(), clone=True, mine=None)
    assert (alone[0].voice, alone[0].convert_to) == (OWN, None)


def test_speakers_are_numbered_for_people_too_unless_subtitles_name_them():
    assert [called(each) for each in ("S1", "S12", "Ann", "S")] == [
        "Speaker 1",
        "Speaker 12",
        "Ann",
        "S",
    ]
