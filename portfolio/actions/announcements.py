"""What an announcement of a corporate action must say, and what it means for holdings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from portfolio.actions.rules import CashDividend, Merger, SpinOff, Split, Terms

REFERENCE_LENGTH_MAX: Final = 60  # client order ids are made of it
SYMBOL_LENGTH_MAX: Final = 24
ZERO: Final = Decimal(0)


class NotAnAnnouncement(ValueError):
    """The terms do not make sense for this kind of action; the message says why."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What was announced, by the instruments' codes. `kind` is one of CorporateAction.Kind."""

    reference: str
    kind: str
    instrument: str
    ex_date: date
    source: str
    pay_date: date | None = None
    cash: Decimal = ZERO
    new_shares: int = 0
    old_shares: int = 1
    into: str | None = None
    price: Decimal = ZERO
    cost_share: Decimal = ZERO
    symbol: str = ""


def check(said: Announced) -> None:
    """Raise NotAnAnnouncement unless everything that the kind needs is there, and nothing else."""
    if not 0 < len(said.reference) <= REFERENCE_LENGTH_MAX or not said.reference.isprintable():
        raise NotAnAnnouncement(f"A reference has 1 to {REFERENCE_LENGTH_MAX} characters.")
    if not said.source.strip():
        raise NotAnAnnouncement("Say where it was announced.")
    for wrong, message in _RULES[said.kind](said):
        if wrong:
            raise NotAnAnnouncement(message)


def terms_of(said: Announced) -> Terms | None:
    """Return what the action does to holdings, None if it leaves them alone."""
    if said.kind == "cash_dividend":
        return CashDividend(said.cash)
    if said.kind == "split":
        return Split(said.new_shares, said.old_shares, said.price)
    if said.kind == "merger":
        return Merger(said.cash, said.new_shares, said.old_shares, said.price)
    if said.kind == "spin_off":
        return SpinOff(said.new_shares, said.old_shares, said.cost_share, said.price)
    return None


def ends_orders(said: Announced) -> bool:
    """Tell whether resting orders end before holdings change: there is nothing to carry over to."""
    return said.kind in ("merger", "spin_off", "symbol_change") or is_reverse_split(said)


def is_reverse_split(said: Announced) -> bool:
    return said.kind == "split" and said.new_shares < said.old_shares


_Rules = list[tuple[bool, str]]


def _dividend(said: Announced) -> _Rules:
    return [
        (said.cash <= 0, "A dividend is more than nothing."),
        (
            said.pay_date is not None and said.pay_date < said.ex_date,
            "It is paid on the ex-date or later.",
        ),
        (said.into is not None or bool(said.new_shares), "A cash dividend has no shares."),
    ]


def _split(said: Announced) -> _Rules:
    return [
        (
            said.new_shares < 1 or said.old_shares < 1 or said.new_shares == said.old_shares,
            "A split is like 4 for 1 or 1 for 10.",
        ),
        (said.price <= 0, "Say what a fraction of a new share is paid at."),
        (bool(said.cash) or said.into is not None, "A split has no cash and no other instrument."),
    ]


def _merger(said: Announced) -> _Rules:
    return [
        (not said.cash and said.into is None, "A merger is for cash, for stock, or for both."),
        ((said.into is None) != (said.new_shares == 0), "Stock has an instrument and a ratio."),
        (
            said.into is not None and said.price <= 0,
            "Say what a fraction of a new share is paid at.",
        ),
        (said.into == said.instrument, "It merges into another instrument."),
    ]


def _spin_off(said: Announced) -> _Rules:
    return [
        (said.into is None or said.new_shares < 1, "Say what is spun off, and in which ratio."),
        (said.into == said.instrument, "What is spun off is another instrument."),
        (not 0 < said.cost_share < 1, "A part of the cost goes to it: more than 0, less than 1."),
        (said.price <= 0, "Say what a fraction of a new share is paid at."),
        (bool(said.cash), "A spin-off has no cash."),
    ]


def _symbol_change(said: Announced) -> _Rules:
    new = said.symbol
    return [
        (
            not 0 < len(new) <= SYMBOL_LENGTH_MAX or not new.isprintable() or " " in new,
            "Say the new symbol.",
        ),
        (
            bool(said.cash or said.new_shares) or said.into is not None,
            "A symbol change moves nothing.",
        ),
    ]


_RULES: Final = {
    "cash_dividend": _dividend,
    "split": _split,
    "merger": _merger,
    "spin_off": _spin_off,
    "symbol_change": _symbol_change,
}
