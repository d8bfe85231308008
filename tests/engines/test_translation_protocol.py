"""The questions and answers of a language model: no line is ever another's."""

import json

from hypothesis import given
from hypothesis import strategies as st

from engines.chat import json_object
from engines.translation.protocol import (
    AROUND,
    KEYS,
    Entry,
    Task,
    question,
    read,
    read_alone,
    schema,
)

TASK = Task("en", "es")
WORDS = st.lists(
    st.sampled_from(
        [
            "moon",
            "dog",
            "house",
            "where",
            "friend",
            "music",
            "seven",
            "7",
            "12",
            "Anna",
            "come",
            "never",
        ]
    ),
    min_size=1,
    max_size=7,
).map(" ".join)
BATCHES = st.lists(WORDS, min_size=1, max_size=9).map(
    lambda texts: [Entry(str(i), text) for i, text in enumerate(texts)]
)


def reply(entries, sources):
    return json.dumps(
        {
            entry.id: {"source": source, "short": source, "normal": source, "long": source}
            for entry, source in zip(entries, sources, strict=True)
        }
    )


@given(BATCHES)
def test_a_faithful_answer_is_taken_whole(entries):
    texts = [entry.text for entry in entries]
    found = read(reply(entries, texts), entries, TASK)
    assert [found[entry.id].translation.text for entry in entries] == texts
    assert not any(each.lacks for each in found.values())


@given(BATCHES, st.randoms(use_true_random=False))
def test_a_mixed_up_answer_gives_no_line_another_ones_words(entries, random):
    texts = [entry.text for entry in entries]
    random.shuffle(texts)
    found = read(reply(entries, texts), entries, TASK)
    for entry in entries:
        assert entry.id not in found or found[entry.id].translation.text == entry.text


@given(BATCHES, st.data())
def test_what_is_left_out_is_left_open(entries, data):
    kept = data.draw(st.lists(st.sampled_from(entries), unique_by=lambda each: each.id))
    found = read(reply(kept, [each.text for each in kept]), entries, TASK)
    assert found.keys() == {each.id for each in kept}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "1", *KEYS]), inner, max_size=4)
    ),
    max_leaves=9,
)


@given(BATCHES, JSON.map(json.dumps) | st.text(max_size=60))
def test_any_answer_is_read_without_an_error(entries, told):
    found = read(told, entries, TASK)
    assert found.keys() <= {entry.id for entry in entries}
    assert len(read_alone(told, entries[0])) <= 4 * len(entries[0].text) + 64


@given(BATCHES, st.data())
def test_a_question_has_what_is_asked_and_its_neighbours_in_order(entries, data):
    asked = [entry for entry in entries if data.draw(st.booleans(), label=entry.id)] or entries[:1]
    lines = json.loads(question(entries, asked, TASK)[1].text)["lines"]
    assert [each["id"] for each in lines if "id" in each] == [each.id for each in asked]
    assert len(lines) <= len(asked) * (2 * AROUND + 1)
    texts = [each.get("text", each.get("context")) for each in lines]
    rest = iter(entry.text for entry in entries)
    assert all(any(text == other for other in rest) for text in texts)
    assert schema(asked)["required"] == [each.id for each in asked]


def test_rooms_and_terms_are_told():
    entries = [Entry("0", "The moon base.", 14), Entry("1", "A dog.")]
    task = Task("en", "es", (("moon base", "base lunar"), ("sun", "sol")))
    told = json.loads(question(entries, entries, task)[1].text)
    assert told["lines"][0] == {"id": "0", "text": "The moon base.", "letters": 14}
    assert told["glossary"] == {"moon base": "base lunar"}


def test_an_object_is_found_in_what_surrounds_it():
    assert json_object('Sure!\n```json\n{"a": 1}\n```') == {"a": 1}
    assert json_object('{"a": 1, "b": 2, "a": 3}') == {"b": 2}
    assert json_object("[" * 5000 + "{" * 5000 + "}") == {}
