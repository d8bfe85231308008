"""Every lip syncer keeps the contract of its role; the warp moves lips; MuseTalk's parts by themselves."""

from fractions import Fraction

import numpy as np
import pytest

from engines import catalog
from engines.lip_sync.crop import SIDE_PX, cut_out, paste_back, square_of
from engines.lip_sync.hearing import prompts
from engines.roles import Moment
from media.audio import Audio
from media.lip_sync import opening
from media.pictures import read_picture
from studio.errors import Cancelled, MissingWeights
from studio.progress import silent
from tests import tiny
from tests.media import ROOT

FPS, RATE_HZ, N_FRAMES = 25, 16_000, 6


@pytest.fixture(params=catalog.entries("LipSyncer"), scope="module")
def syncer(request):
    return tiny.engine(request.param)


@pytest.fixture(scope="module")
def portrait():
    return read_picture(ROOT / "assets" / "portrait.jpg", longest_px=320)


@pytest.fixture(scope="module")
def face(portrait):
    return tiny.engine("face-mesh").find(portrait)[0]


def speech(seconds=1.0, level=0.3):
    t = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    return Audio((level * np.sign(np.sin(2 * np.pi * 120 * t)))[None].astype(np.float32), RATE_HZ)


def moments(face, n=N_FRAMES, share=1.0, start=Fraction(1, 4)):
    return [Moment(start + Fraction(i, FPS), face, share) for i in range(n)]


def synced(syncer, frames, at, sound=None, progress=silent):
    return syncer.sync(frames, at, sound or speech(), (), progress=progress)


def test_each_frame_comes_back_and_only_the_face_changes(syncer, portrait, face):
    told = []
    at = moments(face)
    at[2] = Moment(at[2].at_s, None)
    at[3] = Moment(at[3].at_s, face, 0.0)
    made = synced(syncer, iter([portrait] * N_FRAMES), at, progress=lambda *now: told.append(now))
    assert iter(made) is made
    frames = list(made)
    assert len(frames) == N_FRAMES and told[-1] == (N_FRAMES, N_FRAMES)
    assert {(each.shape, each.dtype) for each in frames} == {(portrait.shape, portrait.dtype)}
    changed = [not np.array_equal(each, portrait) for each in frames]
    assert changed == [True, True, False, False, True, True]
    top = int(face.points[[33, 263], 1].max())  # the eyes stay
    assert all(np.array_equal(each[:top], portrait[:top]) for each in frames)


def test_the_same_input_gives_the_same_frames(syncer, portrait, face):
    one, again = (list(synced(syncer, [portrait] * 3, moments(face, 3))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


def test_it_can_be_stopped_and_wants_as_many_frames_as_moments(syncer, portrait, face):
    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(synced(syncer, [portrait] * 3, moments(face, 3), progress=stop))
    with pytest.raises(ValueError, match="zip"):
        list(synced(syncer, [portrait] * 2, moments(face, 3)))


def test_the_warp_opens_a_mouth_with_sound_and_shuts_it_in_silence(portrait, face):
    warp, finder = tiny.engine("mouth-warp"), tiny.engine("face-mesh")
    shut = [portrait] * 8
    open_ = list(synced(warp, shut, moments(face, 8)))[4]
    seen = finder.find(open_)[0]
    assert opening(seen.points) > opening(face.points) + 0.02
    quiet = speech(level=0.0)
    # The film: the mouth shut, then open. In silence it is to be shut all the time.
    film, faces = [*shut[:4], *[open_] * 4], [face] * 4 + [seen] * 4
    at = [Moment(Fraction(i, FPS), each) for i, each in enumerate(faces)]
    closed = list(synced(warp, film, at, quiet))[6]
    assert opening(finder.find(closed)[0].points) < 0.5 * opening(seen.points)


def test_an_untouched_crop_pasted_back_is_the_picture(portrait, face):
    square = square_of(face.points)
    assert max(square.size) < SIDE_PX
    back = paste_back(portrait, cut_out(portrait, square), square, face.points)
    inside = np.zeros(portrait.shape[:2], bool)
    middle = (square.top + square.bottom) // 2
    inside[middle : square.bottom, square.left : square.right] = True
    assert np.array_equal(back[~inside], portrait[~inside])
    error = (back[inside].astype(float) - portrait[inside]) ** 2
    assert 10 * np.log10(255**2 / error.mean()) > 45


def test_a_pasted_face_is_there_and_fades_at_its_border(portrait, face):
    square = square_of(face.points)
    green = np.full((SIDE_PX, SIDE_PX, 3), (0, 255, 0), np.uint8)
    x, y = face.points[13].astype(int)
    whole, half = (paste_back(portrait, green, square, face.points, share) for share in (1.0, 0.5))
    assert (whole[y, x] == (0, 255, 0)).all() and abs(
        int(half[y, x, 0]) - portrait[y, x, 0] / 2
    ) < 2
    steps = np.abs(np.diff(whole[y].astype(int), axis=0)).max(axis=1)
    assert steps.max() < 120  # a hard edge would be one of 200


def test_faces_at_the_picture_s_edge_are_pasted_within_it(portrait, face):
    chin = int(face.points[152, 1])
    low = np.ascontiguousarray(portrait[: chin - 4])
    square = square_of(face.points)
    back = paste_back(low, cut_out(low, square), square, face.points)
    assert back.shape == low.shape


def test_frames_hear_by_their_own_time_at_any_rate():
    import torch

    states = torch.arange(200.0)[:, None, None].expand(200, 2, 4)
    for rate in (Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(60)):
        times = [i / rate for i in range(int(3 * rate))]
        heard = prompts(states, times) - prompts(torch.zeros_like(states), times)
        pad = -(-50 // rate)
        first = heard[len(times) // 2, 0, 0].round() + 2 * pad
        assert first == int(50 * times[len(times) // 2])
        assert heard.shape[1:] == (20, 4)


def test_musetalk_reads_the_official_files_whole(tmp_path):
    from safetensors.torch import load_file

    from tests.tiny import musetalk_15

    engine = tiny.tiny("musetalk-15")
    nets = engine.networks()
    assert set(nets) == {"unet", "vae", "ears"} and nets["unet"] is engine.networks()["unet"]
    folder = tiny.weights("musetalk-15")
    stored = load_file(folder / "musetalkV15" / "unet.safetensors")
    own = nets["unet"].state_dict()
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in stored.items()}
    assert not any(each.training or next(each.parameters()).requires_grad for each in nets.values())
    older = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    name = "encoder.mid_block.attentions.0"
    assert (nets["vae"].state_dict()[f"{name}.to_q.weight"] == older[f"{name}.query.weight"]).all()
    musetalk_15.make(tmp_path)
    (tmp_path / "musetalkV15" / "musetalk.json").unlink()
    with pytest.raises(MissingWeights, match=r"musetalk\.json"):
        catalog.entry("musetalk-15").build(tmp_path).networks()


@pytest.mark.parametrize("drop", ["vae/config.json", "ears/config.json", "musetalkV15/unet.pth"])
def test_what_is_missing_is_named(drop, tmp_path):
    from tests.tiny import musetalk_15

    musetalk_15.make(tmp_path)
    (tmp_path / drop).unlink()
    with pytest.raises(MissingWeights):
        catalog.entry("musetalk-15").build(tmp_path).networks()
