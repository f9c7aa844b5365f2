"""What an account owns and what that is worth at the latest prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from accounts.models import Account
from marketdata import selectors as marketdata
from marketdata.models import Instrument, Quote
from portfolio.models import EquitySnapshot, Position
from portfolio.worth import owned, valuation
from portfolio.worth.valuation import PositionWorth, Worth

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position at the latest price; a short one has a negative quantity, value and cost basis.

    `price` is the last trade, or the middle of the quote before the first one, None when there
    is neither; `market_value` and `unrealised` are then at cost. `price_age` is in seconds, None
    where nobody looked when the price was last confirmed.
    """

    instrument: Instrument
    quantity: Decimal
    available: Decimal
    average_price: Decimal
    cost_basis: Decimal
    price: Decimal | None
    previous_close: Decimal | None
    market_value: Decimal
    unrealised: Decimal
    unrealised_day: Decimal
    price_age: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An account's money and positions at one moment. All amounts in USD.

    `cash` is below zero where money was lent. `equity` is cash plus the market value of the
    positions, that of short ones being negative. `last_equity` was that at the end of the last
    day that was closed (zero before the first) and `paid_in_since` came in from outside after it,
    so that neither is taken for profit; `paid_in` is all that ever did. `realised` is the profit
    of all that was ever closed, `unrealised` that of what is open.
    """

    account: Account
    at: datetime
    cash: Decimal
    held: Decimal
    equity: Decimal
    last_equity: Decimal
    paid_in_since: Decimal
    long_market_value: Decimal
    positions: tuple[PositionView, ...]
    short_market_value: Decimal = ZERO
    paid_in: Decimal = ZERO
    realised: Decimal = ZERO
    realised_day: Decimal = ZERO
    unrealised: Decimal = ZERO
    unrealised_day: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        return self.cash - self.held

    @property
    def buying_power(self) -> Decimal:
        """What a cash account may spend. That of a margin account is risk's to say."""
        return max(ZERO, self.available)

    @property
    def profit(self) -> Decimal:
        """All that was gained since the account was opened: costs, interest and dividends too."""
        return self.equity - self.paid_in

    @property
    def profit_day(self) -> Decimal:
        return self.equity - self.last_equity - self.paid_in_since


def snapshot(account_id: UUID, *, now: datetime | None = None) -> Snapshot:
    """Return what the account owns now. Raises Account.DoesNotExist."""
    found = snapshots([account_id], now=now)
    if account_id not in found:
        raise Account.DoesNotExist
    return found[account_id]


def snapshots(account_ids: Iterable[UUID], *, now: datetime | None = None) -> dict[UUID, Snapshot]:
    """Return what each of these accounts owns now, in four statements however many there are."""
    now = now or timezone.now()
    found = owned.owned(account_ids)
    accounts = Account.objects.in_bulk(found)
    held = {each.instrument_id for one in found.values() for each in one.positions}
    instruments, quotes = Instrument.objects.in_bulk(held), marketdata.latest_quotes(held)
    prices = {each: owned.price_of(quote) for each, quote in quotes.items()}
    return {
        account_id: as_snapshot(
            valuation.worth_of(one, prices),
            account=accounts[account_id],
            instruments=instruments,
            at=now,
            ages={each: (now - q.received_at).total_seconds() for each, q in quotes.items()},
        )
        for account_id, one in found.items()
    }


def as_snapshot(
    worth: Worth,
    *,
    account: Account,
    instruments: Mapping[UUID, Instrument],
    at: datetime,
    ages: Mapping[UUID, float],
) -> Snapshot:
    """Return what an account is worth with the rows that it is about; `ages` are of prices."""
    return Snapshot(
        account=account,
        at=at,
        cash=worth.owned.cash,
        held=worth.owned.held,
        equity=worth.equity,
        last_equity=worth.last_equity,
        paid_in_since=worth.paid_in_since,
        long_market_value=worth.long_market_value,
        positions=tuple(
            as_view(
                each,
                instrument=instruments[each.position.instrument_id],
                price_age=ages.get(each.position.instrument_id),
            )
            for each in worth.positions
        ),
        short_market_value=worth.short_market_value,
        paid_in=worth.owned.paid_in,
        realised=worth.owned.realised,
        realised_day=worth.realised_day,
        unrealised=worth.unrealised,
        unrealised_day=worth.unrealised_day,
    )


def as_view(
    worth: PositionWorth, *, instrument: Instrument, price_age: float | None
) -> PositionView:
    position = worth.position
    return PositionView(
        instrument=instrument,
        quantity=position.quantity,
        available=position.available,
        average_price=position.cost_basis / position.quantity,
        cost_basis=position.cost_basis,
        price=worth.price,
        previous_close=worth.previous_close,
        market_value=worth.market_value,
        unrealised=worth.unrealised,
        unrealised_day=worth.unrealised_day,
        price_age=price_age,
    )


def quantities(account_id: UUID) -> dict[UUID, Decimal]:
    """Return how much of each instrument the account has; a short position is negative."""
    rows = Position.objects.filter(account_id=account_id).exclude(quantity=0)
    return dict(rows.values_list("instrument_id", "quantity"))


def days_closed() -> int:
    """Return a number that rises whenever the end of a day is written for an account."""
    latest: int | None = EquitySnapshot.objects.aggregate(latest=Max("pk"))["latest"]
    return latest or 0


def price_of(quote: Quote | None) -> Decimal | None:
    """Return the price that a position is valued at, None before anybody said one."""
    return None if quote is None else owned.price_of(quote).price
