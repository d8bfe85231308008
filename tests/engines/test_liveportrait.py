"""LivePortrait and JoyVASA: official files, geometry, motion, seams. What they draw is random here."""

import pickle
import shutil

import numpy as np
import pytest

from engines import catalog
from engines.animation.liveportrait_crop import eye_ratios, lip_ratio, mask, resized, square
from engines.animation.liveportrait_motion import LIPS, Likeness, Poses, moved, rotation
from engines.animation.liveportrait_networks import FILES
from engines.roles import Part
from media.audio import Audio, open_audio, write_audio
from media.pictures import read_picture
from studio.errors import BadInput, Cancelled, MissingWeights
from studio.progress import silent
from tests import tiny
from tests.media import ROOT
from tests.tiny import liveportrait

RATE_HZ = 48_000
FPS = 5.0


@pytest.fixture(scope="module")
def portrait():
    return read_picture(ROOT / "assets" / "portrait.jpg", longest_px=256)


@pytest.fixture(scope="module")
def face(portrait):
    entry = catalog.entry("face-mesh")
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build().find(portrait)[0]


def speech(tmp_path, seconds, name="s.flac"):
    """Write a noise whose loudness changes."""
    chance = np.random.default_rng(3)
    size = round(seconds * RATE_HZ)
    loud = np.interp(np.arange(size), np.linspace(0, size, 40), chance.uniform(0, 0.3, 40))
    samples = (chance.standard_normal(size) * loud)[None].astype(np.float32)
    return open_audio(write_audio(Audio(samples, RATE_HZ), tmp_path / name))


def poses(frames, seed=0):
    chance = np.random.default_rng(seed)

    def draw(*shape):
        return chance.normal(size=shape).astype(np.float32)

    return Poses(
        20 * draw(frames, 3), np.exp(draw(frames, 1)), draw(frames, 3), draw(frames, 21, 3)
    )


# -- the official files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "millions", "some"),
    [
        (
            "liveportrait", "AppearanceExtractor", 0.836,
            {"resblocks_3d.3dr5.conv2.weight": (32, 32, 3, 3, 3), "second.weight": (512, 256, 1, 1)},
        ),
        (
            "liveportrait", "Warp", 45.530,
            {
                "dense_motion_network.mask.weight": (22, 142, 7, 7, 7),
                "dense_motion_network.hourglass.encoder.down_blocks.4.conv.weight": (1024, 512, 3, 3, 3),
                "third.conv.weight": (256, 512, 3, 3),
            },
        ),
        (
            "motion_extractor", "MotionExtractor", 28.119,
            {
                "detector.stages.2.8.grn.gamma": (1, 1, 1, 1536),
                "detector.fc_kp.weight": (63, 768),
                "detector.fc_yaw.bias": (66,),
            },
        ),
        (
            "spade", "Generator", 55.365,
            {
                "G_middle_5.norm_1.mlp_gamma.weight": (512, 128, 3, 3),
                "up_0.conv_s.weight_orig": (256, 512, 1, 1),
                "up_1.conv_0.weight_v": (2304,),
                "conv_img.0.weight": (12, 64, 3, 3),
            },
        ),
        (
            "motion_extractor", "fittings", 0.227,
            {"retarget_shoulder.mlp.6.bias": (65,), "retarget_eye.mlp.0.weight": (256, 66)},
        ),
    ],
)  # fmt: skip
def test_the_official_keys_and_shapes_are_ours(module, name, millions, some):
    import torch

    from engines.animation.nets.liveportrait import Widths

    nets = __import__(f"engines.animation.nets.{module}", fromlist=[name])
    with torch.device("meta"):
        network = getattr(nets, name)(Widths())
    state = {key: tuple(each.shape) for key, each in network.state_dict().items()}
    assert some.items() <= state.items()
    assert sum(each.numel() for each in network.parameters()) / 1e6 == pytest.approx(
        millions, abs=5e-4
    )


