"""What a workflow is asked and what it gives: two models, from which form, API and recipe are made."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from studio.artefacts import Artefact


class Record(BaseModel):
    """Base of what travels between rooms: frozen, nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Request(Record):
    """Base of every workflow's request.

    A field's name carries its unit (`gap_ms`), its docstring is its help text, its limits are
    pydantic's. `json_schema_extra` may say more:

    * `{"file": ["video", "audio"]}`: an `Artefact` that the user uploads, and of which kinds;
    * `{"character": True}`: a `Character`, told by its name and looked up when the job is asked for;
    * `{"labels": {"me": "It is me"}}`: what choices are called;
    * `{"language_of": "Translator"}`, `{"engine_of": "Separator"}`, `{"voice": "The nearest"}` (what none
      is called): the form offers these;
    * `{"lines": 3}`: a text of several lines; `{"colour": True}`: one that is `#rrggbb`;
    * `{"title": "File format"}`: what the form calls it, where its name says too little;
    * `{"shown_when": {"background": ["blur"]}}`: the form shows it only where that field has such a value;
    * `{"shown_with": ["picture"]}`: the form shows it only where one of these files is given;
    * `{"tells": True}`: its first words stand in a job's title;
    * `{"decides": True}`: other engines are called for when it changes;
    * `{"unused": True}`: of a base class, but nothing here: it is offered nowhere;
    * `{"group": "Voices", "advanced": True}`: on which card the form shows it, folded away or not; what
      makes a fold's title may stand for True. "Output" is the last card, and where no group is told.
    """

    quality: str = Field(default="", json_schema_extra={"quality": True, "group": "Output"})
    """Which engines do the work; empty: what suits this machine"""
    review: bool = Field(
        default=False, json_schema_extra={"group": "Output", "title": "Stop for review"}
    )
    """Stop and let me look before the slow part"""
    seed: int = Field(default=0, ge=0, json_schema_extra={"group": "Output", "advanced": True})
    """The same seed gives the same result"""


class Report(Record):
    """Base of every workflow's numbers; a subclass names them, with units."""

    warnings: tuple[str, ...] = ()
    """What the user should know, one sentence each."""


class Result(Record):
    """Base of every workflow's result: its `Artefact` fields are its files."""

    def artefacts(self) -> Iterator[tuple[str, Artefact]]:
        """Yield (field name, artefact) of every file that was made."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Artefact):
                yield name, value
