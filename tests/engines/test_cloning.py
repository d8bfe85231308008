"""The voices that clone, at a tiny size: what they say means nothing here, how they say it does."""

import numpy as np
import pytest

from engines import catalog
from engines.networks import Hosted
from engines.roles import OWN, Reference
from engines.speech.line import joined, pieces, trimmed
from engines.speech.neural import bound_s
from media.audio import Audio
from studio.errors import BadInput, Cancelled, MissingWeights
from tests import tiny

pytestmark = pytest.mark.slow

CLONING = [e.id for e in catalog.entries("Speaker").values() if "clone" in e.capabilities]
HOSTED = [id_ for id_ in CLONING if catalog.entry(id_).weights is not None]
TEXT = (
    "An old house."  # a network with random weights speaks to the limit, which grows with the text
)


def voice(seed: int) -> Reference:
    """Four seconds of something with a pitch and syllables."""
    time_s = np.arange(4 * 16_000) / 16_000
    buzz = np.sign(np.sin(2 * np.pi * (90 + 60 * seed) * time_s)) * 0.2
    return Reference(Audio((buzz * np.sin(9 * time_s) ** 2).astype(np.float32)[None], 16_000), "ah")


@pytest.fixture(params=HOSTED, scope="module")
def cloning(request):
    return request.param, tiny.tiny(request.param)


def say(engine, text=TEXT, *, seed=1, reference=None, rate=1.0, progress=lambda done, total: None):
    return engine.speak(text, OWN, "en", rate, seed, reference=reference, progress=progress).audio


@pytest.mark.parametrize("id_", CLONING)
def test_the_speakers_own_voice_comes_first(id_):
    entry = catalog.entry(id_)
    for language in entry.languages:
        own = catalog.built_in(id_, language)[0]
        assert own.is_own and own.varies and own.has_rate == ("rate" in entry.capabilities)
    assert not any(each.is_own for each in catalog.built_in(id_, "xx"))


def test_only_cloning_engines_offer_it():
    for id_ in catalog.entries("Speaker"):
        offered = any(each.is_own for each in catalog.built_in(id_, "en"))
        assert offered == (id_ in CLONING)


def test_a_take_is_mono_within_full_scale_and_bounded_by_its_text(cloning):
    _, engine = cloning
    for reference in (None, voice(1)):
        audio = say(engine, reference=reference)
        assert audio.channels == 1 and audio.samples.dtype == np.float32
        assert 0.005 < np.abs(audio.samples).max() <= 1 and np.isfinite(audio.samples).all()
        assert audio.sample_rate_hz >= 16_000
        assert 0.05 < audio.duration_s <= bound_s(TEXT) + 0.5


