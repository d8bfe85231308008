"""Subtitle files of every kind and damage: cues, or one clear sentence."""

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.cues import Cue, plain_text, speech_of, speech_only
from media.subtitles import (
    inspect_subtitles,
    parse_subtitles,
    read_subtitles,
    write_srt,
    write_vtt,
)
from studio.errors import BadInput
from tests.media import SHARED, shared

FILES = sorted(path.relative_to(SHARED).as_posix() for path in (SHARED / "subtitles").rglob("*.*"))
NONE_INSIDE = {"empty.vtt", "ass_attached_images.ass"}


def srt(body):
    return parse_subtitles(f"1\n00:00:01,000 --> 00:00:04,000\n{body}\n".encode(), "x.srt").cues


@pytest.mark.parametrize("name", FILES or ["subtitles"])
def test_every_shared_file_ends_in_cues_or_a_sentence(name):
    path = shared(name)
    if path.name in NONE_INSIDE:
        with pytest.raises(BadInput, match=r"empty|not one subtitle"):
            read_subtitles(path)
        return
    cues = read_subtitles(path)
    assert all(cue.end_s > cue.start_s >= 0 and cue.text.strip() for cue in cues)
    assert not any(
        mark in cue.text for cue in cues for mark in ("<i>", "</", "&amp;", "\ufeff", "\r")
    )


def test_carriage_returns_entities_and_utf16():
    cues = read_subtitles(shared("subtitles/odd/example-in-carriage-return.srt"))
    assert cues[1] == Cue(
        3.767, 10.732, "That's true. You don’t often find 632\npieces of gum stuck on a sidewalk"
    )
    cues = read_subtitles(shared("subtitles/odd/example-in-html-entities.srt"))
    assert cues[0].text.endswith("\n& the gunslinger followed.")
    cues = read_subtitles(shared("subtitles/odd/example-in-non-utf8.srt"))
    assert cues[1] == Cue(124.08, 127.12, "How did we end up here?", "MAN")


def test_cues_without_times_are_skipped_and_told():
    reading = inspect_subtitles(shared("subtitles/odd/missing_timeframe.srt"))
    assert [cue.text[-1] for cue in reading.cues] == ["1", "3", "4", "5"]
    assert "1 subtitles" in reading.warnings[0]
    broken = b"1\n00:00:05,000 --> 00:00:03,000\nBack\n\n2\n00:00:06,000 --> 00:00:07,000\nGood\n"
    reading = parse_subtitles(broken, "x.srt")
    assert [cue.text for cue in reading.cues] == ["Good"] and reading.warnings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "¿Qué pasó, señor? — Nada…"),
        ("utf-8-sig", "¿Qué pasó, señor?"),
        ("cp1252", "¿Qué pasó, señor? “Nada” – dijo él…"),
        ("latin-1", "Ça été très réussi à Nîmes"),
        ("utf-16", "Привет, как дела?"),
        ("utf-16-le", "Hello you there"),
        ("utf-32", "Ω and α"),
        ("cp1251", "Привет, как дела? Что ты делаешь сегодня вечером, друг мой?"),
        ("shift_jis", "これはとても大切な話です。明日また会いましょう。"),
    ],
)
def test_encodings(encoding, text):
    blocks = "".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i:02d},900\n{text}\n\n" for i in range(1, 9)
    )
    cues = parse_subtitles(blocks.encode(encoding), "x.srt").cues
    assert [cue.text for cue in cues] == [text] * 8


