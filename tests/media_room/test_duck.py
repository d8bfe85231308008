"""The duck envelope: exact outside, as deep as asked inside, the same however it is cut in blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.duck import Duck, Envelope, bridged, choose_depth_db, duck_ramps, lowered, united
from media.speech import Span

RATE = 8000

DUCKS = st.lists(
    st.builds(
        lambda start, length, depth: Duck(start, start + length, depth),
        st.floats(0, 8),
        st.floats(0.05, 2),
        st.floats(6, 12),
    ),
    max_size=6,
)


def gains_of(ducks, start, stop):
    return lowered(Envelope(duck_ramps(ducks, RATE)).values(start, stop))


@settings(max_examples=50, deadline=None)
@given(ducks=DUCKS, cut=st.integers(1, 80000))
def test_the_gain_is_one_outside_and_deep_inside(ducks, cut):
    n = 11 * RATE
    gains = np.concatenate([gains_of(ducks, 0, min(cut, n)), gains_of(ducks, min(cut, n), n)])
    assert len(gains) == n
    held = bridged(ducks, 0.47)
    time = np.arange(n) / RATE
    near = np.zeros(n, bool)
    for duck in held:
        near |= (time > duck.start_s - 0.1215) & (time < duck.end_s + 0.3515)
    assert (gains[~near] == 1.0).all()
    for duck in ducks:
        inside = gains[round(duck.start_s * RATE) : round(duck.end_s * RATE)]
        assert (20 * np.log10(inside) <= -duck.depth_db + 1e-3).all()
    deepest = max((duck.depth_db for duck in ducks), default=0)
    assert 20 * np.log10(gains.min()) >= -deepest - 1e-3


def test_the_ramps_begin_before_and_end_after_the_line():
    gains_db = 20 * np.log10(gains_of([Duck(1.0, 2.0, 9.0)], 0, 3 * RATE))

    def at(time_s):
        return float(gains_db[round(time_s * RATE)])

    assert at(0.87) == 0 and at(2.36) == 0
    assert at(0.94) == pytest.approx(-4.5, abs=0.1)  # half of the look-ahead of 120 ms
    assert at(2.175) == pytest.approx(-4.5, abs=0.1)  # half of the release of 350 ms
    assert at(1.0) == pytest.approx(-9, abs=0.01) and at(2.0) == pytest.approx(-9, abs=0.01)
    assert np.abs(np.diff(gains_db)).max() < 0.02  # no step can be heard


def test_short_pauses_do_not_pump():
    gains = gains_of([Duck(1, 2, 9), Duck(2.4, 3, 7)], 2 * RATE, round(2.4 * RATE))
    assert (20 * np.log10(gains) <= -7 + 1e-3).all()


@pytest.mark.parametrize(
    ("bed", "voice", "depth"), [(-32, -20, 9), (-20, -20, 12), (-60, -20, 6), (-33, -20, 8)]
)
def test_a_loud_bed_steps_back_further(bed, voice, depth):
    assert choose_depth_db(bed, voice) == depth


def test_spans_are_united():
    spans = [Span(3, 4), Span(0, 1), Span(1.05, 2), Span(3.5, 3.6)]
    assert united(spans, 0.1) == (Span(0, 2), Span(3, 4))
