"""What an account owns and what that is worth at the latest prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Account
from foundation.decimals import CASH
from marketdata import selectors as marketdata
from marketdata.models import Instrument, Quote
from portfolio import accounting
from portfolio.models import Balance, EquitySnapshot, LedgerAccount, Position, Transfer

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position at the latest price.

    `price` is the last trade, or the middle of the quote before the first one, None when there
    is neither; `market_value` and `unrealised` are then at cost. `price_age` is in seconds.
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

    `equity` is cash plus the market value of the positions. `last_equity` was that at
    the end of the last day that was closed (zero before the first) and `paid_in_since` came in
    from the bank after it, so that neither is taken for profit.
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

    @property
    def available(self) -> Decimal:
        return self.cash - self.held

    @property
    def buying_power(self) -> Decimal:
        return self.available

    @property
    def profit_day(self) -> Decimal:
        return self.equity - self.last_equity - self.paid_in_since


@dataclass(frozen=True, slots=True)
class _DayStart:
    equity: Decimal
    paid_in_since: Decimal
    at: datetime | None


def snapshot(account_id: UUID, *, now: datetime | None = None) -> Snapshot:
    """Return what the account owns now. Raises Account.DoesNotExist."""
    now = now or timezone.now()
    account = Account.objects.get(pk=account_id)
    balances = {b.asset: b for b in Balance.objects.filter(account_id=account_id)}
    held_positions = list(
        Position.objects.filter(account_id=account_id)
        .exclude(quantity=0)
        .select_related("instrument")
        .order_by("instrument__symbol")
    )
    quotes = marketdata.latest_quotes([p.instrument_id for p in held_positions])
    day_start = _day_start(account_id)
    views = tuple(
        _view(
            p,
            balances.get(p.instrument.code),
            quotes.get(p.instrument_id),
            day_start,
            now,
        )
        for p in held_positions
    )
    cash = balances.get(CASH)
    amount, held = (cash.amount, cash.held) if cash else (ZERO, ZERO)
    value = sum((view.market_value for view in views), ZERO)
    return Snapshot(
        account=account,
        at=now,
        cash=amount,
        held=held,
        equity=amount + value,
        last_equity=day_start.equity,
        paid_in_since=day_start.paid_in_since,
        long_market_value=value,
        positions=views,
    )


def price_of(quote: Quote | None) -> Decimal | None:
    """Return the price that a position is valued at: the last trade, else the middle."""
    if quote is None:
        return None
    price: Decimal | None = quote.last
    if price is None and quote.bid is not None and quote.ask is not None:
        price = (quote.bid + quote.ask) / 2
    return price


def _view(
    position: Position,
    balance: Balance | None,
    quote: Quote | None,
    day_start: _DayStart,
    now: datetime,
) -> PositionView:
    price = price_of(quote)
    previous = quote.previous_close if quote else None
    value = position.cost_basis if price is None else _value(price, position.quantity)
    is_of_today = day_start.at is None or position.opened_at > day_start.at
    at_day_start = (
        position.cost_basis
        if is_of_today or previous is None
        else _value(previous, position.quantity)
    )
    return PositionView(
        instrument=position.instrument,
        quantity=position.quantity,
        available=balance.available if balance else ZERO,
        average_price=position.average_price,
        cost_basis=position.cost_basis,
        price=price,
        previous_close=previous,
        market_value=value,
        unrealised=value - position.cost_basis,
        unrealised_day=value - at_day_start,
        price_age=(now - quote.received_at).total_seconds() if quote else None,
    )


def _value(price: Decimal, quantity: Decimal) -> Decimal:
    return accounting.cash_of_fill(value_before=ZERO, value=price * quantity)


def _day_start(account_id: UUID) -> _DayStart:
    """Return the equity at the end of the last day that has one, and what was paid in since."""
    before = EquitySnapshot.objects.filter(account_id=account_id).order_by("-day").first()
    cash = LedgerAccount.objects.filter(owner_id=account_id, asset=CASH).first()
    since = Transfer.objects.filter(at__gt=before.at) if before else Transfer.objects.all()
    deposited = since.filter(kind=Transfer.Kind.DEPOSIT, credit=cash)
    withdrawn = since.filter(kind=Transfer.Kind.WITHDRAWAL, debit=cash)
    paid_in = _sum(deposited) - _sum(withdrawn) if cash else ZERO
    return _DayStart(
        equity=before.equity if before else ZERO,
        paid_in_since=paid_in,
        at=before.at if before else None,
    )


def _sum(transfers: QuerySet[Transfer]) -> Decimal:
    total: Decimal | None = transfers.aggregate(sum=Sum("amount"))["sum"]
    return total or ZERO
