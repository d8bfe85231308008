"""Every preset, by being there: it can be read, its class exists and does what its role says."""

import inspect
import io
import tomllib
from dataclasses import replace

import pytest

from app import known
from engines import catalog, fetching, roles
from engines.weights import Weights, folder
from studio.errors import BadPreset, MissingWeights
from studio.weights import write_holdings
from studio.workflow import Need

ENTRIES = catalog.entries()
VOICES = catalog.voices()


@pytest.mark.parametrize("id_", ENTRIES)
def test_an_engine_has_the_signatures_of_its_role(id_):
    entry = ENTRIES[id_]
    role = getattr(roles, entry.role)
    engine = entry.build()
    for name, asked in inspect.getmembers(role, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(asked).parameters)[1:]
            given = inspect.signature(getattr(engine, name)).parameters
            assert list(given) == wanted, name


@pytest.mark.parametrize("id_", ENTRIES)
def test_an_engine_says_what_it_is(id_):
    entry = ENTRIES[id_]
    assert entry.licence and entry.title and entry.about
    for each in entry.missing():
        assert each.remedy


@pytest.mark.parametrize("name", catalog.qualities())
def test_a_quality_names_engines_that_exist_and_fill_the_role(name):
    for role, ids in catalog.quality(name).items():
        assert [ENTRIES[id_].role for id_ in ids] == [role] * len(ids)


@pytest.mark.parametrize("id_", VOICES)
def test_a_voice_belongs_to_a_speaker_that_lists_it(id_):
    voice = VOICES[id_]
    assert ENTRIES[voice.engine].role == "Speaker"
    for language in voice.languages:
        assert id_ in {each.id for each in catalog.built_in(voice.engine, language)}


def test_a_need_that_nobody_serves_is_told_with_the_reason():
    need = Need("Speaker", "xx")
    assert catalog.choose([need], "draft")[0].engine is None
    with pytest.raises(MissingWeights, match="nothing here speaks xx"):
        catalog.engines_for([need], "draft")


@pytest.mark.parametrize("id_", ["foo", "apertium"])  # the second translates
def test_an_engine_that_does_not_speak_cannot_be_chosen_to(id_):
    with pytest.raises(BadPreset, match=f"no engine '{id_}'") as caught:
        catalog.engines_for([Need("Speaker", "en", engine=id_)], "draft")
    assert "espeak-ng" in caught.value.remedy and "apertium" not in caught.value.remedy


def test_an_optional_need_may_stay_unserved():
    assert catalog.engines_for([Need("Speaker", "xx", optional=True)], "draft") == {}


def test_what_is_not_there_is_refused():
    with pytest.raises(BadPreset, match="no engine"):
        catalog.entry("nobody")
    with pytest.raises(BadPreset, match="no quality"):
        catalog.quality("superb")


def test_a_broken_preset_is_named(tmp_path):
    (tmp_path / "odd.toml").write_text('role = "Speaker"\ntitel = "x"\n')
    with pytest.raises(BadPreset, match=r"odd\.toml"):
        catalog.entries(root=tmp_path)


def test_weights_that_lie_beside_reach_the_engine_by_their_names(tmp_path):
    entry = catalog.entry("silero-vad")
    both = Weights(repo="a/b", beside={"second": Weights(repo="c/d")})
    made = replace(entry, target="tests.own.detector:Loads", weights=both, settings={}).build(
        tmp_path
    )
    assert (made.weights, made.second) == (tmp_path, tmp_path / "second")


def test_identity_follows_the_settings(tmp_path):
    text = (catalog.PRESETS / "engines" / f"{next(iter(ENTRIES))}.toml").read_text()
    tomllib.loads(text)
    for revision in ("1", "2"):
        (tmp_path / f"e{revision}.toml").write_text(text)
    one, two = catalog.entries(root=tmp_path).values()
    assert one.identity() != two.identity()  # the id is part of it


def test_what_suits_the_machine_follows_the_weights_that_are_here(tmp_path, monkeypatch):
    own = tmp_path / "own"
    for kind in ("engines", "quality"):
        (own / kind).mkdir(parents=True)
    text = (catalog.PRESETS / "engines" / "silero-vad.toml").read_text()
    weights = '[weights]\nrepo = "a/b"\nrevision = "%s"\n[[weights.files]]\npath = "x"\n' % (
        "0" * 40
    )
    (own / "engines" / "mine.toml").write_text(f"{text}\n{weights}")
    for name in ("laptop", "balanced"):
        lists = dict.fromkeys(catalog.quality(name), "[]") | {"SpeechDetector": '["mine"]'}
        lines = "\n".join(f"{role} = {ids}" for role, ids in lists.items())
        (own / "quality" / f"{name}.toml").write_text(f"[engines]\n{lines}\n")
    monkeypatch.setattr(catalog, "PRESETS", own)
    (own / "quality" / "draft.toml").write_text("[engines]\n")
    monkeypatch.setattr(catalog, "has_cuda", lambda: False)
    assert catalog.default_quality() == "draft"
    entry = catalog.entry("mine")
    assert "./run.sh weights --engine mine" in [each.remedy for each in entry.missing()]
    place = folder(entry.weights)
    place.mkdir(parents=True)
    (place / "x").write_bytes(b"x")
    assert catalog.default_quality() == "laptop" and not entry.missing()
    monkeypatch.setattr(catalog, "has_cuda", lambda: True)
    assert catalog.default_quality() == "balanced"


