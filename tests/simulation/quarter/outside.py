"""Those outside who tell of the quarter: the exchange, a custodian, a bank.

Each has books of its own, of what it has really done, and never looks into ours. What they say in
the evening are files as they would send them; the exchange's is made by the program from the
exchange's own tables.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_UP, Decimal
from typing import Any, Final

from django.utils import timezone

from foundation.decimals import text
from marketdata import calendars
from orders.models import Order
from reconciliation.bank import plain_file as bank_file
from reconciliation.venue_statements import plain_file
from reconciliation.venue_statements import services as statements
from tests import world
from venues.exchange.commands import OURSELVES
from venues.exchange.models import Execution, MemberOrder, MemberReport
from venues.messages import ExecutionReport, ReportKind, Side

CENT: Final = Decimal("0.01")
NOTHING: Final = Decimal(0)
SECTION_31: Final = Decimal("0.0000206")
"""Of the value of a sale, since 4 April 2026."""
TAF: Final = Decimal("0.000195")
"""USD for each share sold, in 2026."""


@dataclass(frozen=True)
class Fill:
    """What was executed, as one of them tells it. `fee` is what regulators get for it."""

    id: str
    day: date
    order: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime
    fee: Decimal

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side == Side.BUY.value else -self.quantity


def fee_of(side: str, quantity: Decimal, price: Decimal) -> Decimal:
    """Return what regulators ask of a trade: of sales alone, each fee rounded up to the cent."""
    if side == Side.BUY.value:
        return NOTHING
    fees = (SECTION_31 * quantity * price, TAF * quantity)
    return sum((fee.quantize(CENT, ROUND_UP) for fee in fees), NOTHING)


class Exchange(world.Venue):
    """Executes what it is asked to, and keeps its own record of it.

    What it has told us of the day is `told` until the evening, when it is written into the record
    that its file is made of: until then what it will say of it may be changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Fill] = []
        self._orders: dict[str, int] = {}
        self._rows = itertools.count(1)

    def says(self, order: Order, kind: ReportKind, **said: Any) -> ExecutionReport:
        report = super().says(order, kind, **said)
        name = report.client_order_id
        if name not in self._orders:
            self._orders[name] = len(self._orders) + 1
            self._enter(order, report)
        MemberReport.objects.create(
            member=OURSELVES, sequence=report.sequence, execution_id=report.execution_id,
            kind=kind.value, client_order_id=name, venue_order_id=str(self._orders[name]),
            symbol=order.instrument.symbol, at=report.at, quantity=report.quantity,
            price=report.price, cumulative_quantity=report.cumulative_quantity,
            # What has ended has nothing left.
            leaves_quantity=NOTHING if kind is ReportKind.EXPIRED else report.leaves_quantity,
            reason=report.reason, reference=report.reference,
        )  # fmt: skip
        if kind is ReportKind.FILL and report.quantity is not None and report.price is not None:
            fee = fee_of(order.side, report.quantity, report.price)
            self.told.append(
                Fill(
                    report.execution_id, calendars.date_of(report.at), name,
                    order.instrument.symbol, order.side, report.quantity, report.price, report.at,
                    fee,
                )
            )  # fmt: skip
        return report

    def _enter(self, order: Order, report: ExecutionReport) -> None:
        MemberOrder.objects.create(
            member=OURSELVES, client_order_id=report.client_order_id,
            symbol=order.instrument.symbol, side=order.side, quantity=order.quantity,
            type=order.type, time_in_force=order.time_in_force, limit_price=order.limit_price,
            entered_at=report.at, journal_sequence=report.sequence,
        )  # fmt: skip

    def write_down(self) -> None:
        """Write what it says of the day into its record."""
        Execution.objects.bulk_create(
            Execution(
                sequence=next(self._rows), execution_id=fill.id, kind=ReportKind.FILL.value,
                member=OURSELVES, client_order_id=fill.order,
                venue_order_id=str(self._orders.get(fill.order, 0)), symbol=fill.symbol,
                side=fill.side, quantity=fill.quantity, price=fill.price,
                cumulative_quantity=fill.quantity, leaves_quantity=NOTHING, at=fill.at,
                date=fill.day,
            )
            for fill in self.told
        )  # fmt: skip
        self.told.clear()


