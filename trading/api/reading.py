"""One JSON object being read, field by field: every mistake is noted, and reading goes on. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from foundation import decimals

UNKNOWN_NAMED_MAX: Final = 10
FIELD_LENGTH_MAX: Final = 40

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a field: a sentence for a person and a stable code."""

    field: str
    message: str
    code: str = "unreadable"


class Reading:
    """An object whose fields are read one after the other; `mistakes` holds what is wrong.

    `within` is the field that the object itself was in: mistakes name `within.field`.
    """

    def __init__(self, payload: dict[str, Any], *, within: str = "") -> None:
        self.payload = payload
        self.mistakes: list[Mistake] = []
        self.has_unknown_fields = False
        self._said = {
            field: value for field, value in payload.items() if value is not None and value != ""
        }
        self._within = f"{within}." if within else ""

    def note(self, field: str, message: str, *, code: str = "unreadable") -> None:
        self.mistakes.append(Mistake(self._within + field, message, code))

    def has(self, field: str) -> bool:
        """Tell whether the field says anything: null and an empty text say nothing."""
        return field in self._said

    def refuse_all_but(self, known: Collection[str]) -> None:
        unknown = sorted(str(field)[:FIELD_LENGTH_MAX] for field in set(self.payload) - set(known))
        for field in unknown[:UNKNOWN_NAMED_MAX]:
            self.has_unknown_fields = True
            self.note(field, f"{field!r} is not a field here.", code="unknown_field")

    def text(self, field: str) -> str | None:
        value = self._said.get(field)
        if value is None or isinstance(value, str):
            return value
        self.note(field, f"{field} must be a text.")
        return None

    def word(self, field: str, words: type[Word]) -> Word | None:
        """Return the one of `words` that the field says, None when it says nothing."""
        value = self._said.get(field)
        if value is None:
            return None
        word = _by_value(words).get(value) if isinstance(value, str) else None
        if word is None:
            self.note(field, f"{field} must be one of {_listed(words)}.")
        return word

    def needed_word(self, field: str, words: type[Word]) -> Word | None:
        if not self.has(field):
            self.note(field, f"{field} is needed: one of {_listed(words)}.", code="missing")
        return self.word(field, words)

    def number(self, field: str) -> Decimal | None:
        """Return the plain decimal that the field says, as a number or as text."""
        value = self._said.get(field)
        if value is None:
            return None
        try:
            return decimals.parse(value)
        except decimals.InvalidDecimal:
            self.note(field, f"{field} must be a plain decimal number, such as 12.50.")
            return None

    def flag(self, field: str) -> bool:
        value = self.payload.get(field)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.note(field, f"{field} must be true or false.")
        return False

    def ids(self, field: str) -> tuple[UUID, ...]:
        """Return the ids in the list that the field is, none when it says nothing."""
        value = self._said.get(field, [])
        try:
            if isinstance(value, list):
                return tuple(UUID(each) for each in value)
        except (AttributeError, TypeError, ValueError):
            pass
        self.note(field, f"{field} must be a list of ids.")
        return ()

    def part(self, field: str, known: Collection[str], *, refuses_unknown: bool) -> Reading | None:
        """Return the object in the field, to be read likewise; `absorb` it afterwards."""
        value = self.payload.get(field)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.note(field, f"{field} must be an object.")
            return None
        reading = Reading(value, within=field)
        if refuses_unknown:
            reading.refuse_all_but(known)
        return reading

    def absorb(self, part: Reading) -> None:
        """Take over what is wrong with a part."""
        self.mistakes += part.mistakes
        self.has_unknown_fields |= part.has_unknown_fields


@cache
def _by_value(words: type[Word]) -> dict[str, Word]:
    return {word.value: word for word in words}


def _listed(words: type[StrEnum]) -> str:
    return ", ".join(word.value for word in words)