def test_joyvasa_has_the_official_keys_and_shapes():
    import torch

    from engines.animation.nets.joyvasa import Motion, Shape

    with torch.device("meta"):
        state = Motion(Shape()).state_dict()
    shapes = {key: tuple(each.shape) for key, each in state.items()}
    assert {
        "start_motion_feat": (1, 10, 70),
        "audio_feature_map.weight": (512, 768),
        "denoising_net.TE.pe": (1, 501, 512),
        "denoising_net.PE.pe": (1, 600, 512),
        "denoising_net.alignment_mask": (110, 110),
        "denoising_net.transformer.layers.7.multihead_attn.in_proj_weight": (1536, 512),
        "diffusion_sched.sigmas_inflex": (501,),
    }.items() <= shapes.items()


def copied(tmp_path):
    """Return files of its own, as they are published: those that all share are converted already."""
    liveportrait.make(tmp_path / "w")
    return tmp_path / "w"


def engine(folder):
    from engines.animation.liveportrait import LivePortrait

    return LivePortrait(
        weights=folder, motion=folder / "motion", hearing=folder / "hearing", narrow=16, steps=2
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (FILES["W"], MissingWeights),
        ("motion/motion_generator/motion_generator_hubert_chinese.pt", MissingWeights),
        ("hearing/config.json", MissingWeights),
    ],
)
def test_a_file_that_is_not_there_is_named(path, error, tmp_path):
    folder = copied(tmp_path)
    (folder / path).unlink()
    with pytest.raises(error, match=path.rpartition("/")[2]):
        engine(folder).networks()


def test_another_network_is_refused(tmp_path):
    folder = copied(tmp_path)
    shutil.copy(folder / FILES["F"], folder / FILES["G"])
    with pytest.raises(BadInput, match="spade_generator"):
        engine(folder).networks()


def test_a_template_that_wants_to_run_code_is_not_opened(tmp_path, portrait, face):
    folder = copied(tmp_path)
    (folder / "motion" / "motion_template" / "motion_template.pkl").write_bytes(
        pickle.dumps({"mean_exp": shutil.rmtree})
    )
    with pytest.raises(BadInput, match="not opened"):
        list(film(engine(folder), portrait, face, speech(tmp_path, 0.3)))


# -- geometry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 25])
def test_an_untouched_square_goes_back_as_it_was(degrees, portrait, face):
    import cv2

    turn = cv2.getRotationMatrix2D((128, 128), degrees, 0.9)
    turned = cv2.warpAffine(portrait, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    points = (face.points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    crop = square(points, 512)
    paste = crop.onto(turned, mask(512))
    back, changed = paste(crop.cut(turned)), paste(255 - crop.cut(turned))
    inside = (changed != turned).any(axis=2)
    assert 0.2 < inside.mean() < 0.95
    assert np.array_equal(back[~inside], turned[~inside])
    error = (back[inside].astype(float) - turned[inside]) ** 2
    assert 10 * np.log10(255**2 / error.mean()) > 45


def test_the_face_stands_upright_in_its_square(face):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]], np.float32)
    crop, turned = square(face.points, 512), square(face.points @ turn.T, 512)
    for points, each in ((face.points, crop), (face.points @ turn.T, turned)):
        there = points @ each.turn[:, :2].T + each.turn[:, 2]
        eyes, mouth = there[[33, 133, 362, 263]].mean(axis=0), there[[61, 291]].mean(axis=0)
        assert abs(eyes[0] - mouth[0]) < 1.0 and eyes[1] < mouth[1]
        size = np.ptp(there[[105, 334, 152, 127, 356]], axis=0).max()
        assert size == pytest.approx(512 / 2.3, rel=0.15)


def test_the_smaller_square_shows_the_same(portrait, face):
    large = square(face.points, 512)
    small = resized(large, 128).cut(portrait).astype(int)
    shrunk = large.cut(portrait).reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 1.0


def test_how_open_mouth_and_eyes_are(face):
    assert lip_ratio(face.points) < 0.05 and all(
        0.2 < each < 0.8 for each in eye_ratios(face.points)
    )


# -- motion -----------------------------------------------------------------------------------


def test_at_rest_the_portrait_is_itself():
    source = Likeness(poses(1, seed=1), poses(1, seed=2).expression[0])
    rest = poses(1, seed=3)
    assert np.allclose(moved(source, rest, rest)[0], source.key_points(), atol=1e-4)