@dataclass
class Custodian:
    """Keeps what customers own: trades, positions and cash by what it has heard of the trades.

    `off` is by how much it is wrong from a day on: (day, symbol or USD, amount).
    """

    name: str = "street"
    account: str = "OF-1"
    told: list[Fill] = field(default_factory=list)
    splits: list[tuple[date, str, Decimal]] = field(default_factory=list)
    off: list[tuple[date, str, Decimal]] = field(default_factory=list)
    late: set[date] = field(default_factory=set)
    """The days whose files come a day later than they should."""

    def file(self, day: date) -> bytes:
        """Return what it says of `day` as the CSV of docs/reconciliation.md."""
        records: list[dict[str, str]] = [
            {"record": "account", "id": self.account},
            {"record": "day", "id": day.isoformat()},
            *({"record": "tells", "id": each} for each in ("trades", "positions", "cash")),
        ]
        records += [
            {
                "record": "trade", "id": fill.id, "order": fill.order, "symbol": fill.symbol,
                "side": fill.side, "quantity": text(fill.quantity), "price": text(fill.price),
                "at": fill.at.isoformat(), "fee": text(fill.fee),
            }
            for fill in self.told
            if fill.day == day
        ]  # fmt: skip
        held = self.held(day)
        records.append(
            {"record": "cash", "basis": "traded", "amount": text(held.pop("USD", NOTHING))}
        )
        records += [
            {"record": "position", "symbol": symbol, "basis": "traded", "amount": text(amount)}
            for symbol, amount in sorted(held.items())
            if amount
        ]
        records.append({"record": "end", "id": str(len(records))})
        return written(plain_file.HEADER, records)

    def held(self, day: date) -> dict[str, Decimal]:
        """Return what it has for us at the end of `day`, by symbol; cash under USD."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for fill in self.told:
            if fill.day <= day:
                since = (
                    ratio
                    for on, symbol, ratio in self.splits
                    if symbol == fill.symbol and fill.day < on <= day
                )
                shares = fill.signed
                for ratio in since:
                    shares *= ratio
                amounts[fill.symbol] += shares
                amounts["USD"] -= fill.signed * fill.price + fill.fee
        for on, asset, amount in self.off:
            if on <= day:
                amounts[asset] += amount
        return amounts


@dataclass(frozen=True)
class Line:
    """Money that came to the bank account, or left it; `reference` is who sent it or we say."""

    id: str
    day: date
    amount: Decimal
    reference: str


@dataclass
class Bank:
    """Keeps the house's money: what came from customers and what went to them."""

    name: str = "first-bank"
    account: str = "12345"
    told: list[Line] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def moves(self, day: date, amount: Decimal, reference: str) -> Line:
        line = Line(f"B{next(self.numbers)}", day, amount, reference)
        self.told.append(line)
        return line

    def file(self, day: date) -> bytes:
        """Return what it says of `day` as the bank's CSV of docs/reconciliation.md."""
        before = sum((line.amount for line in self.told if line.day < day), NOTHING)
        lines = [line for line in self.told if line.day == day]
        after = before + sum((line.amount for line in lines), NOTHING)
        usd = {"currency": "USD"}
        records: list[dict[str, str]] = [
            {"record": "account", "id": self.account},
            {"record": "opening", "amount": text(before), **usd},
            *(
                {
                    "record": "entry", "id": line.id, "date": day.isoformat(),
                    "amount": text(line.amount),
                    "reference": f"ACH {line.reference} OPENFLOOR", **usd,
                }
                for line in lines
            ),
            {"record": "closing", "date": day.isoformat(), "amount": text(after), **usd},
        ]  # fmt: skip
        return written(bank_file.HEADER, records)


def written(header: Iterable[str], records: Iterable[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(header), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


def hand_in(of: Custodian | Bank, day: date) -> None:
    """Take its file of a day in, as operations do."""
    statements.take(
        name=of.name,
        day=day,
        content=of.file(day),
        file_name=f"{of.name}-{day}.csv",
        actor="operator:desk",
        now=timezone.now(),
    )
