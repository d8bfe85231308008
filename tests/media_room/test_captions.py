"""Caption styles and the text in them, drawn by the real libass."""

import re
import subprocess

import numpy as np
import pytest

from media.captions import caption_style, caption_styles, escape_ass, write_captions
from media.cues import Cue
from media.speech import Word
from media.subtitles import read_subtitles
from media.tools import find_ffmpeg
from media.word_times import written_words
from studio.errors import BadPreset

STYLES = sorted(caption_styles())


def draw(folder, width=320, height=180):
    """Return a grey frame with captions.ass of `folder` on it, (height, width)."""
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi"]
    command += ["-i", f"color=c=0x808080:s={width}x{height}:d=2:r=10", "-vf", "ass=captions.ass"]
    command += ["-ss", "1", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width).astype(int)


def test_there_are_styles_to_choose_from():
    assert {"clean", "boxed"} <= set(STYLES) and len(STYLES) >= 4


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320)])
def test_every_style_draws_inside_the_safe_area(tmp_path, style, width, height):
    cues = [Cue(0, 2, "Llevo años buscándote, amigo,\ny no pienso rendirme")]
    write_captions(cues, style, tmp_path / "captions.ass", width=width, height=height)
    drawn = np.abs(draw(tmp_path, width, height) - draw_nothing(tmp_path, width, height)) > 40
    assert drawn.sum() > 300
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    look = caption_style(style)
    assert rows[-1] <= height - 0.5 * look.margin * min(width, height)
    assert columns[0] >= 2 and columns[-1] <= width - 3


TIMED = [
    Word(text, 0.25 * i, 0.25 * i + 0.2) for i, text in enumerate(["one", "two,", "three", "four!"])
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (200, 200)])
def test_captions_stay_below_the_chin(tmp_path, style, width, height):
    """Of a face that fills most of the picture: every style finds its room."""
    if caption_style(style).position != "bottom":
        pytest.skip("it stands elsewhere")
    text, below = "You would not believe how much there is to say", round(0.7 * height)
    cue, path = Cue(0, 2, f"{text},\nand none of it is short"), tmp_path / "captions.ass"
    write_captions([cue], style, path, width=width, height=height, below_px=below)
    drawn = np.abs(draw(tmp_path, width, height) - draw_nothing(tmp_path, width, height)) > 40
    rows = np.flatnonzero(drawn.any(axis=1))
    assert rows.size and rows[0] >= below and rows[-1] < height - 1


@pytest.mark.parametrize(("below", "last"), [(0, 1580), (1500, 1580), (1600, 1700)])
def test_captions_stay_above_what_an_app_covers_where_the_chin_leaves_room(tmp_path, below, last):
    cue, path = Cue(0, 2, "Not much to say"), tmp_path / "captions.ass"
    size = {"width": 1080, "height": 1920}
    write_captions([cue], "clean", path, **size, below_px=below, covered_px=340)
    drawn = np.abs(draw(tmp_path, *size.values()) - draw_nothing(tmp_path, *size.values())) > 40
    rows = np.flatnonzero(drawn.any(axis=1))
    assert rows[0] >= below and abs(rows[-1] - last) < 25  # less what an outline and a tail take


def test_the_word_that_is_said_is_marked_in_its_turn(tmp_path):
    cue = Cue(0, 1.2, "one two,\nthree four!")
    path = write_captions([cue], "karaoke", tmp_path / "c.ass", words=TIMED)
    events = [line for line in path.read_text().split("\n") if line.startswith("Dialogue")]
    assert len(events) == 4
    active = [re.search(r"\{[^}]*3FD2FF[^}]*\}([^{]*)\{", each)[1] for each in events]
    assert active == ["one", "two,", "three", "four!"]
    shown = [each.text.split() for each in read_subtitles(path)]
    assert all(each == ["one", "two,", "three", "four!"] for each in shown)
    times = [(each.start_s, each.end_s) for each in read_subtitles(path)]
    assert times == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.2)]


def test_a_few_words_at_a_time_and_all_where_their_times_are_not_known(tmp_path):
    cues = [Cue(0, 1.2, "one two, three four!"), Cue(2, 3, "Not in the clock")]
    path = write_captions(cues, "punch", tmp_path / "c.ass", words=TIMED)
    shown = list(dict.fromkeys(each.text for each in read_subtitles(path)))
    assert shown == ["ONE TWO,", "THREE FOUR!", "NOT IN THE CLOCK"]


@pytest.mark.parametrize(
    ("text", "spoken", "times"),
    [
        ("One, two.", "one two", [(0, 1), (1, 2)]),
        ("At 25 now", "at twenty five now", [(0, 1), (1, 3), (3, 4)]),
        ("Nothing is known", "", [(0, 2.25), (2.25, 2.893), (2.893, 4.5)]),
        ("£5", "five pounds", [(0, 4.5)]),
    ],
)
def test_written_words_take_the_times_of_spoken_ones(text, spoken, times):
    words = [Word(each, i, i + 1) for i, each in enumerate(spoken.split())]
    found = written_words(text, words, 0, 4.5)
    assert [each.text for each in found] == text.split()
    assert np.allclose([(each.start_s, each.end_s) for each in found], times, atol=1e-3)


def draw_nothing(folder, width, height):
    (folder / "none").mkdir(exist_ok=True)
    write_captions([], "clean", folder / "none" / "captions.ass", width=width, height=height)
    return draw(folder / "none", width, height)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"{\alpha&HFF&}Hello there", "XXXXXXXXXXXXXXXHello there"),
        (r"C:\New", "C:XNew"),
        ("{note} Hello", "XnoteX Hello"),
    ],
)
def test_text_is_shown_as_it_is(tmp_path, text, plain):
    """What ASS takes for tags must be seen: about as wide as letters in their place."""
    widths = []
    for shown in (text, plain):
        write_captions(
            [Cue(0, 2, shown)], "clean", tmp_path / "captions.ass", width=640, height=360
        )
        drawn = np.abs(draw(tmp_path, 640, 360) - 128) > 60
        assert np.flatnonzero(drawn.any(axis=1)).size < 30  # one line
        columns = np.flatnonzero(drawn.any(axis=0))
        widths.append(columns[-1] - columns[0])
    assert widths[0] == pytest.approx(widths[1], rel=0.2)


def test_no_field_can_be_smuggled_in(tmp_path):
    cues = [Cue(1, 2, "one,two\n\nthree\\N", "A,B{\\b1}\nDialogue: 0")]
    path = write_captions(cues, "clean", tmp_path / "x.ass")
    events = [line for line in path.read_text().split("\n") if line.startswith("Dialogue")]
    assert len(events) == 1
    (cue,) = read_subtitles(path)
    assert (cue.start_s, cue.end_s) == (1, 2)
    assert "one,two" in cue.text
    assert escape_ass("{") == r"\{"


def test_unknown_and_broken_styles_say_so(tmp_path):
    with pytest.raises(BadPreset, match="neon"):
        write_captions([], "neon", tmp_path / "x.ass")
    (tmp_path / "bad.toml").write_text('title = "Bad"\nabout = ""\nfont = "a,b{"\nsize = 9\n')
    with pytest.raises(BadPreset, match=r"bad\.toml"):
        caption_styles(tmp_path)