def test_a_turn_of_the_other_head_is_a_turn_of_ours():
    zero = Poses(*(np.zeros(s, np.float32) for s in ((1, 3),)), np.ones((1, 1), np.float32),
                 np.zeros((1, 3), np.float32), np.zeros((1, 21, 3), np.float32))  # fmt: skip
    points = poses(1, seed=4).expression[0]
    turned = Poses(np.array([[0, 30, 0]], np.float32), zero.scale, zero.shift, zero.expression)
    found = moved(Likeness(zero, points), turned, zero)[0]
    assert np.allclose(found, points @ rotation(turned.angles)[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(found, axis=1), np.linalg.norm(points, axis=1), atol=1e-5)


def test_lips_may_stand_where_the_others_do():
    source, rest = Likeness(poses(1, seed=1), poses(1, seed=2).expression[0]), poses(1, seed=3)
    other = poses(2, seed=5)
    bare = Poses(np.zeros((2, 3), np.float32), other.scale, other.shift, other.expression)
    still = Poses(np.zeros((1, 3), np.float32), rest.scale, rest.shift, rest.expression)
    mine = moved(source, bare, still)
    theirs = moved(source, bare, still, own_lips=False)
    others = [each for each in range(21) if each not in LIPS]
    assert np.array_equal(mine[:, others], theirs[:, others])
    assert not np.allclose(mine[:, LIPS], theirs[:, LIPS])


# -- speech -----------------------------------------------------------------------------------


def film(made, portrait, face, sound, seed=0, part=None):
    return made.animate(portrait, face, sound, (), fps=FPS, seed=seed, progress=silent, part=part)


def test_parts_meet_without_a_jump(portrait, face, tmp_path):
    """Two parts are given the sound around them alone, as the workflow does it."""
    made = tiny.engine("liveportrait")
    whole = speech(tmp_path, 9.0)
    excerpts = []
    for name, start_s, end_s in (("a", 0, 7), ("b", 3, 9)):
        path = write_audio(whole.cut(start_s, end_s), tmp_path / f"{name}.flac")
        excerpts.append(open_audio(path))
    cut = round(5 * FPS)
    before = list(film(made, portrait, face, excerpts[0], part=Part(0, cut)))
    later = Part(cut - round(3 * FPS), round(6 * FPS), 3.0)
    after = list(film(made, portrait, face, excerpts[1], part=later))
    assert (len(before), len(after)) == (cut, round(4 * FPS))
    frames = np.stack([*before, *after]).astype(np.int16)
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert steps[cut - 1] <= max(*steps[: cut - 1], *steps[cut:])
    alone = list(film(made, portrait, face, excerpts[1], part=Part(later.first, later.stop, 4.0)))
    assert not np.array_equal(alone[0], after[0])  # the cut's own motion hangs on where it is
    assert np.array_equal(alone[-1], after[-1])


def test_the_same_seed_gives_the_same_film(portrait, face, tmp_path):
    made, sound = tiny.engine("liveportrait"), speech(tmp_path, 0.5)
    one, again, other = (list(film(made, portrait, face, sound, seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_frames_come_one_at_a_time_and_change_the_square_alone(portrait, face, tmp_path):
    told = []
    frames = tiny.engine("liveportrait").animate(
        portrait, face, speech(tmp_path, 1.0), (), fps=FPS, seed=0,
        progress=lambda *now: told.append(now),
    )  # fmt: skip
    assert iter(frames) is frames
    made = list(frames)
    assert len(made) == round(FPS) and told[-1] == (5, 5)
    corners = np.linalg.inv(np.vstack([square(face.points, 512).turn, [0, 0, 1]])) @ np.array(
        [[0, 512, 0, 512], [0, 0, 512, 512], [1, 1, 1, 1]]
    )
    left, top = np.maximum(corners[:2].min(axis=1).astype(int), 0)
    right, bottom = corners[:2].max(axis=1).astype(int) + 2
    outside = np.ones(portrait.shape[:2], bool)
    outside[top:bottom, left:right] = False
    assert outside.any()
    for frame in made:
        assert np.array_equal(frame[outside], portrait[outside])
        assert not np.array_equal(frame, portrait)


def test_it_can_be_stopped(portrait, face, tmp_path):
    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(
            tiny.engine("liveportrait").animate(
                portrait, face, speech(tmp_path, 1.0), (), fps=FPS, seed=0, progress=stop
            )
        )