@pytest.mark.parametrize(
    ("body", "speakers", "texts"),
    [
        ("ANNA: Hello.", ["ANNA"], ["Hello."]),
        ("DR. SMITH:\nHow are you?", ["DR. SMITH"], ["How are you?"]),
        ("<v Anna>Hello</v>", ["Anna"], ["Hello"]),
        ("<v.loud Mary Ann>Hi</v>\n<v Bob>Ho</v>", ["Mary Ann", "Bob"], ["Hi", "Ho"]),
        ("- Are you there?\n- Yes.", ["", ""], ["Are you there?", "Yes."]),
        ("- ANNA: Are you\nthere?\n- BOB: Yes.", ["ANNA", "BOB"], ["Are you\nthere?", "Yes."]),
        (">> TOM: Good evening.", ["TOM"], ["Good evening."]),
        ("Note: this is no name", [""], ["Note: this is no name"]),
        ("At 12:30 we left", [""], ["At 12:30 we left"]),
        ("TIME 12:30", [""], ["TIME 12:30"]),
        ("-Hello", [""], ["Hello"]),
    ],
)
def test_speakers(body, speakers, texts):
    cues = srt(body)
    assert [cue.speaker for cue in cues] == speakers
    assert [cue.text for cue in cues] == texts
    assert cues[0].start_s == 1 and cues[-1].end_s == 4


def test_written_names_count_when_they_come_again():
    blocks = b"".join(
        b"%d\n00:00:%02d,000 --> 00:00:%02d,900\n%s\n\n" % (i, i, i, text)
        for i, text in enumerate(
            [b"Anna: Hi.", b"Bob: Ho.", b"Anna: Bye.", b"Listen: no."], start=1
        )
    )
    cues = parse_subtitles(blocks, "x.srt").cues
    assert [(cue.speaker, cue.text) for cue in cues] == [
        ("Anna", "Hi."), ("", "Bob: Ho."), ("Anna", "Bye."), ("", "Listen: no."),
    ]  # fmt: skip


def test_captions_that_roll_say_everything_once():
    blocks = "WEBVTT\n\n" + "\n\n".join(
        f"00:0{i}.000 --> 00:0{i + 1}.000 align:start position:0%\nline {i}\nline<00:0{i}.500><c> {i + 1}</c>"
        for i in range(1, 7)
    )
    cues = parse_subtitles(blocks.encode(), "x.vtt").cues
    assert "\n".join(cue.text for cue in cues).split("\n") == [f"line {i}" for i in range(1, 8)]


def test_ass():
    text = """[Script Info]
[V4+ Styles]
Style: Default,Arial
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not shown
Dialogue: 0,0:00:01.38,0:00:05.75,Default,Anna,0,0,0,,{\\pos(1,2)\\b1}Well, one\\Ntwo
Dialogue: 0,xx,0:00:05.75,Default,Anna,0,0,0,,bad
Dialogue: 0,0:00
Dialogue: 0,0:00:06.38,0:00:07.75,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}
"""
    reading = parse_subtitles(text.encode(), "x.ass")
    assert reading.format == "ass"
    assert reading.cues == (Cue(1.38, 5.75, "Well, one\ntwo", "Anna"),)
    assert "2 subtitles" in reading.warnings[0]


TTML = """<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
    xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="10000000">
<head><metadata><ttm:agent xml:id="a1" type="person"><ttm:name>Anna</ttm:name></ttm:agent></metadata></head>
<body begin="10s"><div>
<p begin="00:00:01.500" end="00:00:03.000" ttm:agent="a1">One &amp; <span>two</span><br/>three</p>
<p begin="4s" dur="500ms">four</p>
<p begin="00:00:05:10" end="00:00:06:00">five</p>
<p begin="70000000t" end="80000000t">six</p>
<p>never</p>
</div></body></tt>"""


def test_ttml():
    reading = parse_subtitles(TTML.encode(), "x.ttml")
    assert [(c.start_s, round(c.end_s, 3), c.text, c.speaker) for c in reading.cues] == [
        (11.5, 13.0, "One & two\nthree", "Anna"),
        (14.0, 14.5, "four", ""),
        (15.4, 16.0, "five", ""),
        (17.0, 18.0, "six", ""),
    ]
    assert reading.format == "ttml" and len(reading.warnings) == 1
    utf16 = TTML.replace("utf-8", "utf-16").encode("utf-16")
    assert parse_subtitles(utf16, "x.ttml").cues == reading.cues


