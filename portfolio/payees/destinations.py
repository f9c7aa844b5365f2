"""Where money and coins may be sent to: what must be said of it, and whose it is. Pure.

Three ways are known: an account at a bank of the United States, by its routing number (ABA, nine
digits with a check digit) and account number; an IBAN (ISO 13616), whose country and check digits
are seen to; and an address on a network that coins leave by (`portfolio.payees.networks`), of a
wallet that the customer keeps or that a provider keeps for them (what FATF's recommendation 16,
the Travel Rule, asks for with the beneficiary's name). That it exists, and is the holder's, only
its bank or provider can say.
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

from foundation.decimals import CASH
from portfolio.payees import addresses, networks
from portfolio.payees.networks import Network

HOLDER_LENGTH_MAX: Final = 120
PROVIDER_LENGTH_MAX: Final = 80
_ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{4,17}")


class Kind(StrEnum):
    US_BANK = "us_bank"
    IBAN = "iban"
    COIN = "coin"


class Wallet(StrEnum):
    """Who keeps the keys of an address."""

    SELF_HOSTED = "self_hosted"
    PROVIDER = "provider"


FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        Kind.US_BANK: ("routing_number", "account_number"),
        Kind.IBAN: ("iban",),
        Kind.COIN: ("network", "address", "memo", "wallet", "provider"),
    }
)
NAMED_BY: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {**FIELDS, Kind.COIN: ("network", "address", "memo")}
)
"""Which of its fields say that two are the same."""
NUMBER: Final[Mapping[Kind, str]] = MappingProxyType(
    {Kind.US_BANK: "account_number", Kind.IBAN: "iban", Kind.COIN: "address"}
)
"""Which of its fields is the number itself."""


class InvalidDestination(ValueError):
    """What was said of the destination cannot be right: `field` names it, the message why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Destination:
    """A bank account or an address, its numbers without the blanks that people write."""

    kind: Kind
    holder: str
    numbers: Mapping[str, str]

    @property
    def coin(self) -> str:
        """What it can take, and nothing else: USD, or the coin of its network."""
        return self.network.coin if self.kind is Kind.COIN else CASH

    @property
    def network(self) -> networks.Terms:
        """What its network is like, of an address of coins. Raises KeyError for a bank account."""
        return networks.TERMS[Network(self.numbers["network"])]

    @property
    def text(self) -> str:
        """All of it in one line, for those who send the money."""
        if self.kind is Kind.COIN:
            memo = f", tag {self.numbers['memo']}" if self.numbers["memo"] else ""
            kept = self.numbers["provider"] or "a wallet of their own"
            return f"{self.holder}, {self.network.name} {self.numbers['address']}{memo}, {kept}"
        if self.kind is Kind.IBAN:
            return f"{self.holder}, IBAN {iban.format(self.numbers['iban'])}"
        routing, account = self.numbers["routing_number"], self.numbers["account_number"]
        return f"{self.holder}, routing {routing}, account {account}"

    @property
    def masked(self) -> str:
        """What tells it from others of the same person, and nobody else anything."""
        if self.kind is Kind.COIN:
            address = self.numbers["address"]
            return f"{self.network.name} {address[:6]} … {address[-4:]}"
        if self.kind is Kind.IBAN:
            return f"IBAN {self.numbers['iban'][:2]} … {self.numbers['iban'][-4:]}"
        return f"Account … {self.numbers['account_number'][-4:]}"


def destination(kind: str, *, holder: str, numbers: Mapping[str, str]) -> Destination:
    """Return the bank account or address that was described. Raises InvalidDestination."""
    if kind not in set(Kind):
        raise InvalidDestination("kind", f"kind is one of {', '.join(Kind)}.")
    kind = Kind(kind)
    name = " ".join(holder.split())
    if not 0 < len(name) <= HOLDER_LENGTH_MAX or not name.isprintable():
        raise InvalidDestination("holder", "Say whose it is, as the bank or provider knows them.")
    strange = sorted(set(numbers) - set(FIELDS[kind]))
    if strange:
        raise InvalidDestination(strange[0], f"{strange[0]} is no part of this kind of account.")
    if kind is Kind.COIN:
        return Destination(kind, name, MappingProxyType(_on_network(numbers)))
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


def _on_network(numbers: Mapping[str, str]) -> dict[str, str]:
    """Return what an address of coins is described by, as it is written."""
    given = {field: str(numbers.get(field, "")).strip() for field in FIELDS[Kind.COIN]}
    if given["network"] not in set(Network):
        raise InvalidDestination("network", f"network is one of {', '.join(Network)}.")
    terms = networks.TERMS[Network(given["network"])]
    try:
        given["address"] = terms.address(given["address"])
    except addresses.NoAddress:
        raise InvalidDestination(
            "address", f"This is no address on {terms.name}: copy it whole, do not type it."
        ) from None
    memo = given["memo"]
    if memo and terms.memo is None:
        raise InvalidDestination("memo", f"{terms.name} has no tags: leave it out.")
    if memo and terms.memo and not (terms.memo.fullmatch(memo) and int(memo) <= networks.MEMO_MAX):
        raise InvalidDestination("memo", "A tag is a whole number below 4,294,967,296.")
    if given["wallet"] not in set(Wallet):
        raise InvalidDestination("wallet", f"wallet is one of {', '.join(Wallet)}.")
    given["provider"] = " ".join(given["provider"].split())
    is_kept = given["wallet"] == Wallet.PROVIDER
    if is_kept != bool(given["provider"]) or len(given["provider"]) > PROVIDER_LENGTH_MAX:
        raise InvalidDestination(
            "provider",
            "Say which provider keeps the wallet." if is_kept else "Nobody keeps it for you.",
        )
    if not given["provider"].isprintable():
        raise InvalidDestination("provider", "Say which provider keeps the wallet.")
    if memo == "" and terms.memo is not None and is_kept:
        raise InvalidDestination(
            "memo", f"A provider on {terms.name} tells its customers apart by a tag: say yours."
        )
    return given


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
