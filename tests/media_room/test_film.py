import av
import numpy as np
import pytest
from PIL import Image

from media.film import read_film, write_film
from media.formats import PRESETS, format_of, formats
from media.pictures import read_picture, write_png
from studio.errors import BadInput, BadPreset
from tests.media import shared


def test_a_film_keeps_its_frames_in_order_and_its_colours(tmp_path):
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (128, 128, 128), (250, 240, 20)]
    frames = [np.full((64, 96, 3), colour, np.uint8) for colour in colours]
    path = tmp_path / "film.mp4"
    assert write_film(iter(frames), path, 25) == 5
    again = list(read_film(path))
    assert len(again) == 5
    for made, read in zip(frames, again, strict=True):
        assert np.abs(made.astype(int) - read).mean() < 4
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (96, 64, 25)
        assert stream.codec_context.pix_fmt == "yuv420p"


@pytest.mark.parametrize("name", formats())
def test_a_format_has_even_sides(name):
    wanted = format_of(name)
    assert wanted.width_px % 2 == wanted.height_px % 2 == 0 and wanted.title


def test_an_unknown_or_broken_format_is_told(tmp_path):
    with pytest.raises(BadPreset, match="no format"):
        format_of("cinema")
    (tmp_path / "odd.toml").write_text('title = "x"\nwidth_px = 101\nheight_px = 100\n')
    with pytest.raises(BadPreset, match=r"odd\.toml"):
        formats(tmp_path)
    assert PRESETS.is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "exif_orientation_6.jpg", "picture.webp", "png_16bit.png", "png_half_transparent.png",
        "tiny_face_48px.png", "animated.gif",
    ],
)  # fmt: skip
def test_odd_pictures_are_read(name):
    pixels = read_picture(shared(f"odd/{name}"))
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert pixels.std() > 1


def test_a_turned_photograph_stands_upright(tmp_path):
    stored = np.zeros((40, 80, 3), np.uint8)
    stored[:, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    seen = read_picture(tmp_path / "turned.png")
    assert seen.shape == (80, 40, 3) and seen[:10].mean() > 250 and seen[-10:].mean() < 5


@pytest.mark.parametrize("name", ["random_bytes.wav", "text_renamed.mp4", "zero_byte.mp4"])
def test_what_is_no_picture_is_refused_in_one_sentence(name):
    with pytest.raises(BadInput, match="not a picture") as caught:
        read_picture(shared(f"odd/{name}"))
    assert caught.value.remedy


def test_a_picture_that_ends_early_is_refused(tmp_path):
    whole = write_png(
        np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), tmp_path / "x.png"
    )
    whole.write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(BadInput, match="damaged"):
        read_picture(whole)


@pytest.mark.parametrize(
    "text", ["<svg xmlns='x'><image href='file:///etc/passwd'/></svg>", "%!PS\n"]
)
def test_pictures_that_could_ask_for_others_are_not_opened(text, tmp_path):
    (tmp_path / "x.png").write_text(text)
    with pytest.raises(BadInput, match="not a picture"):
        read_picture(tmp_path / "x.png")


def test_a_picture_too_large_is_refused_before_it_is_unpacked(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(BadInput, match="too large"):
        read_picture(tmp_path / "bomb.png")


def test_a_png_comes_back_as_it_was(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    assert np.array_equal(read_picture(write_png(pixels, tmp_path / "x.png")), pixels)
