"""The exchange's statement to a member at the end of a trading day, from its own records.

One CSV file a member and day: its trades and busts, its orders that were still open, and the
totals of each instrument. A trade that was busted stays, and its bust follows with the opposite
sign in quantity and value, so that the columns add up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from foundation.decimals import text
from marketdata import calendars
from venues.exchange import standing
from venues.exchange.models import Execution, MemberOrder, MemberReplace
from venues.messages import ReportKind, Side

HEADER: Final = (
    *("record", "sequence", "at", "execution_id", "reference", "client_order_id"),
    *("venue_order_id", "symbol", "side", "quantity", "price", "value", "leaves_quantity"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement; what does not apply is empty. Sells and busts count as they are:
    a bust's quantity and value are negative."""

    record: str
    symbol: str
    side: str
    quantity: Decimal
    value: Decimal | None = None
    sequence: int | None = None
    at: datetime | None = None
    execution_id: str = ""
    reference: str = ""
    client_order_id: str = ""
    venue_order_id: str = ""
    price: Decimal | None = None
    leaves_quantity: Decimal | None = None


def members_on(day: date) -> list[str]:
    """Return the members that have something on their statement of `day`."""
    traded = Execution.objects.filter(date=day).values_list("member", flat=True)
    ever = MemberOrder.objects.filter(entered_at__lt=_end_of(day)).values_list("member", flat=True)
    return sorted({*traded.distinct(), *ever.distinct()})


def lines(*, member: str, day: date) -> list[Line]:
    """Return the statement of a member for a trading day: trades, open orders, totals."""
    trades = [
        _trade(each)
        for each in Execution.objects.filter(member=member, date=day).order_by("sequence")
    ]
    return [*trades, *_open_orders(member, _end_of(day)), *_totals(trades)]


def as_csv(statement: Iterable[Line]) -> str:
    """Return the lines as a CSV file with a header; times are UTC, numbers exact."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for line in statement:
        writer.writerow([_plain(getattr(line, column)) for column in HEADER])
    return out.getvalue()


def file_name(*, member: str, day: date) -> str:
    return f"{member}_{day.isoformat()}.csv"


def _end_of(day: date) -> datetime:
    """Return when a trading day is over for all calendars: at midnight in New York."""
    return calendars.midnight(day + timedelta(days=1))


def _trade(execution: Execution) -> Line:
    is_bust = execution.kind == ReportKind.BUSTED
    quantity = -execution.quantity if is_bust else execution.quantity
    return Line(
        record="bust" if is_bust else "trade",
        symbol=execution.symbol,
        side=execution.side,
        quantity=quantity,
        value=quantity * execution.price,
        sequence=execution.sequence,
        at=execution.at,
        execution_id=execution.execution_id,
        reference=execution.reference,
        client_order_id=execution.client_order_id,
        venue_order_id=execution.venue_order_id,
        price=execution.price,
    )


def _open_orders(member: str, at: datetime) -> Iterator[Line]:
    """Yield the orders that were open at `at`, by their number here."""
    found = standing.open_orders(member=member, at=at)
    names = {report.client_order_id for report in found}
    sides = _sides(member, names)
    for report in sorted(found, key=lambda each: int(each.venue_order_id)):
        is_new = report.kind == ReportKind.REPLACED
        yield Line(
            record="open_order",
            symbol=report.symbol,
            side=sides[report.client_order_id],
            quantity=Decimal(0) if is_new else report.cumulative_quantity,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            leaves_quantity=report.leaves_quantity,
        )


def _sides(member: str, client_order_ids: set[str]) -> dict[str, str]:
    """Return the side of each order; that of a replacement is the replaced order's."""
    origins = {name: name for name in client_order_ids}
    unknown = set(client_order_ids)
    # Each round goes one replacement back, and no order has been replaced more often than that.
    while unknown:
        replaced = dict(
            MemberReplace.objects.filter(
                member=member, new_client_order_id__in=unknown
            ).values_list("new_client_order_id", "client_order_id")
        )
        origins = {name: replaced.get(origin, origin) for name, origin in origins.items()}
        unknown = set(replaced.values())
    sides = dict(
        MemberOrder.objects.filter(
            member=member, client_order_id__in=set(origins.values())
        ).values_list("client_order_id", "side")
    )
    return {name: sides[origin] for name, origin in origins.items()}


def _totals(trades: Iterable[Line]) -> Iterator[Line]:
    totals: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for trade in trades:
        key = trade.symbol, trade.side
        quantity, value = totals.get(key, (Decimal(0), Decimal(0)))
        totals[key] = quantity + trade.quantity, value + (trade.value or Decimal(0))
    for symbol in sorted({symbol for symbol, _ in totals}):
        for side in (Side.BUY, Side.SELL):
            if (symbol, side) in totals:
                quantity, value = totals[symbol, side]
                yield Line("total", symbol, side.value, quantity, value)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
