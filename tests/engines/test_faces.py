import numpy as np
import pytest

from engines import catalog
from media.canonical_face import Spotted, five_points
from media.pictures import read_picture
from studio.errors import BadInput, MissingWeights
from tests import tiny
from tests.media import ROOT, shared
from workflows.talking_head.portrait import DOUBTFUL, confirmed, judge

LEFT_EYE, RIGHT_EYE, NOSE, CHIN, UPPER_LIP, LOWER_LIP = 33, 263, 1, 152, 13, 14


@pytest.fixture(params=catalog.entries("FaceFinder"), scope="module")
def finder(request):
    entry = catalog.entry(request.param)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


@pytest.mark.parametrize(
    ("name", "least_px"),
    [
        ("woman_astronaut_512.png", 90),
        ("woman_grace_hopper.png", 170),
        ("painting_mona_lisa.png", 70),
    ],
)
def test_one_face_is_found_where_there_is_one(finder, name, least_px):
    picture = read_picture(shared(f"portraits/{name}"))
    (face,) = finder.find(picture)
    assert face.points.shape == (468, 2) and face.score > 0.9
    assert least_px < face.height_px < picture.shape[0]
    left, right, nose, chin = face.points[[LEFT_EYE, RIGHT_EYE, NOSE, CHIN]]
    assert left[0] < nose[0] < right[0] and max(left[1], right[1]) < nose[1] < chin[1]
    assert (face.points > 0).all() and (face.points < picture.shape[1::-1]).all()


def test_a_cat_is_no_face(finder):
    assert finder.find(read_picture(shared("portraits/noface_cat.png"))) == ()


def test_our_own_drawing_is_a_face(finder):
    (face,) = finder.find(read_picture(ROOT / "assets" / "portrait.jpg"))
    assert face.score > 0.9 and face.turned < 0.15


def test_points_move_with_the_picture(finder):
    picture = read_picture(shared("portraits/woman_astronaut_512.png"))
    (there,) = finder.find(picture)
    moved = np.roll(picture, (24, 16), axis=(0, 1))
    (here,) = finder.find(moved)
    assert np.abs(here.points - there.points - (16, 24)).mean() < 2.0


def test_two_people_are_two_faces(finder):
    one = read_picture(shared("portraits/woman_astronaut_512.png"))
    assert len(finder.find(np.concatenate([one, one], axis=1))) == 2


def test_a_turned_head_is_told(finder):
    straight = read_picture(shared("portraits/woman_astronaut_512.png"))
    turned = read_picture(shared("portraits/painting_mona_lisa.png"))
    assert finder.find(straight)[0].turned < 0.2 < finder.find(turned)[0].turned


# -- spotters ----------------------------------------------------------------------------------

SHAPES = {
    "pnet": "conv1 10,3,3,3 prelu1 10 conv2 16,10,3,3 prelu2 16 conv3 32,16,3,3 prelu3 32 "
    "conv4_1 2,32,1,1 conv4_2 4,32,1,1",
    "rnet": "conv1 28,3,3,3 prelu1 28 conv2 48,28,3,3 prelu2 48 conv3 64,48,2,2 prelu3 64 "
    "dense4 128,576 prelu4 128 dense5_1 2,128 dense5_2 4,128",
    "onet": "conv1 32,3,3,3 prelu1 32 conv2 64,32,3,3 prelu2 64 conv3 64,64,3,3 prelu3 64 "
    "conv4 128,64,2,2 prelu4 128 dense5 256,1152 prelu5 256 dense6_1 2,256 dense6_2 4,256 dense6_3 10,256",
}
FACE_BIASES = {"conv4_1.bias", "dense5_1.bias", "dense6_1.bias"}


@pytest.fixture(params=catalog.entries("FaceSpotter"), scope="module")
def spotter(request):
    return tiny.engine(request.param)


@pytest.fixture
def trained(request, spotter):
    if tiny.is_tiny(request.node.callspec.params["spotter"]):
        pytest.skip("with made-up weights it finds no faces")
    return spotter


def small(name, height_px=40, side_px=900):
    """Return a portrait so small in a grey picture that its face is `height_px` high; and its points."""
    from PIL import Image

    finder = catalog.entry("face-mesh").build()
    portrait = read_picture(shared(f"portraits/{name}"))
    (face,) = finder.find(portrait)
    scale = height_px / face.height_px
    seen = Image.fromarray(portrait).resize([round(each * scale) for each in portrait.shape[1::-1]])
    whole = Image.new("RGB", (side_px, side_px), (90, 100, 110))
    whole.paste(seen, (500, 300))
    return finder, np.asarray(whole), five_points(face.points) * scale + (500, 300)


