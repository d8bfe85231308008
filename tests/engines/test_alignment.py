import numpy as np
import pytest

from engines import catalog
from media.audio import Audio, open_audio
from media.spoken import spoken
from studio.errors import BadInput
from tests.media import shared


@pytest.fixture(params=catalog.entries("PhoneAligner"), scope="module")
def aligner(request):
    entry = catalog.entry(request.param)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


def speaker(id_):
    entry = catalog.entry(id_)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Good morning everybody, this is a quiet place."),
        ("es", "Buenos días a todos, este es un lugar tranquilo."),
    ],
)
def test_every_word_gets_a_time_in_order(aligner, language, text):
    said = speaker("espeak-ng").speak(text, "+f2", language, 1.0, 0).audio
    found = aligner.align(said, text, language)
    assert [each.text for each in found.words] == text.split()
    starts = [each.start_s for each in found.words]
    assert starts == sorted(starts) and starts[0] < 0.15
    assert all(each.end_s >= each.start_s for each in found.words)
    assert found.words[-1].end_s <= said.duration_s + 0.02
    assert len(found.phones) > 20
    assert all(
        a.end_s <= b.start_s + 1e-6 for a, b in zip(found.phones, found.phones[1:], strict=False)
    )


def test_a_pause_moves_what_follows(aligner):
    text = "Bring five apples and fresh bread."
    take = speaker("flite").speak(text, "slt", "en", 1.0, 0).audio
    plain = aligner.align(take, text, "en").words
    at = round(plain[3].start_s * take.sample_rate_hz)
    gap = np.zeros((1, take.sample_rate_hz), np.float32)
    longer = np.concatenate([take.samples[:, :at], gap, take.samples[:, at:]], axis=1)
    paused = aligner.align(Audio(longer, take.sample_rate_hz), text, "en").words
    moved = [b.end_s - a.end_s for a, b in zip(plain, paused, strict=True)]
    assert abs(moved[-1] - 1.0) < 0.1 and abs(moved[0]) < 0.15


def test_real_speech_is_aligned_near_the_truth(aligner):
    """The words of a real reader."""
    audio = open_audio(shared("speech/en_jfk.flac")).read()
    text = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
    words = aligner.align(audio, spoken(text, "en"), "en").words
    times = {f"{i}-{each.text}": each.start_s for i, each in enumerate(words)}
    assert abs(times["5-ask"] - 3.3) < 0.7  # the speech begins again after its long pause
    assert abs(times["14-ask"] - 8.2) < 1.0


def test_an_unknown_language_and_a_long_sentence_are_refused(aligner):
    quiet = Audio(np.zeros((1, 16_000), np.float32), 16_000)
    with pytest.raises(BadInput, match="does not know"):
        aligner.align(quiet, "x", "xx")
    with pytest.raises(BadInput, match="too long"):
        aligner.align(Audio(np.zeros((1, 16_000 * 90), np.float32), 16_000), "x", "en")


def test_nothing_said_is_nothing_aligned(aligner):
    quiet = Audio(np.zeros((1, 100), np.float32), 16_000)
    found = aligner.align(quiet, "Hello there.", "en")
    assert found.words == () and found.phones == ()
