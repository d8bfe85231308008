"""Consent: who agreed that a face and a voice are used, whose they are, what for, and when.

Nothing is made of a real person's face or voice without it. The record goes into the character, into
the job's recipe and into its report.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import Field

from studio.errors import BadInput
from studio.request import Record

ConsentKind: TypeAlias = Literal["me", "agreed", "nobody"]
KIND_TITLES: Mapping[str, str] = {
    "me": "It is me",
    "agreed": "They agreed",
    "nobody": "Nobody real: drawn or generated",
}
PURPOSE = "Films and dubs made in this studio"
REMEDY = (
    "Say whose face and voice (--consent): that it is you, that they agreed, with their name, "
    "or that it shows nobody real."
)


class Consent(Record):
    """Who agreed to what."""

    kind: ConsentKind
    """One's own face and voice, somebody's who agreed, or nobody's real"""
    given_by: str = Field(default="", max_length=200)
    """Who gave it"""
    about: str = Field(default="", max_length=200)
    """Whose face and voice"""
    purpose: str = Field(default=PURPOSE, max_length=1000)
    """What for"""
    given_at: str = Field(default="", max_length=40)
    """When, ISO 8601"""
    statement: str = Field(default="", max_length=4000)
    """What was agreed to, in words"""

    @property
    def sentence(self) -> str:
        """The record on one line, for a report."""
        return f"{self.statement} ({self.given_at[:10]}; {self.purpose})"


def now() -> str:
    """Return the time, ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record_consent(
    kind: ConsentKind | None,
    *,
    given_by: str = "",
    about: str = "",
    purpose: str = "",
    given_at: str = "",
) -> Consent:
    """Write down a consent, with the statement in words.

    Raises:
        BadInput: if nothing was said, or nobody is named who agreed.
    """
    if kind is None:
        raise BadInput("it is not said whose face or voice this is", remedy=REMEDY)
    given_by, about = given_by.strip(), about.strip()
    if kind == "agreed" and not given_by:
        raise BadInput(
            "it is not said who agreed", remedy="Write the name of who agreed (--consent-by)."
        )
    whose = about or given_by
    theirs = (
        f"the face and voice of {about}" if about not in {"", given_by} else "their face and voice"
    )
    statement = {
        "me": f"This is {f'{whose}: ' if whose else ''}my own face and voice, and I want them to be used.",
        "agreed": f"{given_by} agreed that {theirs} are used.",
        "nobody": "Nobody real is shown or heard: face and voice are drawn, painted or generated.",
    }[kind]
    return Consent(
        kind=kind,
        given_by=given_by,
        about=whose,
        purpose=purpose.strip() or PURPOSE,
        given_at=given_at or now(),
        statement=statement,
    )
