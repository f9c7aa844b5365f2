"""An account to which things happen, and what its statements say of them."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from orders.entry import submission
from portfolio import services as portfolio
from portfolio.models import Balance
from reconciliation.statements import composing, job
from reconciliation.statements.models import Statement
from tests import world
from venues.messages import ExecutionReport, Side

NOON = "2026-03-10T12:00:00-04:00"
D = Decimal


class Life:
    """An account to which things happen, day after day; statements are made every night."""

    def __init__(self, clock: Any, *, margin: bool = False, cash: str = "100000.00") -> None:
        self.clock, self.venue = clock, world.Venue()
        self.listed = {symbol: world.instrument(symbol) for symbol in ("AAPL", "MSFT")}
        self.account = world.customer(cash=cash)
        Account.objects.filter(pk=self.account.pk).update(margin=margin)
        self.fills: list[tuple[Any, ExecutionReport]] = []
        self.then: dict[str, bytes] = {}

    @property
    def today(self) -> date:
        return calendars.date_of(timezone.now())

    def trade(self, quantity: str, price: str, side: Side = Side.BUY, symbol: str = "AAPL") -> None:
        for instrument in self.listed.values():
            world.quote(instrument, bid=price, ask=price)
        far = str(D(price) + (1 if side is Side.BUY else -1))
        ticket = world.limit_ticket(
            self.account, far, symbol=symbol, side=side, quantity=D(quantity)
        )
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        assert answer.order.status == "submitted", answer.order.denial_code
        self.fills.append((answer.order, self.venue.fills(answer.order, quantity, price)))
        world.apply_reports()

    def bust(self, place: int) -> None:
        order, report = self.fills.pop(place)
        self.venue.busts(order, report)
        world.apply_reports()

    def deposit(self, amount: str, reference: str, *, at: datetime | None = None) -> None:
        portfolio.deposit(
            account_id=self.account.pk, amount=D(amount), reference=reference,
            actor="operator:test", now=at or timezone.now(),
        )  # fmt: skip

    def night(self, *, days: int = 1) -> str:
        """Let `days` end, make the statements of the first, and keep what they say."""
        day = self.today
        midnight = calendars.midnight(day + timedelta(days=days))
        self.clock.move_to(midnight + timedelta(hours=1))
        said = job.run(day=day, now=timezone.now(), progress=lambda done, of: None)
        self.keep()
        self.clock.move_to(midnight + timedelta(hours=12))
        return said

    def keep(self) -> None:
        for statement in Statement.objects.order_by("number"):
            if statement.number not in self.then:
                self.then[statement.number] = b"".join(composing.csv(statement))

    def statement(self, kind: str, last: date | None = None) -> Statement:
        found = Statement.objects.filter(account=self.account, kind=kind)
        return found.filter(last=last).get() if last else found.latest("last", "revision")


def rows(data: bytes, section: str) -> list[dict[str, str]]:
    found = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return [row for row in found if row["section"] == section]


def about(data: bytes) -> dict[str, str]:
    return {row["item"]: row["value"] for row in rows(data, "about")}


def held(data: bytes, section: str) -> dict[str, Decimal]:
    """Return cash and positions of the opening or closing, by symbol; nothing is left out."""
    found = {
        row["symbol"]: D(row["amount"] if row["symbol"] == "USD" else row["quantity"])
        for row in rows(data, section)
    }
    return {symbol: units for symbol, units in found.items() if units}


def moved(data: bytes) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows(data, "movement") + rows(data, "adjustment"):
        units = D(row["amount"] or row["quantity"])
        sums[row["symbol"]] = sums.get(row["symbol"], D(0)) + units
    return sums


def balances(account: Account) -> dict[str, Decimal]:
    return {
        row.asset: row.amount for row in Balance.objects.filter(account=account).exclude(amount=0)
    }
