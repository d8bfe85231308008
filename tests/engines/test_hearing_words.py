"""What the recognisers share: windows, tokens to words, doubts, and written against spoken words."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.transcription.doubts import Heard, believed, compression_ratio, doubt, without_loops
from engines.transcription.languages import CODES, code_of, language_of
from engines.transcription.tokens import parted, shared_out, utterances
from engines.transcription.windows import MOST_GAP_S, WINDOW_S, cut, packed, three_of
from engines.transcription.written import spoken_words
from media.audio import Audio, open_audio, write_audio
from media.speech import Span, Word
from studio.errors import BadInput


def spans_of(lengths):
    found, at_s = [], 0.0
    for gap_s, length_s in lengths:
        found.append(Span(at_s + gap_s, at_s + gap_s + length_s))
        at_s = found[-1].end_s
    return found


@given(st.lists(st.tuples(st.floats(0.05, 9), st.floats(0.25, 29)), max_size=40))
def test_windows_hold_all_speech_once_in_order_and_fit(lengths):
    spans = spans_of(lengths)
    windows = packed(spans)
    assert [span for window in windows for span in window.speech] == spans
    for window in windows:
        assert window.duration_s <= WINDOW_S + 1e-6
        assert (window.start_s, window.end_s) == (window.speech[0].start_s, window.speech[-1].end_s)
        gaps = zip(window.speech, window.speech[1:], strict=False)
        assert all(b.start_s - a.end_s <= MOST_GAP_S for a, b in gaps)
    for one, two in itertools.pairwise(windows):
        together = [*one.speech, two.speech[0]]
        assert (
            together[-1].end_s - together[0].start_s > WINDOW_S
            or two.start_s - one.end_s > MOST_GAP_S
        ), "it would have fitted"


def test_long_speech_is_cut_where_it_is_quiet(tmp_path):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 70 * 16_000)).astype(np.float32)
    wave[:, int(22.0 * 16_000) : int(22.3 * 16_000)] = 0
    audio = open_audio(write_audio(Audio(wave, 16_000), tmp_path / "long.flac"))
    found = list(cut(audio, [Span(1.0, 70.0)]))
    assert found[0].end_s == pytest.approx(22.15, abs=0.11)
    assert found[0].start_s == 1.0 and found[-1].end_s == 70.0
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(found))
    assert max(each.duration_s for each in found) <= WINDOW_S + 1e-6


def test_the_language_is_asked_at_three_places():
    windows = packed([Span(10.0 * i, 10.0 * i + 5) for i in range(9)])
    assert three_of(windows) == (windows[0], windows[4], windows[8])
    assert three_of(windows[:1]) == windows[:1] and three_of(()) == ()


BEGIN = 100


def test_tokens_are_parted_at_their_times():
    tokens = [BEGIN, 1, 2, BEGIN + 50, BEGIN + 60, 3, BEGIN + 100, BEGIN + 110, 4]
    found = utterances(tokens, [-0.5] * 5 + [-1.0] + [-0.5] * 3, BEGIN, 5.0)
    assert [(each.tokens, each.start_s, each.end_s) for each in found] == [
        ((1, 2), 0.0, 1.0),
        ((3,), pytest.approx(1.2), 2.0),
        ((4,), pytest.approx(2.2), 5.0),  # it had no end: the window's
    ]
    assert [each.log_prob for each in found] == [-0.5, -1.0, -0.5]


@given(st.lists(st.integers(0, 1600), max_size=30), st.floats(0.1, 30))
def test_whatever_is_decoded_lies_inside_its_window(tokens, window_s):
    for each in utterances(tokens, [-1.0] * len(tokens), BEGIN, window_s):
        assert 0 <= each.start_s < each.end_s <= window_s + 0.021
        assert each.tokens and all(token < BEGIN for token in each.tokens)


def test_time_is_shared_out_where_people_speak():
    speech = (Span(0.0, 2.0), Span(4.0, 6.0))
    words = shared_out(" Half is said, half is left. ", Span(1.0, 5.0), speech, 0.5)
    assert [word.text for word in words] == ["Half", "is", "said,", "half", "is", "left."]
    assert words[0].start_s == 1.0 and words[-1].end_s == 5.0
    assert all(not 2.0 < word.start_s < 4.0 for word in words)
    assert all(a.start_s <= b.start_s and a.end_s <= b.end_s for a, b in itertools.pairwise(words))
    assert shared_out(" ♪ ", Span(0, 1), speech, 0.5) == ()
    assert parted("你好。我在这里") == ["你好。", "我在这里"]


def heard(text, seconds=4.0, start_s=1.0, **fields):
    parts = text.split()
    step = seconds / len(parts)
    words = tuple(
        Word(part, start_s + step * i, start_s + step * (i + 1)) for i, part in enumerate(parts)
    )
    return Heard(words=words, **{"log_prob": -0.3, "no_speech": 0.01, **fields})


SPEECH = (Span(0.5, 20.0),)
PLAIN = "we came here to see how light is made"


def test_plain_words_are_believed():
    assert doubt(heard(PLAIN), SPEECH) == ""
    assert believed([heard(PLAIN)], SPEECH) == (heard(PLAIN).words, ())


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (heard(PLAIN, start_s=30.0), "nobody speaks there"),
        (heard(PLAIN, no_speech=0.9, log_prob=-1.2), "silence"),
        (heard(" ".join(["thanks for watching this one"] * 12), 15.0), "repeats"),
        (heard(PLAIN, log_prob=-1.7), "guessed"),
        (heard(PLAIN, 0.5), "so fast"),
    ],
)
def test_what_nobody_said_is_left_out_and_told(one, why):
    words, told = believed([heard(PLAIN), one], SPEECH)
    assert words[:9] == heard(PLAIN).words
    assert why in told[0] and one.words[0].text in told[0]
    if why != "repeats":
        assert len(words) == 9
    else:
        assert doubt(one, SPEECH) and len(words) - 9 <= 15


def test_only_probability_and_silence_together_are_doubted():
    assert doubt(heard(PLAIN, no_speech=0.9), SPEECH) == ""
    assert doubt(heard(PLAIN, log_prob=-1.2), SPEECH) == ""


def test_loops_end_after_three():
    said = [Word(text, i, i + 1) for i, text in enumerate(["so", *["the", "end"] * 6, "now"])]
    assert [w.text for w in without_loops(said)] == ["so", *["the", "end"] * 3, "now"]
    once = [Word(text, i, i + 1) for i, text in enumerate(["no", "no", "no", "it", "is", "not"])]
    assert without_loops(once) == tuple(once)
    assert compression_ratio("na " * 60) > 2.4 > compression_ratio(PLAIN)


def test_languages_have_their_short_names():
    assert code_of("pt-BR") == "pt" and code_of("nb") == "no"
    assert code_of("jv") == "jw" and language_of("jw") == "jv"
    assert all(language_of(code_of(each)) == each for each in CODES)
    with pytest.raises(BadInput, match="'xx'"):
        code_of("xx")


def test_figures_are_heard_as_words():
    assert spoken_words(["It", "costs", "$5", "today."], "en") == [
        ["It"],
        ["costs"],
        ["five", "dollars"],
        ["today."],
    ]
    assert spoken_words(["plain", "words"], "en") == [["plain"], ["words"]]
    said = spoken_words(["In", "1476", "he", "paid", "$5", "million", "for", "3", "books"], "en")
    assert [word for part in said for word in part][-3:] == ["for", "three", "books"]
    assert said[2] == ["he"] and all(said)


@given(
    st.lists(
        st.sampled_from(["a", "12", "$3", "the", "4%", "1990", "Dr.", "5km", "&", "..."]),
        max_size=12,
    )
)
def test_nothing_spoken_is_lost_or_doubled(words):
    from media.spoken import spoken

    said = spoken_words(words, "en")
    assert len(said) == len(words)
    if words:
        assert [w for part in said for w in part] == spoken(" ".join(words), "en").split()
