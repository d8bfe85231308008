"""SoulX-FlashHead with tiny random weights in the official layout, and its official sizes without any."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engines import catalog
from engines.animation.nets.colours import matched
from engines.animation.nets.flashhead import FlashHead
from engines.animation.nets.flashhead_sampler import CARRIED, CHUNK, FRESH, Sampler, times
from engines.roles import Face, Part
from media.audio import Audio, open_audio, write_audio
from studio.errors import BadInput, Cancelled, MissingWeights
from studio.progress import silent
from tests import tiny
from tests.tiny.flashhead_pro import published

ID, SIZE = "flashhead-pro", 32


@pytest.fixture(scope="module")
def engine():
    return tiny.engine(ID)


def speech(tmp_path, seconds, seed=0, rate_hz=16_000):
    noise = np.random.default_rng(seed).normal(0, 0.1, (1, round(seconds * rate_hz)))
    path = tmp_path / f"{seconds}-{seed}.flac"
    return open_audio(write_audio(Audio(noise.astype(np.float32), rate_hz), path))


def sitter(width=SIZE, height=SIZE):
    """Return a picture and a face whose square is all of it where it is square."""
    pixels = np.random.default_rng(5).integers(60, 200, (height, width, 3), np.uint8)
    points = np.full((468, 2), (width / 2, height / 2), np.float32)
    points[[10, 152], 1] = height * 0.2, height * 0.8
    return pixels, Face(points, 1.0, 0.0)


def film(engine, sound, *, size=(SIZE, SIZE), fps=25.0, seed=0, progress=silent, part=None):
    picture, face = sitter(*size)
    return list(
        engine.animate(picture, face, sound, (), fps=fps, seed=seed, progress=progress, part=part)
    )


def apart(one, other):
    return float(np.abs(np.stack(one).astype(int) - np.stack(other)).mean())


def test_the_official_layout_has_those_names_and_sizes():
    with torch.device("meta"):
        state = FlashHead(published()).state_dict()
    shapes = {name: tuple(each.shape) for name, each in state.items()}
    assert shapes["patch_embedding.weight"] == (1536, 32, 1, 2, 2)
    assert shapes["blocks.29.cross_attn.norm_k.weight"] == (1536,)
    assert shapes["blocks.0.ffn.2.weight"] == (1536, 8960)
    assert shapes["blocks.7.modulation"] == (1, 6, 1536)
    assert shapes["audio_proj.proj1.weight"] == (512, 5 * 12 * 768)
    assert shapes["audio_proj.proj1_vf.weight"] == (512, 8 * 12 * 768)
    assert shapes["audio_proj.proj3.weight"] == (32 * 1536, 512)
    assert shapes["head.head.weight"] == (64, 1536) and shapes["head.modulation"] == (1, 2, 1536)
    assert len(shapes) == 30 * 27 + 21
    text = 4096 * 1536 + 1536 + 1536**2 + 1536
    emb = 2 * 768 + 768**2 + 768 + 768 * 1536 + 1536 + 2 * 1536
    numbers = sum(each.numel() for each in state.values()) + text + emb
    weights = catalog.entry(ID).weights
    official = {each.path: each.bytes for each in weights.files}
    header = official["Model_Pro/diffusion_pytorch_model.safetensors"] - 4 * numbers
    assert 0 < header < 200_000  # what is left of the official file is its table of names


def test_every_name_of_the_files_is_used_or_known_to_be_unused(engine):
    place = tiny.weights(ID) / "Model_Pro" / "diffusion_pytorch_model.safetensors"
    there = {each for each in load_file(place) if not each.startswith(("text_", "audio_emb."))}
    networks = engine.networks()
    assert there == set(networks["transformer"].state_dict())
    assert len(networks["vae"].state_dict()) == 194
    assert networks["transformer"] is engine.networks()["transformer"]
    assert not any(each.training for each in networks.values())


def test_missing_and_wrong_files_are_told(tmp_path):
    for name in ("Model_Pro", "VAE_Wan", "hearing"):
        shutil.copytree(tiny.weights(ID) / name, tmp_path / name)
    entry = catalog.entry(ID)
    entry = replace(entry, settings={**entry.settings, "dtype": "float32"})
    file = tmp_path / "Model_Pro" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    del tensors["blocks.1.self_attn.q.bias"]
    save_file(tensors, file)
    with pytest.raises(BadInput, match=r"self_attn\.q\.bias"):
        entry.build(tmp_path).networks()
    about = tmp_path / "Model_Pro" / "config.json"
    about.write_text(json.dumps({"dim": 24}))
    with pytest.raises(BadInput, match="not the FlashHead"):
        entry.build(tmp_path).networks()
    about.unlink()
    with pytest.raises(MissingWeights, match=r"config\.json"):
        entry.build(tmp_path).networks()


def test_times_go_from_noise_to_picture():
    assert times(4) == pytest.approx([1, 0.9375, 5 / 6, 0.625, 0])  # shifted by 5
    assert times(2) == pytest.approx([1, 5 / 6, 0])


def test_colours_are_those_of_the_reference():
    dice = torch.Generator().manual_seed(0)
    frames = torch.rand((3, 3, 16, 16), generator=dice) * 0.3 + 0.4
    reference = torch.rand((3, 16, 16), generator=dice) * 0.2 + 0.3
    made = matched(frames, reference)
    assert torch.allclose(matched(made, reference), made, atol=1e-4)
    assert abs(float(made.mean() - reference.mean())) < 0.01
    assert torch.allclose(matched(reference[None], reference)[0], reference, atol=1e-5)


def test_the_end_of_a_chunk_begins_the_next_one(engine):
    """What is carried stands in the latent exactly, whatever the network draws."""
    networks = engine.networks()
    sampler = Sampler(networks["transformer"], networks["vae"], sitter()[0], steps=2)
    dice = torch.Generator().manual_seed(1)
    heard = torch.randn((CHUNK, 5, 1, 16), generator=dice)
    first = sampler.film(heard, lambda size: torch.randn(size, generator=dice))
    assert first.shape == (FRESH, SIZE, SIZE, 3) and sampler._motion.shape[1] == 2
    carried = sampler._motion.clone()
    sampler.go_on_from(list(first[-CARRIED:]))  # of 8 bits
    assert (sampler._motion - carried).abs().mean() < 0.05 * carried.std()
    with torch.inference_mode():
        latent = sampler._latent(heard, lambda size: torch.randn(size, generator=dice))
    assert torch.equal(latent[:, :2], sampler._motion)


def test_a_film_in_parts_goes_on_where_the_part_before_ended(engine, tmp_path):
    sound = speech(tmp_path, 2.24)
    whole = film(engine, sound)
    assert len(whole) == 2 * FRESH
    later = Part(FRESH, 2 * FRESH, 0.0, tuple(whole[FRESH - engine.looks_back : FRESH]))
    alone = Part(FRESH, 2 * FRESH)
    assert np.array_equal(film(engine, sound, part=Part(0, FRESH)), whole[:FRESH])
    after = apart(film(engine, sound, part=later), whole[FRESH:])
    assert after < 1  # what was carried had 8 bits
    assert apart(film(engine, sound, part=alone), whole[FRESH:]) > 3 * after


@pytest.mark.parametrize(("fps", "frames"), [(24.0, 22), (30.0, 28)])
def test_other_rates_show_the_frames_nearest_in_time(engine, tmp_path, fps, frames):
    sound = speech(tmp_path, 0.92)
    own, shown = film(engine, sound), film(engine, sound, fps=fps)
    assert len(own) == 23 and len(shown) == frames
    for index, frame in enumerate(shown):
        assert np.array_equal(frame, own[int((index + 0.5) * 25 / fps)])
    cut = frames - 9
    rest = Part(cut, frames, 0.0, tuple(shown[cut - engine.looks_back : cut]))
    assert len(film(engine, sound, fps=fps, part=rest)) == 9


def test_sound_is_heard_at_any_rate_and_nothing_after_the_chunk(engine, tmp_path):
    short = film(engine, speech(tmp_path, 1.12))
    sound = speech(tmp_path, 1.12).read().samples[0]
    longer = np.concatenate([sound, np.ones(16_000, np.float32) * 0.2])[None]
    path = write_audio(Audio(longer, 16_000), tmp_path / "longer.flac")
    assert np.array_equal(film(engine, open_audio(path))[:FRESH], short)
    assert len(film(engine, speech(tmp_path, 0.2, rate_hz=44_100))) == 5


def test_it_can_be_stopped_within_a_chunk(engine, tmp_path):
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        film(engine, speech(tmp_path, 0.2), progress=stop)
    assert calls == [0, 0, 0]
    assert len(film(engine, speech(tmp_path, 0.2))) == 5  # and nothing is left behind
