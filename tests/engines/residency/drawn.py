"""Random plans and machines for the manager's property tests."""

from hypothesis import strategies as st

from engines.residency.chunks import even
from engines.residency.plan import Plan, Stage

MODELS = "abcde"


@st.composite
def models(draw):
    return [
        even(key, draw(st.integers(1, 40)) * count, count)
        for key in MODELS
        for count in [draw(st.integers(1, 6))]
    ]


@st.composite
def plans(draw, most=12, activation=10):
    stages = draw(
        st.lists(
            st.builds(
                Stage,
                id=st.text("xyz", max_size=2),
                needs=st.lists(st.sampled_from(MODELS), min_size=1, max_size=2, unique=True).map(
                    tuple
                ),
                compute_s=st.floats(0, 5),
                activation_bytes=st.integers(0, activation),
                passes=st.integers(1, 3),
            ),
            min_size=1,
            max_size=most,
        )
    )
    return Plan(tuple(stages))


@st.composite
def speeds(draw):
    return draw(st.floats(1, 500)), draw(st.floats(1, 500))


def largest(models):
    return max(chunk.nbytes for model in models for chunk in model.chunks)
