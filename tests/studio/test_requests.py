"""Every field of every workflow's request is in the key, and lives through writing and reading."""

import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import workflows
from studio.artefacts import Artefact
from studio.keys import digest
from studio.workflow import discover

KNOWN = discover(workflows)
FIELDS = [(name, field) for name, each in KNOWN.items() for field in each.request.model_fields]
ARTEFACTS = st.integers(0, 2**256 - 1).map(
    lambda number: Artefact(f"{number:064x}", "video/mp4", number % 1000, "clip.mp4")
)
SCALARS = {
    str: st.text(max_size=8),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
    bool: st.booleans(),
    type(None): st.none(),
    Artefact: ARTEFACTS,
}


def values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one line a kind
    """Return values of a field's annotation; limits are left aside, keys know nothing of them."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is Annotated:
        return values(args[0])
    if origin in {Union, types.UnionType}:
        return st.one_of(*map(values, args))
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        members = {name: values(field.annotation) for name, field in kind.model_fields.items()}
        return st.builds(kind.model_construct, **members)
    if is_dataclass(kind):
        return st.builds(kind, **{each.name: values(each.type) for each in fields(kind)})
    return st.from_type(kind)


@pytest.mark.parametrize(("workflow", "name"), FIELDS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_change_of_any_field_changes_the_key(workflow, name, data):
    kind = KNOWN[workflow].request
    some = values(kind.model_fields[name].annotation)
    one, other = data.draw(some), data.draw(some)
    rest = kind.model_construct()  # once: a field may hold the time at which it was made
    keys = [digest(rest.model_copy(update={name: value})) for value in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_there_is_something_to_test():
    assert FIELDS