def test_a_seed_is_a_take_and_leaves_the_generators_alone(cloning):
    import torch

    _, engine = cloning
    first = say(engine, reference=voice(1))
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    again, other = (say(engine, reference=voice(1), seed=seed) for seed in (1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


def test_the_reference_is_heard(cloning):
    _, engine = cloning
    takes = [say(engine, reference=each).samples for each in (None, voice(1), voice(2))]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(takes[i], takes[j])


def test_the_stop_button_works_in_the_middle_of_a_line(cloning):
    _, engine = cloning
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        say(engine, progress=stop)
    assert len(calls) == 4
    assert say(engine).duration_s > 0.05  # and nothing of it stays


def test_what_cannot_be_spoken_is_refused(cloning):
    _, engine = cloning
    for text, name, language, rate in (
        ("…", OWN, "en", 1.0),
        (TEXT, "-w /etc", "en", 1.0),
        (TEXT, OWN, "xx", 1.0),
        (TEXT, OWN, "en", 9.0),
    ):
        with pytest.raises(BadInput) as caught:
            engine.speak(text, name, language, rate, 0)
        assert caught.value.remedy


def test_networks_are_always_the_same_in_eval_and_without_gradients(cloning):
    _, engine = cloning
    assert isinstance(engine, Hosted)
    first, again = engine.networks(), engine.networks()
    assert first.keys() == again.keys()
    for name, network in first.items():
        assert network is again[name] and not network.training
        assert not any(each.requires_grad for each in network.parameters())


def test_the_keys_of_the_files_are_those_of_the_classes(cloning):
    from safetensors import safe_open

    id_, engine = cloning
    stored = {}
    for path in sorted(tiny.weights(id_).rglob("*.safetensors")):
        with safe_open(path, "pt") as file:
            stored |= {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    known = {
        key: tuple(tensor.shape)
        for network in engine.networks().values()
        for key, tensor in network.state_dict().items()
    }
    if stored:
        assert set(stored) <= set(known)
        assert all(known[key] == shape for key, shape in stored.items())
        parameters = {k for n in engine.networks().values() for k, _ in n.named_parameters()}
        assert parameters <= set(stored) | {"lm_head.weight"}


@pytest.mark.parametrize("id_", HOSTED)
def test_missing_weights_are_named(id_, tmp_path):
    entry = catalog.entry(id_)
    with pytest.raises(MissingWeights) as caught:
        say(entry.build(tmp_path / "nowhere"))
    assert "config.json" in str(caught.value) and caught.value.remedy


def test_a_long_line_is_spoken_in_pieces(cloning, monkeypatch):
    _, engine = cloning
    # Random networks speak to the limit: a low one.
    monkeypatch.setattr(f"{type(engine).__module__}.bound_s", lambda text: 0.5 + 0.01 * len(text))
    counts = []

    def look(done, total):
        counts.append(total)
        raise Cancelled("seen")

    sentence = "One two three four five, six seven eight nine ten. "
    for length in range(5, 14):  # as short as will do
        text = (sentence * length).strip()
        with pytest.raises(Cancelled):
            say(engine, text, progress=look)
        if counts[-1] == 2:
            break
    else:
        pytest.fail("it is never spoken in pieces")
    short = say(engine, "One two three.")
    seen = say(engine, text, progress=lambda done, total: counts.append(total))
    assert set(counts[length - 4 :]) == {2} and seen.duration_s > short.duration_s


@pytest.mark.parametrize(
    ("text", "most", "wanted"),
    [
        ("Short.", 20, ("Short.",)),
        ("First part here. Then more text.", 20, ("First part here.", "Then more text.")),
        ("A clause, another clause and on", 20, ("A clause, another", "clause and on")),
        ("one two three, four five six", 18, ("one two three,", "four five six")),
        (
            "Donaudampfschifffahrtsgesellschaft",
            10,
            ("Donaudampf", "schifffahr", "tsgesellsc", "haft"),
        ),
        ("你好。今天天气很好，我们去公园。", 10, ("你好。今天天气很好，", "我们去公园。")),
    ],
)
def test_pieces_end_where_a_reader_would_breathe(text, most, wanted):
    assert pieces(text, most) == wanted


@pytest.mark.parametrize("most", [7, 20, 71, 250])
def test_pieces_lose_nothing_and_never_pass_the_limit(most):
    text = "In the beginning, it is said; the sea was still. Nobody knew why… " * 8
    parts = pieces(text, most)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < len(each) <= most for each in parts)


def test_joined_pieces_keep_a_breath_between():
    tone = Audio(np.full((1, 1600), 0.5, np.float32), 16_000)
    assert joined([tone, tone], 0.1).samples.shape == (1, 4800)
    assert joined([tone]).samples.shape == (1, 1600)
    assert trimmed(joined([tone, tone], 0.1)).duration_s == pytest.approx(0.3, abs=0.02)


def test_pocket_tts_says_that_its_codec_is_missing(tmp_path):
    import shutil

    folder = tmp_path / "w"
    shutil.copytree(tiny.weights("pocket-tts"), folder)
    shutil.rmtree(folder / "codec")
    engine = catalog.entry("pocket-tts").build(folder)
    with pytest.raises(MissingWeights, match="codec"):
        say(engine)
