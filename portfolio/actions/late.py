"""Trades that are booked, or taken back, once an issuer has acted on what they moved.

A dividend belongs to whoever had the shares when its ex-date began, by when they were executed and
not by when we heard of it: what a late trade or bust changes of it is paid, or charged, with that
trade or bust, as accounts are entitled once and for all. What changes the shares themselves cannot
be made up for like this: such a trade is of other terms than the books are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from accounts.chain import Event
from foundation import decimals, trips
from foundation.decimals import CASH
from foundation.trips import Answer
from marketdata import calendars
from marketdata.models import Instrument
from portfolio.actions.models import CorporateAction
from portfolio.models import LedgerAccount, Transfer
from portfolio.transfers import Move

ACTOR: Final = "rule:corporate-action"
STILL: Final = timedelta(seconds=3)
"""How long nothing is executed before an action changes shares: a venue has told of all before."""
_DIVIDEND: Final = CorporateAction.Kind.CASH_DIVIDEND.value

_ACTED: Final[LiteralString] = """
SELECT a.id, a.reference, a.kind, a.instrument_id, e.account_id, a.ex_date, a.cash, e.at
  FROM portfolio_entitlement e JOIN portfolio_corporateaction a ON a.id = e.action_id
 WHERE e.account_id = ANY(%s) AND a.instrument_id = ANY(%s) AND e.at >= %s
 UNION ALL
SELECT a.id, a.reference, a.kind, a.instrument_id, NULL, a.ex_date, a.cash, s.at
  FROM portfolio_corporateaction a JOIN portfolio_corporateactionstep s ON s.action_id = a.id
 WHERE s.state = 'entitled' AND a.kind <> 'symbol_change' AND a.instrument_id = ANY(%s)
   AND s.at >= %s"""


class OtherTerms(ValueError):
    """The trade was executed before shares were split, exchanged or spun off; it says by what."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What an issuer did, `at` some time: to one account, or (None) to all that there were."""

    action_id: UUID
    reference: str
    kind: str
    instrument_id: UUID
    account_id: UUID | None
    ex_date: date
    cash: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade that comes late; `signed_quantity` is the opposite when it is taken back."""

    id: UUID
    account_id: UUID
    instrument: Instrument
    signed_quantity: Decimal
    executed_at: datetime


def is_late(executed_at: datetime, *, now: datetime) -> bool:
    """Tell whether an action may have been carried out between a trade and its booking."""
    days = calendars.date_of(executed_at), calendars.date_of(now)
    return now - executed_at >= STILL or days[0] != days[1]


def ask(
    *, account_ids: Sequence[UUID], instrument_ids: Sequence[UUID], since: datetime
) -> Answer[list[Acted]]:
    """Ask for what issuers of these did to these accounts since then; usually nothing."""
    owners, wanted = list(account_ids), list(instrument_ids)
    rows = trips.send(_ACTED, [owners, wanted, since, wanted, since])
    return Answer(lambda: [Acted(*row) for row in rows.get()])


def check(found: Iterable[Acted], trade: Trade, *, since: datetime) -> None:
    """Raise OtherTerms if what the trade moves has become something else since then."""
    for acted in found:
        if _concerns(acted, trade) and acted.kind != _DIVIDEND and acted.at >= since:
            raise OtherTerms(acted.reference)


def moves(found: Iterable[Acted], trade: Trade, *, at: datetime) -> Iterator[tuple[Move, Event]]:
    """Return the dividends that the trade has a part in without being entitled with: each once.

    What moves for it, and what the customer is told.
    """
    missed = {
        acted.action_id: acted
        for acted in found
        if _concerns(acted, trade)
        and acted.kind == _DIVIDEND
        and trade.executed_at < calendars.midnight(acted.ex_date)
    }
    for acted in missed.values():
        cash = decimals.quantize(
            acted.cash * trade.signed_quantity, asset=CASH, rounding=decimals.NEAREST
        )
        payload = {
            "symbol": trade.instrument.symbol,
            "amount": decimals.text(cash),
            "asset": CASH,
            "quantity": decimals.text(trade.signed_quantity),
            "per_share": decimals.text(acted.cash),
            "action": acted.reference,
        }
        move = Move(
            asset=CASH,
            amount=cash,
            kind=Transfer.Kind.DIVIDEND,
            house=LedgerAccount.Kind.ISSUER,
            reference=f"late:{trade.id.hex}:{acted.action_id.hex}",
            at=at,
            may_overdraw=cash < 0,
        )
        yield move, Event("money.dividend", at, ACTOR, payload)


def _concerns(acted: Acted, trade: Trade) -> bool:
    is_theirs = acted.account_id in (None, trade.account_id)
    return is_theirs and acted.instrument_id == trade.instrument.pk