@pytest.mark.parametrize("name", ["woman_astronaut_512.png", "painting_mona_lisa.png"])
def test_a_face_that_is_too_small_for_the_finder_is_spotted(trained, name):
    finder, picture, five = small(name)
    assert finder.find(picture) == ()
    (spotted,) = trained.spot(picture)
    assert spotted.points.shape == (5, 2) and spotted.score > 0.9
    assert np.abs(spotted.points - five).max() < 5
    (face,) = confirmed(finder, picture, [spotted.points])
    assert face.score >= DOUBTFUL and np.abs(five_points(face.points) - five).max() < 5
    assert judge(finder, picture, trained).told == "A face was found."


def test_nothing_is_spotted_where_there_is_nothing(spotter):
    assert spotter.spot(read_picture(shared("portraits/noface_cat.png"))) == ()
    assert spotter.spot(np.zeros((7, 300, 3), np.uint8)) == ()
    assert spotter.spot(np.full((64, 64, 3), 200, np.uint8)) == ()


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_whatever_is_spotted_has_five_points_the_largest_first(spotter, mode, tmp_path):
    from PIL import Image

    astronaut = Image.open(shared("portraits/woman_astronaut_512.png")).convert("RGB")
    whole = Image.new("RGB", (720, 512))
    whole.paste((255, 0, 0), (32, 320, 64, 352))  # for the one that takes red for faces
    whole.paste(astronaut, (208, 0))
    whole.paste(astronaut.resize((200, 200)), (0, 0))
    whole.convert(mode).save(tmp_path / "both.tiff")
    picture = read_picture(tmp_path / "both.tiff")
    found, again = spotter.spot(picture), spotter.spot(picture.copy())
    assert found or mode == "L"
    sizes = [round(float(np.ptp(each.points[:, 1])), 2) for each in found]
    assert all(each.points.shape == (5, 2) and 0 < each.score <= 1 for each in found)
    assert sizes == sorted(sizes, reverse=True)
    assert [each.points.tolist() for each in found] == [each.points.tolist() for each in again]


def test_what_was_spotted_but_no_face_is_shown_to_the_user():
    class Guesses:
        def spot(self, picture):
            five = np.array([[200, 90], [260, 90], [230, 120], [210, 150], [250, 150]], np.float32)
            return (Spotted(five, 0.8),)

    cat = read_picture(shared("portraits/noface_cat.png"))
    judged = judge(catalog.entry("face-mesh").build(), cat, Guesses())
    assert judged.unsure and "may be a face" in judged.told
    assert judged.five[0] == pytest.approx((200 / 451, 90 / 300))


def test_the_cascade_has_the_official_layout():
    from engines.faces.mtcnn_net import Cascade

    networks = Cascade()
    for name, network in networks.named_children():
        words = SHAPES[name].split()
        official = {}
        for layer, shape in zip(words[::2], words[1::2], strict=True):
            sizes = tuple(map(int, shape.split(",")))
            official[f"{layer}.weight"] = sizes
            if not layer.startswith("prelu"):
                official[f"{layer}.bias"] = sizes[:1]
        assert {key: tuple(each.shape) for key, each in network.state_dict().items()} == official


def test_random_weights_load_and_wrong_ones_are_told(tmp_path, monkeypatch):
    import torch
    from safetensors.torch import save_file

    from engines.faces.mtcnn import Mtcnn
    from engines.faces.mtcnn_net import Cascade

    monkeypatch.setenv("UNDERSTUDY_DATA_DIR", str(tmp_path))
    place = tmp_path / "share" / "tiny"
    place.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    with pytest.raises(MissingWeights, match=r"pnet\.safetensors"):
        Mtcnn(folder="tiny").spot(picture)
    torch.manual_seed(0)
    networks = dict(Cascade().named_children())
    for name, network in networks.items():
        for bias in (each for key, each in network.state_dict().items() if key in FACE_BIASES):
            bias.copy_(bias + torch.tensor([-3.0, 3.0]))  # they take everything for a face
        save_file(network.state_dict(), place / f"{name}.safetensors")
    found = Mtcnn(folder="tiny").spot(picture)
    again = Mtcnn(folder="tiny").spot(picture)
    assert found and all(each.score > 0.7 and each.points.shape == (5, 2) for each in found)
    assert [each.points.tolist() for each in found] == [each.points.tolist() for each in again]
    save_file(networks["pnet"].state_dict(), place / "onet.safetensors")
    with pytest.raises(BadInput, match=r"onet\.safetensors"):
        Mtcnn(folder="tiny").spot(picture)
