"""The neural translators: the official layout, what is refused, and what is stopped."""

import os
import shutil
from dataclasses import replace

import pytest

from engines import catalog
from engines.networks import Hosted
from studio.errors import Cancelled, MissingWeights
from studio.progress import silent
from studio.workflow import Need
from tests import tiny

LOCAL = ["opus-mt-en-es", "madlad400-3b", "seamless-m4t-v2", "llm-translator", "llm-writer"]
TRANSLATORS = LOCAL[:-1]
# One parameter of the official checkpoint's, for each part of it.
KEYS = {
    "opus-mt-en-es": {"final_logits_bias", "model.shared.weight"},
    "madlad400-3b": {
        "shared.weight",
        "lm_head.weight",
        "encoder.block.0.layer.1.DenseReluDense.wi_0.weight",
    },
    "seamless-m4t-v2": {"shared.weight", "text_encoder.layers.0.ffn.fc1.weight"},
    "llm-translator": {"model.layers.0.self_attn.q_norm.weight", "model.embed_tokens.weight"},
    "llm-writer": {"model.layers.0.self_attn.q_norm.weight", "lm_head.weight"},
}


def built(id_, folder):
    entry = catalog.entry(id_)
    return entry.build(folder)


@pytest.mark.parametrize("id_", LOCAL)
def test_the_files_are_the_networks_key_for_key(id_):
    from safetensors import safe_open

    engine = tiny.tiny(id_)
    assert isinstance(engine, Hosted)
    network = engine.networks()["model"]
    assert engine.networks()["model"] is network and not network.training
    assert not any(each.requires_grad for each in network.parameters())
    with safe_open(tiny.weights(id_) / "model.safetensors", "pt") as file:
        stored = {key: file.get_tensor(key).shape for key in list(file.keys())}
    assert stored.keys() >= KEYS[id_]
    loaded = {key: value.shape for key, value in network.state_dict().items()}
    assert stored.items() <= loaded.items()
    pointers = {network.state_dict()[key].data_ptr() for key in stored}
    free = {
        name
        for name, each in network.named_parameters()
        if each.data_ptr() not in pointers and "embed_positions" not in name  # computed, not stored
    }
    assert not free


def test_madlad_keeps_its_own_head():
    from safetensors.torch import load_file

    network = tiny.tiny("madlad400-3b").networks()["model"]
    stored = load_file(tiny.weights("madlad400-3b") / "model.safetensors")
    assert network.lm_head.weight.equal(stored["lm_head.weight"])
    assert network.shared.weight.equal(stored["shared.weight"])
    assert not network.config.scale_decoder_outputs


@pytest.mark.parametrize("id_", LOCAL)
def test_absent_and_broken_weights_are_told_in_a_sentence(id_, tmp_path):
    with pytest.raises(MissingWeights, match="not here") as caught:
        built(id_, tmp_path / "none").networks()
    assert caught.value.remedy
    broken = tmp_path / "broken"
    shutil.copytree(tiny.weights(id_), broken)
    content = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(MissingWeights, match="cannot be read"):
        built(id_, broken).networks()


@pytest.mark.parametrize("id_", LOCAL)
def test_a_parameter_that_is_not_there_is_told(id_, tmp_path):
    from safetensors.torch import load_file, save_file

    lacking = tmp_path / "lacking"
    shutil.copytree(tiny.weights(id_), lacking)
    values = load_file(lacking / "model.safetensors")
    del values[next(key for key in sorted(values) if "layer" in key or "block" in key)]
    save_file(values, lacking / "model.safetensors", {"format": "pt"})
    with pytest.raises(MissingWeights, match="lack"):
        built(id_, lacking).networks()


@pytest.mark.parametrize("id_", TRANSLATORS)
def test_pairs_are_those_whose_weights_are_here(id_, tmp_path):
    assert built(id_, tmp_path).pairs() == frozenset()
    assert ("en", "es") in tiny.tiny(id_).pairs()


@pytest.mark.parametrize("id_", TRANSLATORS)
def test_stops_in_the_middle_of_a_sentence(id_):
    told = []

    def stop(done, total):
        told.append(done)
        if len(told) > 1:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        tiny.tiny(id_).translate(["Hello, my friend."], "en", "es", stop)
    assert told == [0, 0]


def test_a_sentence_is_never_lost_behind_another():
    engine = tiny.tiny("opus-mt-en-es")
    two = engine.translate(["One dog. Where?"], "en", "es", silent)[0].text
    one, other = engine.translate(["One dog.", "Where?"], "en", "es", silent)
    assert two == " ".join(filter(None, (one.text, other.text)))


@pytest.mark.parametrize(
    ("pair", "served"), [(("en", "es"), "opus-mt-en-es"), (("en", "de"), "opus-mt-en-de")]
)
def test_the_first_of_the_models_of_one_pair_that_knows_it_is_chosen(
    pair, served, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for id_ in ("opus-mt-en-es", "opus-mt-en-de", "opus-mt-es-en"):
        entry = catalog.entry(id_)
        place = catalog.folder(entry.weights)
        shutil.copytree(tiny.weights("opus-mt-en-es"), place)
        for file in entry.weights.files:
            if not (place / file.path).exists():
                (place / file.path).write_bytes(b"x")
            if file.bytes:  # nothing is read but sizes
                os.truncate(place / file.path, file.bytes)
    (choice,) = catalog.choose([Need("Translator", *pair)], "laptop")
    assert choice.engine is not None and choice.engine.id == served


def test_defaults_are_commercial_and_end_with_what_needs_no_download():
    for name in catalog.qualities():
        for role, last in (("Translator", "apertium"), ("Writer", "rules-writer")):
            ids = catalog.quality(name)[role]
            assert ids[-1] == last
            assert all(catalog.entry(id_).commercial is True for id_ in ids)


def test_engines_that_share_are_built_for_it_and_the_two_language_models_do():
    from engines.networks import Sharing
    from engines.residency.guests import key_of

    for each in catalog.entries().values():
        if each.weights is not None:
            assert isinstance(each.build(), Sharing) == ("shares" in each.capabilities), each.id
    translator, writer = map(catalog.entry, ("llm-translator", "llm-writer"))
    assert key_of(translator) == key_of(writer)
    other = replace(writer, settings={**writer.settings, "dtype": "float16"})
    assert key_of(other) != key_of(translator)


def test_the_writer_answers_the_same_with_the_translators_network():
    translator, writer = tiny.engine("llm-translator"), tiny.tiny("llm-writer")
    alone = writer.shorten("There are 3 of them in the old house", "en")
    sharing = tiny.tiny("llm-writer")
    sharing.share(tiny.tiny("llm-writer").networks())
    assert sharing.shorten("There are 3 of them in the old house", "en") == alone
    sharing.share(translator.networks())
    assert sharing.networks()["model"] is translator.networks()["model"]
