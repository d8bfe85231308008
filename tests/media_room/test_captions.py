"""Caption styles and the text in them, drawn by the real libass."""

import subprocess

import numpy as np
import pytest

from media.captions import caption_style, caption_styles, escape_ass, write_captions
from media.cues import Cue
from media.subtitles import read_subtitles
from media.tools import find_ffmpeg
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