@pytest.mark.parametrize(
    "evil",
    [
        '<!DOCTYPE tt [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><tt><body><p begin="0s" end="1s">&b;</p></body></tt>',
        '<!DOCTYPE tt [<!ENTITY f SYSTEM "file:///etc/hostname">]><tt><p begin="0s" end="1s">&f;</p></tt>',
        '<!DOCTYPE tt SYSTEM "http://127.0.0.1:9/x.dtd"><tt><p begin="0s" end="1s">x</p></tt>',
    ],
)
def test_ttml_brings_no_entities(evil):
    with pytest.raises(BadInput, match="document type"):
        parse_subtitles(f'<?xml version="1.0"?>{evil}'.encode(), "evil.ttml")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n\t ",
        b"WEBVTT\n",
        b"hello",
        b"<tt><body><p",
        b"\x00\x01\x02\xff" * 900,
        b"[Script Info]\n",
        b"1\n00:00:01,000 --> 00:00:02,000\n\n",
        b"<html><body>No</body></html>",
    ],
)
def test_what_is_no_subtitle_ends_in_one_sentence(data):
    with pytest.raises(BadInput) as caught:
        parse_subtitles(data, "a file.srt")
    assert "a file.srt" in caught.value.sentence
    assert caught.value.remedy


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.text(alphabet="0123:,.->\n <{}[]abWEBVT\\", max_size=300))
)
def test_any_bytes_end_in_cues_or_a_sentence(data):
    data = data.encode() if isinstance(data, str) else data
    try:
        cues = parse_subtitles(data, "x").cues
    except BadInput:
        return
    assert all(cue.end_s > cue.start_s >= 0 for cue in cues)


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 10_000_000), min_size=2, max_size=8, unique=True).map(sorted),
    texts=st.lists(TEXTS, min_size=8, max_size=8),
)
def test_what_is_written_is_read_again(tmp_path_factory, times, texts):
    folder = tmp_path_factory.mktemp("round")
    cues = [
        Cue(a / 1000, b / 1000, plain_text(text))
        for a, b, text in zip(times, times[1:], texts, strict=False)
    ]
    cues = [cue for cue in cues if cue.text and not any(c in cue.text for c in "<>&{\\-–—‐:")]
    cues = [cue for cue in cues if not cue.text.strip().isdigit()]
    if not cues:
        return
    for write, name in ((write_srt, "x.srt"), (write_vtt, "x.vtt")):
        read = read_subtitles(write(cues, folder / name))
        assert [(c.start_s, c.end_s, c.text) for c in read] == [
            (c.start_s, c.end_s, c.text) for c in cues
        ]


def test_another_reader_agrees(tmp_path):
    cues = [
        Cue(3661.25, 3662.5, "Uno <b>dos</b> & tres\nquatre", "Anna"),
        Cue(3663, 3664, "a --> b"),
    ]
    theirs = pysubs2.load(str(write_srt(cues, tmp_path / "x.srt")))
    assert [(each.start, each.end) for each in theirs] == [(3661250, 3662500), (3663000, 3664000)]
    vtt = write_vtt(cues, tmp_path / "x.vtt").read_text()
    assert "<v Anna>Uno &lt;b&gt;dos&lt;/b&gt; &amp; tres" in vtt
    assert read_subtitles(tmp_path / "x.vtt")[1].text == "a → b"


def test_sounds_are_not_speech():
    assert speech_of("[dog barking]") == ""
    assert speech_of("♪ La la la ♪") == ""
    assert speech_of("(sighs) Well, [door] then.\n- (music)") == "Well, then."
    assert speech_of("#1 is the best") == "#1 is the best"
    styled = read_subtitles(shared("subtitles/odd/example-in-styled.srt"))
    spoken = [cue.text for cue in speech_only(styled)]
    assert "'The time is 7:35.'" in spoken
    assert not any("[" in text for text in spoken)


def test_other_formats_are_read_too():
    sami = b"<SAMI><BODY><SYNC Start=1000><P>Hello</P><SYNC Start=2000><P>&nbsp;</P></BODY></SAMI>"
    assert parse_subtitles(sami, "x.smi").cues[0].text == "Hello"
