"""Separators with networks: their files, their seams, and that they do what the official code does."""

import json
import random
import shutil

import numpy as np
import pytest

from engines.separation import bags
from engines.separation.demucs import Demucs
from engines.separation.overlap import Level, Part, level_of, split, trapezoid, triangle
from engines.separation.roformer import PUBLISHED, Roformer
from media.audio import Audio, open_audio, write_audio
from studio.errors import BadInput, Cancelled, MissingWeights
from studio.progress import silent
from tests import tiny
from tests.tiny.demucs_bags import SOURCES, write_bag, write_network
from tests.tiny.roformers import MEL, write

NEURAL = ["htdemucs", "htdemucs-ft", "htdemucs-6s", "melband-roformer", "bs-roformer"]


def noise(samples, seed=1, channels=2):
    """Return something like music: noise whose loudness changes, with a little offset."""
    chance = np.random.default_rng(seed)
    loud = np.interp(np.arange(samples), np.linspace(0, samples, 9), chance.uniform(0.02, 0.4, 9))
    return (chance.standard_normal((channels, samples)) * loud * 0.3 + 0.01).astype(np.float32)


def a_file(tmp_path, samples, rate_hz=44_100, channels=2):
    return open_audio(
        write_audio(Audio(noise(samples, channels=channels), rate_hz), tmp_path / "x.flac")
    )


def voice(blocks):
    return np.concatenate([each["vocals"].samples for each in blocks], axis=1)


# -- the leading over long sound ------------------------------------------------------------------


def tanh_smeared(piece):
    """Not linear, and hears a little to both sides, like a network."""
    kernel = np.hanning(301) / 150
    return np.stack([np.tanh(np.convolve(each, kernel, "same")) for each in piece]).astype(
        np.float32
    )


def whole(sound, part):
    """Do what `split` does with all of the sound in memory, the plain way."""
    segment = part.weight.size
    size = sound.shape[1] + part.lead
    padded = np.pad(sound, ((0, 0), (segment + part.lead, 2 * segment)))
    total, weights = np.zeros((2, size), np.float64), np.zeros(size)
    for at in range(0, size, part.stride):
        known = min(segment, size - at)
        before = (segment - known) // 2
        piece = padded[:, segment + at - before :][:, :segment]
        found = part.estimate(np.ascontiguousarray(piece))[:, before : before + known]
        total[:, at : at + known] += found * part.weight[:known]
        weights[at : at + known] += part.weight[:known]
    return (total / weights)[:, part.lead :]


@pytest.mark.parametrize("read_s", [0.01, 0.37, 5.0, 60.0])
@pytest.mark.parametrize("samples", [1, 999, 4_000, 30_001])
@pytest.mark.parametrize(
    ("weight", "stride", "lead"),
    [
        (triangle(4_000), 3_000, 0),
        (triangle(4_000), 3_000, 777),
        (trapezoid(4_001, 400), 1_000, 3_001),
    ],
)
def test_block_by_block_is_the_whole_file(read_s, samples, weight, stride, lead, tmp_path):
    file = a_file(tmp_path, samples)
    part = Part(tanh_smeared, weight, stride, lead)
    found = voice(split(file, [part], Level(), silent, read_s))
    assert found.shape == (2, samples)
    assert np.abs(found - whole(file.read().samples, part)).max() < 1e-6


def test_parts_are_averaged_by_their_shares(tmp_path):
    file = a_file(tmp_path, 10_000)
    flat = np.ones(1_000, np.float32)
    parts = [
        Part(lambda piece: piece, flat, 500, lead=13, share=0.25),
        Part(np.negative, flat, 700, share=0.75),
    ]
    found = voice(split(file, parts, Level(), silent))
    assert np.abs(found + 0.5 * file.read().samples).max() < 1e-6


