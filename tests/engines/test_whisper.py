"""The neural recognisers and the aligner with tiny random weights in their official layout."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from engines import catalog
from engines.networks import Hosted
from engines.transcription.ctc_align import CtcAligner, _borders, _chunks
from engines.transcription.faster_whisper import FasterWhisper
from engines.transcription.whisper import Whisper
from media.audio import Audio, open_audio, write_audio
from media.speech import Span, Transcript, Word
from studio.errors import BadInput, Cancelled, MissingWeights
from studio.progress import silent
from tests import tiny
from tests.tiny.whisper_large_v3 import TEXT

WORDS = TEXT.split()
SPEECH = (Span(0.5, 2.5), Span(3.0, 5.0), Span(9.0, 11.0), Span(40.0, 68.0))


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 70 * 16_000)).astype(np.float32)
    path = tmp_path_factory.mktemp("audio") / "noise.flac"
    return open_audio(write_audio(Audio(wave, 16_000), path))


@pytest.fixture(params=["whisper-large-v3", "faster-whisper-small"])
def recogniser(request):
    return tiny.tiny(request.param)


def test_each_window_says_its_script_on_the_clock_of_the_track(recogniser, audio):
    found = recogniser.transcribe(audio, SPEECH, "", silent)
    assert found.language == "en" and found.confidence > 0.9
    assert [word.text for word in found.words] == WORDS * 3
    windows = [(0.45, 5.05), (8.95, 11.05), (39.95, 68.05)]
    for (start_s, end_s), at in zip(windows, range(0, 27, 9), strict=True):
        own = found.words[at : at + 9]
        assert start_s - 0.01 <= own[0].start_s and own[-1].end_s <= end_s + 0.01
    assert all(a.start_s <= b.start_s for a, b in pairwise(found.words))
    assert all(0 < word.confidence <= 1 for word in found.words)


def test_a_given_language_is_not_asked_and_nothing_is_random(recogniser, audio):
    one = recogniser.transcribe(audio, SPEECH[:2], "de", silent)
    assert one.language == "de" and one.confidence == 1.0
    assert one == recogniser.transcribe(audio, SPEECH[:2], "de", silent)


def test_it_can_be_stopped_inside_a_batch(recogniser, audio):
    told = []

    def stop(done, total):
        told.append((done, total))
        if len(told) > 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        recogniser.transcribe(audio, SPEECH, "en", stop)
    assert len(told) == 3


def test_files_that_are_not_there_are_named(audio, tmp_path):
    for kind, name in ((Whisper, "preprocessor_config"), (FasterWhisper, "model.bin")):
        with pytest.raises(MissingWeights, match=name) as caught:
            kind(weights=tmp_path).transcribe(audio, SPEECH, "en", silent)
        assert "Download" in caught.value.sentence
    with pytest.raises(MissingWeights, match=r"vocab\.json"):
        CtcAligner(weights=tmp_path, language="en").networks()


def test_files_of_another_kind_are_refused(audio, tmp_path):
    shutil.copytree(tiny.weights("whisper-large-v3"), tmp_path / "w")
    (tmp_path / "w" / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(BadInput, match="cannot be read"):
        Whisper(weights=tmp_path / "w", dtype="float32").networks()
    shutil.copytree(tiny.weights("faster-whisper-small"), tmp_path / "f")
    (tmp_path / "f" / "model.bin").write_bytes(b"not a model")
    with pytest.raises(BadInput, match="cannot be read"):
        FasterWhisper(weights=tmp_path / "f").transcribe(audio, SPEECH, "en", silent)


@pytest.mark.parametrize("id_", ["whisper-large-v3", "whisper-large-v3-turbo"])
def test_whisper_reads_the_official_layout_key_for_key(id_):
    from safetensors import safe_open
    from transformers import WhisperForConditionalGeneration as Official

    folder = tiny.weights(id_)
    _, told = Official.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"]
    with safe_open(folder / "model.safetensors", "pt") as file:
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    network = tiny.tiny(id_).networks()["whisper"]
    own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert own.pop("proj_out.weight") == own["model.decoder.embed_tokens.weight"]  # they are tied
    assert own == shapes
    assert own["model.encoder.embed_positions.weight"] == (1500, 64)
    asked = {each.path for each in catalog.entry(id_).weights.files}
    assert {"model.safetensors", "generation_config.json", "tokenizer.json"} <= asked


def test_its_networks_are_lent(audio):
    engine = tiny.tiny("whisper-large-v3")
    assert isinstance(engine, Hosted)
    network = engine.networks()["whisper"]
    assert engine.networks()["whisper"] is network and not network.training
    assert not any(each.requires_grad for each in network.parameters())


def test_the_batch_is_halved_where_memory_is_short(audio):
    engine = tiny.tiny("whisper-large-v3")
    network, sizes = engine.networks()["whisper"], []

    def crowded(module, given):
        sizes.append(given[0].shape[0])
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("too many at once")

    whole = engine.transcribe(audio, SPEECH, "en", silent)
    hook = network.get_encoder().register_forward_pre_hook(crowded)
    assert engine.transcribe(audio, SPEECH, "en", silent) == whole
    hook.remove()
    assert sizes[0] == 3 and set(sizes[1:]) == {1}


def test_memory_is_given_back_and_taken_again(audio):
    engine = tiny.tiny("faster-whisper-small")
    before = engine.transcribe(audio, SPEECH[:1], "en", silent)
    engine.unload()
    assert engine._model is None
    assert engine.transcribe(audio, SPEECH[:1], "en", silent) == before


SAID = Transcript(
    "en",
    tuple(
        Word(text, 0.5 + 0.4 * i, 0.8 + 0.4 * i)
        for i, text in enumerate(["It", "cost", "$5", "in", "1476,", "☂", "é"])
    ),
    0.9,
)


@pytest.mark.parametrize("id_", catalog.entries("Aligner"))
def test_aligners_keep_words_and_order(id_, audio):
    aligner, language = tiny.tiny(id_), catalog.entry(id_).languages[0]
    said = replace(SAID, language=language)
    told = []
    found = aligner.align(audio, said, lambda done, n: told.append((done, n)))
    assert [word.text for word in found.words] == [word.text for word in said.words]
    assert all(0 <= word.start_s < word.end_s <= audio.duration_s for word in found.words)
    assert all(a.start_s <= b.start_s and a.end_s <= b.end_s for a, b in pairwise(found.words))
    assert found != said and found.confidence == said.confidence
    assert found == aligner.align(audio, said, silent)
    assert told == sorted(told) and told[-1][0] == told[-1][1]


def test_another_language_keeps_its_times_and_is_told(audio):
    aligner = tiny.tiny("aligner-en")
    found = aligner.align(audio, replace(SAID, language="fi"), silent)
    assert found.words == SAID.words and "'fi'" in found.warnings[0]
    nothing = Transcript("en", (), 1.0)
    assert aligner.align(audio, nothing, silent) == nothing


def test_words_are_found_where_the_letters_sound(audio):
    """A network that hears known letters at known times puts the words there, to 20 ms."""
    aligner = tiny.tiny("aligner-en")
    network = aligner.networks()["aligner"]
    columns = json.loads((tiny.weights("aligner-en") / "vocab.json").read_text())
    plan = {10: "H", 14: "I", 20: "|", 40: "Y", 44: "O", 50: "U"}

    def speak(module, given, made):
        made.fill_(-9.0)
        made[..., 0] = 0.0
        for frame, letter in plan.items():
            made[:, frame : frame + 3] = -9.0
            made[:, frame : frame + 3, columns[letter]] = 0.0
        return made

    hook = network.lm_head.register_forward_hook(speak)
    said = Transcript("en", (Word("Hi", 2.0, 2.5), Word("you!", 2.6, 3.0)))
    found = aligner.align(audio, said, silent)
    hook.remove()
    times = [time for word in found.words for time in (word.start_s, word.end_s)]
    assert times == pytest.approx([1.7, 1.84, 2.3, 2.56], abs=0.025)  # it listens from 1.5 s on
    assert all(word.confidence > 0.9 for word in found.words)


def test_long_texts_are_aligned_in_pieces():
    words = [
        Word(f"w{i}", 0.5 * i + (3 if i >= 70 else 0), 0.5 * i + (3.3 if i >= 70 else 0.3))
        for i in range(150)
    ]
    chunks = _chunks(words)
    assert [word for chunk in chunks for word in chunk] == words
    assert all(chunk[-1].end_s - chunk[0].start_s <= 30 for chunk in chunks)
    borders = _borders(chunks, 100.0)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(borders))
    for chunk, (from_s, until_s) in zip(chunks, borders, strict=True):
        assert from_s <= chunk[0].start_s and chunk[-1].end_s <= until_s


def test_the_aligner_reads_the_official_layout_key_for_key():
    from transformers import Wav2Vec2ForCTC as Official

    _, told = Official.from_pretrained(tiny.weights("aligner-en"), output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"]
    network = tiny.tiny("aligner-en").networks()["aligner"]
    assert network.state_dict()["lm_head.weight"].shape == (32, 16)
