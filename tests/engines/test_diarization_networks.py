"""The diarizers with networks: official layouts, official answers, hours in little memory."""

import json
import os
import pickle
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from engines import catalog
from engines.diarization.frames import Reading
from engines.diarization.nemotron import Nemotron
from engines.diarization.pyannote import FILES, Community1, to_turns, weights_only
from engines.diarization.xvector import XVectors
from media.audio import Audio, open_audio, write_audio
from media.speech import Span, Turn
from studio.errors import Cancelled, MissingWeights
from studio.progress import silent
from tests.tiny import tiny, weights

RATE_HZ = 16_000
NETWORKS = ("nemotron-diarizer", "xvector-diarizer")


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """23 s and a bit of noise whose colour and loudness change every second."""
    generator = np.random.default_rng(0)
    seconds = []
    for _ in range(24):
        tone = np.cumsum(generator.standard_normal(RATE_HZ)) * 0.01
        noise = generator.standard_normal(RATE_HZ)
        mix = generator.uniform(0, 1)
        seconds.append(generator.uniform(0.02, 0.3) * (mix * tone + (1 - mix) * noise))
    wave = np.clip(np.concatenate(seconds), -1, 1)[: 23 * RATE_HZ + 777].astype(np.float32)
    path = tmp_path_factory.mktemp("talk") / "talk.flac"
    return open_audio(write_audio(Audio(wave[None], RATE_HZ), path))


@pytest.fixture(params=NETWORKS)
def diarizer(request):
    return tiny(request.param)