@pytest.mark.parametrize("rate_hz", [8_000, 48_000])
def test_another_rate_comes_back_in_time(rate_hz, tmp_path):
    chirp = np.sin(np.cumsum(np.linspace(0.02, 0.9, 3 * rate_hz))).astype(np.float32) * 0.5
    file = open_audio(write_audio(Audio(chirp[None], rate_hz), tmp_path / "x.flac"))
    part = Part(lambda piece: piece, triangle(20_000), 15_000)
    found = voice(split(file, [part], Level(), silent, read_s=0.3))
    middle = slice(rate_hz // 10, -rate_hz // 10)
    assert np.abs(found - chirp)[:, middle].max() < 1e-3


def test_the_level_is_that_of_the_whole_file(tmp_path):
    import torch

    file = a_file(tmp_path, 1_500_000)
    middle = torch.from_numpy(file.read().samples).mean(0)
    level = level_of(file, lambda: None)
    assert level.mean == pytest.approx(middle.mean().item(), rel=1e-4)
    assert level.deviation == pytest.approx(middle.std().item(), rel=1e-5)


@pytest.mark.parametrize("id_", NEURAL)
def test_stop_is_heard_within_one_segment(id_, tmp_path):
    engine = tiny.engine(id_)
    network = next(iter(engine.networks().values()))
    heard, asked = [], []
    hook = network.register_forward_pre_hook(lambda *_: heard.append(1))

    def stop(done, total):
        asked.append(len(heard))
        if len(heard) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(engine.separate(a_file(tmp_path, 44_100 * 12), stop))
    hook.remove()
    assert len(heard) == 3 and set(asked) == {0, 1, 2, 3}  # asked before each


# -- Demucs ---------------------------------------------------------------------------------------


def officially(folder, name, sound, shifts=0, seed=0):
    """Return the vocals of the official code, with the whole sound in memory.

    Its networks draw from the random numbers too that its shifts are drawn from: here they do not.
    """
    import torch
    import yaml
    from demucs.apply import BagOfModels, apply_model
    from demucs.hf import load_safetensors_model

    bag = yaml.safe_load((folder / f"{name}.yaml").read_text())
    models = [load_safetensors_model(folder / f"{each}.safetensors") for each in bag["models"]]
    together = BagOfModels(models, bag.get("weights"), bag.get("segment")).eval()
    wave = torch.from_numpy(sound)
    middle = wave.mean(0)
    mean, deviation = middle.mean(), middle.std() + 1e-8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("demucs.apply.random", random.Random(seed))
        found = apply_model(together, ((wave - mean) / deviation)[None], shifts=shifts)
    found = found * deviation + mean
    return found[0, together.sources.index("vocals")].numpy()


@pytest.mark.parametrize("id_", ["htdemucs", "htdemucs-ft", "htdemucs-6s"])
@pytest.mark.parametrize(("samples", "shifts"), [(44_100, 0), (100_001, 0), (80_000, 2)])
def test_it_is_the_official_separation(id_, samples, shifts, tmp_path):
    folder, name = tiny.weights(id_), id_.replace("-", "_")
    file = a_file(tmp_path, samples)
    engine = Demucs(weights=folder, name=name, shifts=shifts, seed=5)
    found = voice(engine.separate(file, silent))
    wanted = officially(folder, name, file.read().samples, shifts, seed=5)
    assert np.abs(wanted).max() > 1e-3
    assert np.abs(found - wanted).max() < 1e-5 * max(1.0, np.abs(wanted).max())


def test_a_bag_that_mixes_its_networks(tmp_path):
    weights = [[0, 0, 0, 1.0], [1.0, 1.0, 1.0, 0], [0, 0, 0, 3.0]]
    write_bag(tmp_path, "mixed", ["one", "two", "three"], weights)
    file = a_file(tmp_path, 60_000)
    engine = Demucs(weights=tmp_path, name="mixed", shifts=1)
    assert list(engine.networks()) == ["one", "three"]
    found = voice(engine.separate(file, silent))
    wanted = officially(tmp_path, "mixed", file.read().samples, 1)
    assert np.abs(found - wanted).max() < 1e-5 * max(1.0, np.abs(wanted).max())


def test_shifts_follow_the_seed(tmp_path):
    file = a_file(tmp_path, 40_000)
    one, same, other = (
        voice(
            Demucs(weights=tiny.weights("htdemucs"), name="htdemucs", shifts=1, seed=seed).separate(
                file, silent
            )
        )
        for seed in (1, 1, 2)
    )
    assert (one == same).all() and np.abs(one - other).max() > 1e-5


def test_only_the_networks_that_count_are_needed(tmp_path):
    folder = tmp_path / "ft"
    shutil.copytree(tiny.weights("htdemucs-ft"), folder)
    for each in ("f7e0c4bc", "d12395a8", "92cfc3b6"):
        (folder / f"{each}.safetensors").unlink()
    assert list(Demucs(weights=folder, name="htdemucs_ft").networks()) == ["04573f0d"]


@pytest.mark.parametrize("id_", ["htdemucs", "htdemucs-ft", "htdemucs-6s"])
def test_the_official_layout_is_read_key_for_key(id_):
    from safetensors import safe_open

    engine = tiny.engine(id_)
    networks = engine.networks()
    assert networks == engine.networks()  # always the same
    for signature, network in networks.items():
        own = {name: tuple(each.shape) for name, each in network.state_dict().items()}
        assert "crosstransformer.layers.0.self_attn.in_proj_weight" in own
        assert not network.training
        with safe_open(tiny.weights(id_) / f"{signature}.safetensors", "pt") as file:
            held = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        assert held == own


def test_the_published_size_has_the_published_keys():
    import torch
    from demucs.htdemucs import HTDemucs

    with torch.device("meta"):
        full = HTDemucs(SOURCES, bottom_channels=512, dconv_mode=3)
    assert sum(each.numel() for each in full.parameters()) == 41_984_456
    assert full.state_dict()["channel_upsampler.weight"].shape == (512, 384, 1)


def test_an_older_pickle_is_read_without_running_it(tmp_path):
    import io
    from hashlib import sha256

    import torch
    from demucs.htdemucs import HTDemucs

    from tests.tiny.demucs_bags import network

    write_bag(tmp_path, "old", [])
    (tmp_path / "old.yaml").write_text("models: ['abc']")
    made = network()
    args, kwargs = made._init_args_kwargs
    package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": made.state_dict()}
    buffer = io.BytesIO()
    torch.save(package, buffer)
    checksum = sha256(buffer.getvalue()).hexdigest()[:8]
    path = tmp_path / f"abc-{checksum}.th"
    path.write_bytes(buffer.getvalue())
    loaded = Demucs(weights=tmp_path, name="old").networks()["abc"]
    for name, each in made.state_dict().items():
        assert (loaded.state_dict()[name] == each).all()
    path.rename(tmp_path / "abc-00000000.th")
    with pytest.raises(BadInput, match="damaged"):
        Demucs(weights=tmp_path, name="old").networks()
    (tmp_path / "abc-00000000.th").unlink()
    torch.save(package | {"klass": print}, tmp_path / "abc.th")
    with pytest.raises(BadInput, match="not a file of Demucs"):
        Demucs(weights=tmp_path, name="old").networks()


def test_what_is_missing_or_wrong_is_named(tmp_path):
    from safetensors.torch import load_file, save_file

    with pytest.raises(MissingWeights, match=r"htdemucs\.yaml"):
        Demucs(weights=tmp_path, name="htdemucs").networks()
    path = tmp_path / "htdemucs.yaml"
    path.write_text("models: ['abc']")
    with pytest.raises(MissingWeights, match="abc"):
        Demucs(weights=tmp_path, name="htdemucs").networks()
    write_network(tmp_path / "abc.safetensors")
    good = load_file(tmp_path / "abc.safetensors")
    about = {"klass": bags.CLASS, "args": "[]", "kwargs": json.dumps({"sources": SOURCES})}
    save_file(good, tmp_path / "abc.safetensors", metadata=about)
    with pytest.raises(BadInput, match="not a Demucs network"):
        Demucs(weights=tmp_path, name="htdemucs").networks()
    save_file(good, tmp_path / "abc.safetensors", metadata=about | {"klass": "os.system"})
    with pytest.raises(BadInput, match="another network"):
        Demucs(weights=tmp_path, name="htdemucs").networks()
    (tmp_path / "abc.safetensors").write_bytes(b"torn")
    with pytest.raises(BadInput, match="not a file of Demucs"):
        Demucs(weights=tmp_path, name="htdemucs").networks()
    for text in ("models: 3", "weights: [[1, 2]]\nmodels: ['abc']\nmore: 1", "[", "models: []"):
        path.write_text(text)
        with pytest.raises(BadInput):
            Demucs(weights=tmp_path, name="htdemucs").networks()


# -- RoFormer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["melband-roformer", "bs-roformer"])
def test_a_checkpoint_is_read_key_for_key(id_):
    import torch

    engine = tiny.engine(id_)
    network = engine.networks()["roformer"]
    assert network is engine.networks()["roformer"] and not network.training
    folder = tiny.weights(id_)
    path = next(folder.rglob("*.ckpt"))
    held = torch.load(path, weights_only=True)
    own = network.state_dict()
    assert {n: tuple(t.shape) for n, t in held.items()} == {
        n: tuple(t.shape) for n, t in own.items()
    }
    assert all((own[name] == held[name]).all() for name in own)


@pytest.mark.parametrize(("kind", "keys", "millions"), [("mel", 684, 228.2), ("bs", 699, 159.8)])
def test_the_published_shapes(kind, keys, millions):
    """As the official classes have them; the checkpoints of 913 and 639 MB are theirs."""
    import torch

    from engines.separation.nets.roformer import Roformer as Network

    with torch.device("meta"):
        network = Network(PUBLISHED[kind].shape(kind))
    own = network.state_dict()
    assert len(own) == keys
    count = sum(each.numel() for each in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)
    first = "layers.0.0.layers.0"
    assert f"{first}.0.rotary_embed.freqs" in own and f"{first}.1.net.4.bias" in own
    dim = {"mel": 384, "bs": 512}[kind]
    assert own[f"{first}.0.to_qkv.weight"].shape == (3 * 8 * 64, dim)
    assert own["band_split.to_features.0.1.weight"].shape[0] == dim
    assert ("final_norm.gamma" in own) == (kind == "bs")
    assert (f"mask_estimators.0.to_freqs.{59 if kind == 'mel' else 61}.0.0.weight") in own


def test_half_precision_keeps_the_positions(tmp_path):
    import torch

    folder = tiny.weights("melband-roformer")
    file = a_file(tmp_path, 50_000)
    found = []
    for dtype in ("float32", "bfloat16"):
        engine = Roformer(
            weights=folder,
            checkpoint="MelBandRoformer.ckpt",
            kind="mel",
            config="config.yaml",
            dtype=dtype,
        )
        kinds = {
            n.rpartition(".")[2]: p.dtype
            for n, p in engine.networks()["roformer"].named_parameters()
        }
        assert kinds["freqs"] == torch.float32 and kinds["weight"] == getattr(torch, dtype)
        found.append(voice(engine.separate(file, silent)))
    assert 0 < np.abs(found[0] - found[1]).max() < 0.05 * np.abs(found[0]).max()


def test_one_segment_is_the_network_alone(tmp_path):
    import torch

    engine = tiny.engine("melband-roformer")
    file = a_file(tmp_path, 26_460)
    network = engine.networks()["roformer"]

    def alone(piece):
        return network(torch.from_numpy(piece)[None])[0, 0].detach().numpy()

    part = Part(alone, trapezoid(26_460, 2_646), 13_230, lead=13_230)
    wanted = whole(file.read().samples, part)
    found = voice(engine.separate(file, silent))
    assert np.abs(wanted).max() > 1e-3
    assert np.abs(found - wanted).max() < 1e-5


def test_a_checkpoint_of_the_background_gives_the_voice_too(tmp_path):
    write(tmp_path, "MelBandRoformer.ckpt", "mel")
    file = a_file(tmp_path, 30_000)
    found = []
    for target in ("vocals", "other"):
        (tmp_path / "c.yaml").write_text(
            MEL.replace("target_instrument: vocals", f"target_instrument: {target}")
        )
        engine = Roformer(
            weights=tmp_path, checkpoint="MelBandRoformer.ckpt", kind="mel", config="c.yaml"
        )
        found.append(voice(engine.separate(file, silent)))
    assert np.abs(found[0] + found[1] - file.read().samples).max() < 1e-5


def test_a_wrong_roformer_is_named(tmp_path):
    def make(**more):
        return Roformer(weights=tmp_path, checkpoint="a.ckpt", kind="mel", **more)

    with pytest.raises(MissingWeights, match=r"a\.ckpt"):
        make().networks()
    write(tmp_path, "a.ckpt", "mel")
    with pytest.raises(MissingWeights, match=r"c\.yaml"):
        make(config="c.yaml").networks()
    for text, what in [
        (MEL.replace("dim: 16", "dim: much"), "dim"),
        (MEL.replace("linear_transformer_depth: 0", "linear_transformer_depth: 1"), "linear"),
        (MEL.replace("- vocals", "- drums").replace(": vocals", ": drums"), "not voices"),
        ("- [", "no configuration"),
        ("x: !!python/object/apply:os.system ['true']", "no configuration"),
    ]:
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(BadInput, match=what):
            list(make(config="c.yaml").separate(a_file(tmp_path, 100), silent))
    with pytest.raises(BadInput, match="was expected"):
        make().networks()  # the published shape is another
    whole_file = (tmp_path / "original" / "a.ckpt").read_bytes()
    (tmp_path / "b.ckpt").write_bytes(whole_file[:1000])
    with pytest.raises(BadInput):
        Roformer(weights=tmp_path, checkpoint="b.ckpt", kind="mel").networks()
