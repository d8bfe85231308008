import numpy as np
import pytest

from engines import catalog
from engines.images.painter import SCENES
from engines.images.words import known_words, read_wish
from studio.errors import Cancelled, MissingWeights
from tests import tiny


@pytest.fixture(params=catalog.entries("ImageMaker"), scope="module")
def maker(request):
    return tiny.engine(request.param)


@pytest.fixture(scope="module")
def painter():
    return catalog.entry("painter").build()


@pytest.mark.parametrize(("width", "height"), [(64, 64), (100, 62), (48, 90)])
def test_a_picture_has_the_wanted_size_and_is_told_step_by_step(maker, width, height):
    told = []
    made = maker.make("a beach", width, height, 3, progress=lambda *now: told.append(now))
    assert made.shape == (height, width, 3) and made.dtype == np.uint8
    assert told[0][0] == 0 and told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_seed_decides(maker):
    one, again, other = (maker.make("a forest", 64, 64, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_it_can_be_stopped(maker):
    def stop(done, total):
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        maker.make("a city", 64, 64, 0, progress=stop)


def test_the_prompt_counts(maker):
    one, other = (maker.make(prompt, 64, 64, 1) for prompt in ("a beach", "a galaxy"))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("place", SCENES)
def test_every_place_is_painted_in_any_light_and_weather(painter, place):
    word = known_words()["place"].get(place, ("",))[0]
    seen = []
    for words in ("night", "rain noon", "fog dawn, painting", "snow, neon", "storm, flat, red"):
        made = painter.make(f"{word} {words}", 96, 54, 1)
        assert made.std() > 4  # there is something to be seen
        seen.append(made.astype(int).mean())
    assert len({round(each, 2) for each in seen}) == len(seen)


def test_night_is_darker_than_day_and_colours_are_heeded(painter):
    day, night = (
        painter.make(f"mountains at {time}", 160, 90, 1).mean() for time in ("noon", "night")
    )
    assert night < 0.5 * day
    red, blue = (painter.make(f"{tint} podcast studio", 160, 90, 1) for tint in ("red", "blue"))
    assert red[..., 0].mean() > 1.3 * red[..., 2].mean() < blue[..., 2].mean()


@pytest.mark.parametrize(
    ("prompt", "place", "time", "weather", "style"),
    [
        ("A misty forest at dawn", "forest", "dawn", "fog", "photo"),
        ("cyberpunk street, neon, rain", "city", "", "rain", "neon"),
        ("Modern office, daylight, blurred", "office", "day", "clear", "photo"),
        ("una playa al atardecer", "beach", "dusk", "clear", "photo"),
        ("Berge bei Nacht", "mountains", "night", "clear", "photo"),
        ("something nobody knows", "plain", "", "clear", "photo"),
        ("living room with a painting", "room", "", "clear", "painting"),
    ],
)
def test_words_are_understood(prompt, place, time, weather, style):
    wish = read_wish(prompt)
    assert (wish.place, wish.time, wish.weather, wish.style) == (place, time, weather, style)


def test_every_word_means_something_the_painter_has():
    assert set(known_words()["place"]) <= set(SCENES)


def test_the_official_layout_is_read_whole(tmp_path):
    maker = tiny.tiny("flux2-klein-4b")
    networks = maker.networks()
    assert set(networks) == {"text_encoder", "transformer", "vae"}
    assert networks["vae"] is maker.networks()["vae"]
    assert all(not each.training for each in networks.values())
    keys = set(networks["transformer"].state_dict())
    assert {"x_embedder.weight", "context_embedder.weight", "proj_out.weight"} <= keys
    with pytest.raises(MissingWeights, match=r"config\.json"):
        catalog.entry("flux2-klein-4b").build(tmp_path).networks()


@pytest.mark.parametrize(
    ("wanted", "drawn"),
    [((1920, 1080), (1920, 1088)), ((512, 512), (512, 512)), ((3840, 2160), (1936, 1088))],
)
def test_what_is_drawn_has_sides_that_can_be_drawn(wanted, drawn):
    from engines.images.flux2 import drawn_size

    assert drawn_size(*wanted, 2_100_000) == drawn