def test_a_gpu_that_is_too_small_is_told_and_the_next_engine_serves(monkeypatch):
    monkeypatch.setattr(catalog, "has_cuda", lambda: True)
    large = catalog.Needs(cuda=True, memory_gb=10)
    entry = replace(next(iter(ENTRIES.values())), needs=large, weights=None)
    for memory_gb, told in ((0, []), (24, []), (8, ["a GPU with 10 GB"])):
        monkeypatch.setattr(catalog, "gpu_memory_gb", lambda memory_gb=memory_gb: memory_gb)
        assert [each.what for each in entry.missing()] == told
    wanted = catalog.with_weights(["PortraitAnimator"], "quality")
    assert "flashhead-pro" not in [each.id for each in wanted]
    monkeypatch.setattr(catalog, "gpu_memory_gb", lambda: 24.0)
    assert catalog.with_weights(["PortraitAnimator"], "quality")[0].id == "flashhead-pro"


def test_a_missing_package_names_the_group_that_brings_it(monkeypatch):
    monkeypatch.setattr(catalog, "find_spec", lambda name: None)
    remedies = {
        each.remedy
        for package, group in (("faster_whisper", ""), ("TTS", "xtts"), ("other", ""))
        for each in replace(
            next(iter(ENTRIES.values())),
            id="one",
            needs=catalog.Needs(packages=(package,), group=group),
            weights=None,
        ).missing()
    }
    assert "UNDERSTUDY_EXTRAS=laptop ./run.sh doctor" in remedies
    assert "UNDERSTUDY_EXTRAS=xtts ./run.sh doctor" in remedies
    assert any(each.endswith("-m pip install other") for each in remedies)


def test_a_small_download_is_not_called_0_gb(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    (lacking,) = catalog.entry("yunet").missing()
    assert lacking.what == "its weights (0.2 MB of opencv/face_detection_yunet)"


def test_another_kind_of_machine_is_told():
    needs = catalog.Needs(platforms=("plan9",))
    lacking = replace(next(iter(ENTRIES.values())), needs=needs, weights=None).missing()
    assert [each.what for each in lacking] == ["a machine of plan9"]


def test_a_smaller_sibling_has_the_same_role_and_no_narrower_licence():
    known = ENTRIES
    named = [each for each in known.values() if each.smaller]
    assert named
    for each in named:
        small = known[each.smaller]
        assert small.role == each.role and set(small.languages) >= set(each.languages)
        assert small.commercial in {True, each.commercial}
        assert small.needs.memory_gb < each.needs.memory_gb


def test_laptop_is_one_download_of_less_than_a_gigabyte_and_a_half():
    """What is known of it; of what is not known only a voice that this dub does not use is large."""
    en_es = fetching.holdings(known(), "dub", "laptop", [], {"source": "en", "target": "es"})
    assert [each.engine for each in en_es] == [
        "faster-whisper-small",
        "aligner-en",
        "opus-mt-en-es",
        "htdemucs",
    ]
    assert all(each.bytes for each in en_es)
    assert 1.2e9 < sum(each.bytes for each in en_es) < 1.5e9
    es_en = fetching.holdings(known(), "dub", "laptop", [], {"source": "es", "target": "en"})
    assert [each.engine for each in es_en if not each.bytes] == ["pocket-tts"]
    told = io.StringIO()
    write_holdings(es_en, told)
    assert "together at least 0.9 GB; the size is not known of pocket-tts\n" in told.getvalue()


def test_what_a_request_wants_follows_its_languages():
    needs = [Need("Translator", "fr", "en"), Need("Translator", "en", "ca")]
    assert [each.id for each in catalog.wanted(needs, "laptop")] == ["opus-mt-fr-en"]
    assert catalog.wanted([Need("Speaker", "en")], "draft") == ()
    (only,) = catalog.wanted([Need("Speaker", "de", engine="xtts-v2")], "draft")
    assert only.id == "xtts-v2"


def test_a_pair_that_nobody_translates_is_told_in_words_with_what_to_do_instead():
    need = Need("Translator", "en", "ja", instead="Give it as subtitles.")
    with pytest.raises(MissingWeights, match="from English to Japanese") as refused:
        catalog.engines_for([need], "draft")
    assert refused.value.remedy.startswith("Give it as subtitles. See the Engine Room")


def test_what_speaks_any_language_that_can_be_translated_will_do():
    (choice,) = catalog.choose([Need("Translator", "", "en")], "draft")
    assert choice.engine is not None
