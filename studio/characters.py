"""Characters: a name, a look, a voice and the consent to use them; made once, used by every tab.

The studio's own stand as data in `assets/characters/`; everybody sees them, nobody can change them.
A request holds a whole character as it was when it was asked for, so that what was made stays
explained, and step keys stay right, whatever becomes of the character.
"""

import secrets
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import BaseModel, Field, ValidationError, model_validator

from studio.artefacts import Artefact, Store, hash_file
from studio.consent import Consent, record_consent
from studio.database import CHARACTERS, writing
from studio.errors import BadInput, LimitReached, NotFound, first_said
from studio.request import Record
from studio.steps import artefacts_in

V = TypeVar("V")

SHIPPED = Path(__file__).parents[1] / "assets" / "characters"
MOST = 500  # of one owner
PICTURE_TYPES: Mapping[str, str] = {".jpg": "image/jpeg", ".png": "image/png"}


class Lora(Record):
    """Weights that teach an image model a look, and the word that calls it up."""

    weights: Artefact
    trigger: str = Field(default="", max_length=200)


class Recording(Record):
    """Somebody speaking."""

    sound: Artefact
    text: str = Field(default="", max_length=2000)
    """What is said in it, where it is known"""


class CharacterVoice(Record):
    """How a character sounds."""

    built_in: str = Field(default="", max_length=80)
    """id of a built-in voice"""
    language: str = Field(default="", max_length=3)
    """That it speaks, ISO 639-1"""
    pitch_hz: float = Field(default=0.0, ge=0, le=2000)
    """Its median; where an engine has other voices, the nearest speaks"""
    recordings: tuple[Recording, ...] = Field(default=(), max_length=20)
    """Whom it shall sound like; the first is used"""
    models: tuple[Artefact, ...] = Field(default=(), max_length=4)
    """Files of a trained voice (RVC)"""


