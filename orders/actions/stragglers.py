"""What was executed before a corporate action and is heard of, or booked, behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from foundation import bulk
from marketdata.models import Instrument
from orders.lifecycle import Status
from orders.models import Order
from venues import links, wire
from venues.models import InboxReport

_OPEN: Final = [status.value for status in Status if status.is_at_venue]

# What is booked after a moment counts from then on in the ledger, whenever it was executed.
_LATE: Final[LiteralString] = """
SELECT account_id, sum(quantity) FROM (
  SELECT account_id, CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS quantity
    FROM orders_trade
   WHERE instrument_id = %s AND busts_id IS NULL AND executed_at < %s AND booked_at >= %s
   UNION ALL
  SELECT b.account_id, CASE b.side WHEN 'buy' THEN -b.quantity ELSE b.quantity END
    FROM orders_trade b JOIN orders_trade t ON t.id = b.busts_id
   WHERE b.instrument_id = %s AND t.executed_at < %s AND b.booked_at >= %s) late
 WHERE %s::uuid[] IS NULL OR account_id = ANY(%s)
 GROUP BY account_id HAVING sum(quantity) <> 0"""


def awaited(instrument: Instrument, *, since: datetime, now: datetime) -> str:
    """Return what may still tell of executions of before `since`, nothing when all is booked.

    A venue that has an order tells of what it did in its order: once it was heard of since then,
    all of before has come. What has come must be applied.
    """
    at_venue = Order.objects.filter(instrument=instrument, status__in=_OPEN)
    venues = set(at_venue.values_list("venue", flat=True))
    silent = venues - {
        link.venue
        for link in links.current()
        if link.is_enabled and link.is_up_at(now) and link.heard_at >= since
    }
    if silent:
        return f"news of {', '.join(sorted(silent))}"
    named = {order_id for order_id, at in _unapplied() if at < since}
    if Order.objects.filter(instrument=instrument, pk__in=named).exists():
        return "reports that are not applied yet"
    return ""


def late_quantities(
    instrument: Instrument, *, begins: datetime, account_ids: Collection[UUID] | None = None
) -> dict[UUID, Decimal]:
    """Return what accounts had when that moment began besides what their books then said.

    What had been executed and was booked later, less what was taken back since; of all accounts
    where none are named.
    """
    about = (instrument.pk, begins, begins)
    wanted = None if account_ids is None else list(account_ids)
    return dict(bulk.execute(_LATE, [*about, *about, wanted, wanted]))


def _unapplied() -> Iterator[tuple[UUID, datetime]]:
    """Return which orders the reports are about that nobody has applied, and of when they are."""
    states = (InboxReport.State.NEW, InboxReport.State.EARLY)
    for stored in InboxReport.objects.filter(state__in=states).iterator():
        report = wire.report_from_json(stored.report)
        try:
            yield UUID(report.client_order_id), report.at
        except ValueError:
            continue  # it names no order of ours, and will be parked
