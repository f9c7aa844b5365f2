"""Bank accounts that money may be sent to: what must be said of one, and whose it is. Pure.

Two ways are known: an account at a bank of the United States, by its routing number (ABA, nine
digits with a check digit) and account number; and an IBAN (ISO 13616), whose country and check
digits are seen to. That the account exists, and is the holder's, only its bank can say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from stdnum import iban
from stdnum.exceptions import ValidationError
from stdnum.us import rtn

HOLDER_LENGTH_MAX: Final = 120
_ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{4,17}")


class Kind(StrEnum):
    US_BANK = "us_bank"
    IBAN = "iban"


FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {Kind.US_BANK: ("routing_number", "account_number"), Kind.IBAN: ("iban",)}
)


class InvalidDestination(ValueError):
    """What was said of the bank account cannot be right: `field` names it, the message why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Destination:
    """A bank account, its numbers without the blanks and hyphens that people write."""

    kind: Kind
    holder: str
    numbers: Mapping[str, str]

    @property
    def text(self) -> str:
        """All of it in one line, for those who send the money."""
        if self.kind is Kind.IBAN:
            return f"{self.holder}, IBAN {iban.format(self.numbers['iban'])}"
        routing, account = self.numbers["routing_number"], self.numbers["account_number"]
        return f"{self.holder}, routing {routing}, account {account}"

    @property
    def masked(self) -> str:
        """What tells it from others of the same person, and nobody else anything."""
        if self.kind is Kind.IBAN:
            return f"IBAN {self.numbers['iban'][:2]} … {self.numbers['iban'][-4:]}"
        return f"Account … {self.numbers['account_number'][-4:]}"


def destination(kind: str, *, holder: str, numbers: Mapping[str, str]) -> Destination:
    """Return the bank account that was described. Raises InvalidDestination."""
    if kind not in set(Kind):
        raise InvalidDestination("kind", f"kind is one of {', '.join(Kind)}.")
    kind = Kind(kind)
    name = " ".join(holder.split())
    if not 0 < len(name) <= HOLDER_LENGTH_MAX or not name.isprintable():
        raise InvalidDestination("holder", "Say whose account it is, as the bank knows them.")
    strange = sorted(set(numbers) - set(FIELDS[kind]))
    if strange:
        raise InvalidDestination(strange[0], f"{strange[0]} is no part of this kind of account.")
    given = {field: _bare(numbers.get(field, "")) for field in FIELDS[kind]}
    if kind is Kind.IBAN:
        if not _is_valid(iban, given["iban"]):
            raise InvalidDestination("iban", "This IBAN is not valid: check every character.")
    else:
        if not _is_valid(rtn, given["routing_number"]):
            raise InvalidDestination(
                "routing_number", "This is no routing number: nine digits, as on a cheque."
            )
        if not _ACCOUNT_NUMBER.fullmatch(given["account_number"]):
            raise InvalidDestination("account_number", "An account number has 4 to 17 digits.")
    return Destination(kind, name, MappingProxyType(given))


def is_of(holder: str, person: str) -> bool:
    """Tell whether an account's holder is this person, as far as names can tell.

    Case, accents, punctuation and the order of names do not matter, and names in between may be
    left out or be initials; but the first and the last name of the person must be there, and
    nobody else's.
    """
    theirs, own = _names(holder), _names(person)
    if len(theirs) < 2 or len(own) < 2:
        return theirs == own and bool(own)
    if not {own[0], own[-1]} <= set(theirs):
        return False
    others = [name for name in theirs if name not in own]
    return all(len(name) == 1 and any(mine[0] == name for mine in own[1:-1]) for name in others)


def _is_valid(rule: object, number: str) -> bool:
    if not (number.isascii() and number.isalnum()):
        return False
    try:
        rule.validate(number)  # type: ignore[attr-defined]
    except ValidationError:
        return False
    return True


def _bare(number: object) -> str:
    return re.sub(r"[\s-]", "", str(number)).upper()


def _names(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return re.sub(
        r"[^\w\s]|_", " ", letters.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    ).split()