class Character(Record):
    """Somebody whom films can be made of. Written as a bare name it is looked up when a job is asked for."""

    id: str = Field(default="", max_length=80)
    name: str = Field(min_length=1, max_length=80)
    looks: tuple[Artefact, ...] = Field(default=(), max_length=20)
    """Pictures of the face; the first is the main one"""
    loras: tuple[Lora, ...] = Field(default=(), max_length=8)
    voice: CharacterVoice = CharacterVoice()
    consent: Consent | None = None
    """None: only named, not looked up yet"""
    licence: str = Field(default="", max_length=4000)
    """Notes: where pictures and sounds are from, and what is allowed"""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class Characters:
    """The table of characters. Every read and change asks for the owner."""

    database: sa.Engine
    store: Store
    shipped: Path = SHIPPED

    def of(self, owner: str) -> tuple[Character, ...]:
        """Return the owner's characters by name, then those of the studio."""
        own = sorted(self._own(owner), key=lambda each: each.name.casefold())
        return (*own, *self._shipped())

    def find(self, name: str, owner: str) -> Character:
        """Return the character of that id or name.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        known = self.of(owner)
        wanted = name.strip().casefold()
        for each in known:
            if each.id == name:
                return each
        for each in known:
            if each.name.casefold() == wanted:
                return each
        names = ", ".join(each.name for each in known)
        raise NotFound(f"there is no character {name!r}", remedy=f"There are: {names}.")

    def own(self, id_: str, owner: str) -> Character:
        """Return a character that the owner may change.

        Raises:
            NotFound: if there is none, or it is another's.
            BadInput: if it is the studio's.
        """
        found = self.find(id_, owner)
        if self.is_shipped(found):
            raise BadInput(
                f"{found.name} belongs to the studio", remedy="Duplicate it, and change the copy."
            )
        return found

    def is_shipped(self, character: Character) -> bool:
        """Tell whether it is one of the studio's own."""
        return any(each.id == character.id for each in self._shipped())

    def save(self, character: Character, owner: str) -> Character:
        """Write a new character (its id is empty), or a changed one; return it as it stands.

        Raises:
            BadInput: without consent, or if another has that name.
            NotFound: if a file of it is not stored, or it is another's.
            LimitReached: if there are very many already.
        """
        name = " ".join(character.name.split())
        if not name:
            raise BadInput("the character has no name yet", remedy="Write one.")
        consent = character.consent
        if consent is None or (consent.kind == "agreed" and not consent.given_by.strip()):
            record_consent(None if consent is None else consent.kind)  # says what is missing
        known = self.of(owner)
        if any(
            each.name.casefold() == name.casefold() and each.id != character.id for each in known
        ):
            raise BadInput(f"there is a character {name!r} already", remedy="Choose another name.")
        for each in artefacts_in(character):
            self.store.path(each)
        if character.id:
            self.own(character.id, owner)
            return self._write(character.model_copy(update={"name": name}), owner)
        if len(known) >= MOST:
            raise LimitReached(f"there are {len(known)} characters", remedy="Delete some first.")
        id_ = f"character-{secrets.token_hex(6)}"
        return self._write(character.model_copy(update={"id": id_, "name": name}), owner)

    def add_copy(self, character: Character, owner: str) -> Character:
        """Write a copy, under a name that is free.

        Raises:
            LimitReached: if there are very many already.
        """
        taken = {each.name.casefold() for each in self.of(owner)}
        name, count = character.name, 1
        while name.casefold() in taken:
            count += 1
            name = f"{character.name[:72]} ({count})"
        return self.save(character.model_copy(update={"id": "", "name": name}), owner)

    def remove(self, id_: str, owner: str) -> None:
        """Forget the character alone; `Studio.forget_character` forgets what was made of it too."""
        with writing(self.database) as db:
            where = (CHARACTERS.c.id == id_, CHARACTERS.c.owner == owner)
            db.execute(sa.delete(CHARACTERS).where(*where))

    def resolved(self, value: V, owner: str) -> V:
        """Return a request with every character looked up that is only named in it.

        Raises:
            NotFound: if there is none of that name.
        """
        if isinstance(value, Character):
            return value if value.consent is not None else cast("V", self.find(value.name, owner))
        if isinstance(value, BaseModel):
            old = {name: getattr(value, name) for name in type(value).model_fields}
            new = {name: self.resolved(each, owner) for name, each in old.items()}
            changed = {name: each for name, each in new.items() if each is not old[name]}
            return value.model_copy(update=changed) if changed else value
        if isinstance(value, tuple):
            before = cast("Sequence[Any]", value)
            after = tuple(self.resolved(each, owner) for each in before)
            is_same = all(new is old for new, old in zip(after, before, strict=True))
            return cast("V", before if is_same else after)
        return value

    def _own(self, owner: str) -> list[Character]:
        query = sa.select(CHARACTERS.c.body).where(CHARACTERS.c.owner == owner)
        with self.database.connect() as db:
            bodies = [body for (body,) in db.execute(query)]
        return [Character.model_validate_json(body) for body in bodies]

    def _write(self, character: Character, owner: str) -> Character:
        row = {"id": character.id, "owner": owner, "changed_s": time.time()}
        with writing(self.database) as db:
            db.execute(sa.delete(CHARACTERS).where(CHARACTERS.c.id == character.id))
            db.execute(sa.insert(CHARACTERS).values(**row, body=character.model_dump_json()))
        return character

    def _shipped(self) -> list[Character]:
        """Return the studio's own, their pictures stored."""
        return [self._read(path) for path in sorted(self.shipped.glob("*.toml"))]

    def _read(self, path: Path) -> Character:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        looks = [self._taken(path.parent / each) for each in data.pop("looks", ())]
        consent = record_consent("nobody", given_at=data.pop("made_at"))
        try:
            return Character.model_validate(
                {**data, "id": path.stem, "looks": looks, "consent": consent}
            )
        except ValidationError as error:
            raise BadInput(f"{path.name} is no character: {first_said(error)}") from error

    def _taken(self, path: Path) -> Artefact:
        known = artefact_of(path)
        return known if self.store.has(known) else self.store.take_in(path, known.media_type)


def shipped_files(shipped: Path = SHIPPED) -> frozenset[str]:
    """Return the sha256 of the pictures of the studio's own characters: they show nobody real."""
    found: set[str] = set()
    for path in shipped.glob("*.toml"):
        looks = tomllib.loads(path.read_text(encoding="utf-8")).get("looks", ())
        found |= {artefact_of(path.parent / each).sha256 for each in looks}
    return frozenset(found)


def artefact_of(path: Path) -> Artefact:
    """Return what a picture that is shipped would be in the store."""
    with path.open("rb") as file:
        digest = hash_file(file)
    kind = PICTURE_TYPES.get(path.suffix, "application/octet-stream")
    return Artefact(digest, kind, path.stat().st_size, path.name)