def official(network, extractor, wave):
    """What the network's own forward says of a whole recording, (frames, voices)."""
    mels = extractor(wave, sampling_rate=RATE_HZ)["input_features"][:, : wave.size // 160]
    with torch.inference_mode():
        return network(input_features=mels).logits.sigmoid()[0].numpy()


@dataclass
class Ear(Nemotron):
    """Keeps what the network said."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.heard = []

    def _listen(self, *args):
        for each in super()._listen(*args):
            self.heard.append(each)
            yield each


def ear(**settings):
    return Ear(weights=weights("nemotron-diarizer"), **settings)


@pytest.mark.parametrize("id_", NETWORKS)
def test_the_official_files_have_the_keys_and_shapes_of_the_class(id_):
    from transformers import Nemotron3DiarizationForAudioFrameClassification, WavLMForXVector

    kinds = dict(
        zip(
            NETWORKS,
            (Nemotron3DiarizationForAudioFrameClassification, WavLMForXVector),
            strict=True,
        )
    )
    place = weights(id_)
    network, info = kinds[id_].from_pretrained(
        place, local_files_only=True, output_loading_info=True
    )
    assert not any(info[each] for each in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    named = {each.path for each in catalog.entry(id_).weights.files}
    assert {path.name for path in place.iterdir()} == named
    (loaded,) = tiny(id_).networks().values()
    assert {k: v.shape for k, v in loaded.state_dict().items()} == {
        k: v.shape for k, v in network.state_dict().items()
    }


def test_at_full_size_it_is_the_network_that_was_published():
    from transformers import Nemotron3DiarizationConfig
    from transformers import Nemotron3DiarizationForAudioFrameClassification as Network

    with torch.device("meta"):
        state = Network(Nemotron3DiarizationConfig()).state_dict()
    assert len(state) == 417 and sum(each.numel() for each in state.values()) == 99_226_504
    assert state["model.audio_tower.embedder.projection.weight"].shape == (512, 8 * 128)
    assert state["model.upsampler.conv.weight"].shape == (8 * 192, 192, 3)
    assert state["classifier.out_proj.weight"].shape == (8, 192)
    entry = catalog.entry("nemotron-diarizer")
    (file,) = (each for each in entry.weights.files if each.bytes)
    assert 4 * 99_226_504 < file.bytes < 4 * 99_226_504 + 100_000


def test_networks_are_the_same_objects_each_time_and_at_rest(diarizer):
    first, again = diarizer.networks(), diarizer.networks()
    assert first.keys() == again.keys()
    for name, network in first.items():
        assert network is again[name] and not network.training
        assert not any(each.requires_grad for each in network.parameters())
        assert {each.device.type for each in network.parameters()} == {"cpu"}


def test_chunk_by_chunk_it_says_what_the_official_forward_says_of_the_whole(talk):
    listener = ear()
    listener.diarize(talk, [Span(0, talk.duration_s)], 0, silent)
    (network,) = listener.networks().values()
    want = official(network, listener._extractor, talk.read().samples[0])
    got = np.concatenate(listener.heard)
    assert want.min() < 0.2 and want.max() > 0.8, "chances that are all alike prove nothing"
    assert got.shape == want.shape == (talk.n_samples // 160, 8)
    assert len(listener.heard) > 10
    np.testing.assert_allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("samples", [100, 255, 400, 1280, 1281, 25_600, 30_720, 30_721])
def test_sound_of_any_length_is_read_as_officially(tmp_path, samples):
    wave = (np.random.default_rng(1).standard_normal((1, samples)) * 0.1).astype(np.float32)
    file = open_audio(write_audio(Audio(wave, RATE_HZ), tmp_path / "x.flac"))
    listener = ear()
    turns = listener.diarize(file, [Span(0, 3)], 0, silent)
    assert turns[0].start_s == 0 and turns[-1].end_s == 3
    got = np.concatenate([np.zeros((0, 8)), *listener.heard])
    assert len(got) == samples // 160
    if len(got):
        (network,) = listener.networks().values()
        want = official(network, listener._extractor, file.read().samples[0])
        np.testing.assert_allclose(got, want, atol=2e-5)


def test_nothing_is_heard_after_the_last_word(talk):
    listener = ear()
    listener.diarize(talk, [Span(2, 5)], 0, silent)
    assert sum(map(len, listener.heard)) < 700


def test_more_people_than_the_network_has_outputs_are_sought_in_pieces(talk):
    speech = [Span(0.3, 10), Span(11, 23)]
    listener = ear(piece_s=6.0, overlap_s=2.0)
    turns = listener.diarize(talk, speech, 12, silent)
    assert sum(map(len, listener.heard)) > 1.2 * talk.duration_s * 100  # overlaps are heard twice
    assert 1 < len({turn.speaker for turn in turns}) <= 12
    assert turns == ear(piece_s=6.0, overlap_s=2.0).diarize(talk, speech, 12, silent)


def test_it_answers_the_same_whatever_was_asked_before(diarizer, talk):
    speech = [Span(0.3, 10), Span(11, 23)]
    first = diarizer.diarize(talk, speech, 0, silent)
    diarizer.diarize(talk, [Span(3, 4)], 1, silent)
    assert diarizer.diarize(talk, speech, 0, silent) == first


def test_it_can_be_stopped_within_a_chunk_and_used_again(diarizer, talk):
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 2:
            raise Cancelled("stopped")

    speech = [Span(0, 23)]
    with pytest.raises(Cancelled):
        diarizer.diarize(talk, speech, 0, stop)
    assert len(calls) == 2 and calls[1] < 23
    told = []
    diarizer.diarize(talk, speech, 2, lambda *now: told.append(now))
    assert told == sorted(told) and told[-1] == (23, 23) and len(told) >= 5


@pytest.mark.parametrize(("id_", "kind"), [(NETWORKS[0], Nemotron), (NETWORKS[1], XVectors)])
def test_absent_weights_are_named_with_what_to_do(id_, kind, tmp_path, talk):
    repo = catalog.entry(id_).weights.repo
    with pytest.raises(MissingWeights, match=r"config\.json") as caught:
        kind(weights=tmp_path / "none").diarize(talk, [Span(0, 1)], 0, silent)
    assert repo in caught.value.sentence
    shutil.copytree(weights(id_), tmp_path / "half")
    largest = max((tmp_path / "half").iterdir(), key=lambda path: path.stat().st_size)
    largest.unlink()
    with pytest.raises(MissingWeights, match=largest.name.replace(".", r"\.")):
        kind(weights=tmp_path / "half").networks()


def test_x_vectors_have_length_one_and_do_not_depend_on_the_batch():
    engine = tiny("xvector-diarizer")
    generator = np.random.default_rng(3)
    waves = [generator.standard_normal(n).astype(np.float32) for n in (25_600, 25_600, 9_000, 0)]
    together = engine.embed(waves)
    assert together.shape == (4, 32)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    apart = np.concatenate([engine.embed([wave]) for wave in waves])
    np.testing.assert_allclose(together, apart, atol=1e-5)
    assert together[0] @ together[1] < 0.99999


@dataclass
class Part:
    """A stretch, as pyannote.core has it."""

    start: float
    end: float


class Tracks(list):
    """An annotation, as pyannote.core has it: (stretch, track, speaker)."""

    def itertracks(self, *, yield_label):
        assert yield_label
        return iter([(Part(start, end), "A", who) for start, end, who in self])


def test_an_annotation_of_pyannote_becomes_turns_inside_the_speech():
    said = Tracks([(4.2, 6.0, "SPEAKER_00"), (0.1, 2.0, "SPEAKER_01"), (2.5, 4.2, "SPEAKER_01")])
    reading = Reading(smooth_s=0.0)
    turns = to_turns(said, [Span(0.5, 3.0), Span(3.5, 7.0)], 0, reading)
    assert [(t.speaker, round(t.start_s, 2), round(t.end_s, 2)) for t in turns] == [
        ("S1", 0.5, 3.0),
        ("S1", 3.5, 4.2),
        ("S2", 4.2, 7.0),
    ]
    assert to_turns(Tracks(), [Span(1, 2)], 0, reading) == (Turn("S1", 1, 2),)
    over = Tracks([(0.0, 3.0, "a"), (2.0, 4.0, "b")])
    assert [(t.speaker, t.end_s) for t in to_turns(over, [Span(0, 4)], 0, reading)] == [
        ("S1", 3.0),
        ("S2", 4),
    ]
    assert {t.speaker for t in to_turns(over, [Span(0, 4)], 1, reading)} == {"S1"}


def test_pyannote_says_what_is_missing(tmp_path, monkeypatch, talk):
    entry = catalog.entry("pyannote-community-1")
    assert {each.path for each in entry.weights.files} == set(FILES) and entry.weights.gated
    engine = Community1(weights=tmp_path)
    assert engine.diarize(talk, [], 0, silent) == ()
    if any(each.what.endswith("pyannote.audio") for each in entry.missing()):
        with pytest.raises(MissingWeights, match=r"pyannote\.audio is not installed") as caught:
            engine.diarize(talk, [Span(0, 1)], 0, silent)
        assert "understudy[pyannote]" in caught.value.sentence
        package = tmp_path / "site" / "pyannote"
        package.mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(MissingWeights, match=r"plda/plda\.npz") as caught:
        engine.networks()
    assert "Accept the terms" in caught.value.sentence and "HF_TOKEN" in caught.value.sentence


class Rogue:
    """What a hostile checkpoint would hold."""

    def __reduce__(self):
        return os.getcwd, ()


def test_a_package_that_asks_torch_for_everything_gets_weights_only(tmp_path):
    torch.save({"weights": torch.ones(2), "extra": Rogue()}, tmp_path / "rogue.bin")
    torch.save({"weights": torch.ones(2), "extra": Part(0, 1)}, tmp_path / "plain.bin")
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    with weights_only([Part]):
        assert torch.load(tmp_path / "plain.bin", weights_only=False)["extra"] == Part(0, 1)
        with pytest.raises(pickle.UnpicklingError, match="getcwd"):
            torch.load(tmp_path / "rogue.bin", weights_only=False)
    assert os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD") == before


def test_the_files_of_nemotron_are_plain(tmp_path):
    config = json.loads((weights("nemotron-diarizer") / "config.json").read_text())
    assert config["model_type"] == "nemotron3_diarization"
    assert config["architectures"] == ["Nemotron3DiarizationForAudioFrameClassification"]
