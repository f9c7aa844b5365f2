"""What a provider's quotes stand for in our tables: confirmed, halted, traded again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from foundation import history
from marketdata import store
from marketdata.feeds.wire import Status
from marketdata.models import Instrument
from marketdata.ticks import QuoteTick

_CONFIRM: Final = """
    UPDATE marketdata_quote AS quote SET received_at = %s
      FROM unnest(%s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[])
           AS told(symbol, bid, bid_size, ask, ask_size)
      JOIN marketdata_instrument AS instrument USING (symbol)
     WHERE quote.instrument_id = instrument.id AND instrument.source = %s
       AND quote.source = instrument.source
       AND (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
           IS NOT DISTINCT FROM (told.bid, told.bid_size, told.ask, told.ask_size)
"""


def confirm(quotes: Sequence[QuoteTick], *, source: str, now: datetime) -> int:
    """Note that these stand at `now`, and return of how many that is so.

    One that differs from what we have believed is not confirmed: it lies on the tape still, or was
    not believed, and grows old.
    """
    if not quotes:
        return 0
    columns = [
        [getattr(quote, name) for quote in quotes]
        for name in ("symbol", "bid", "bid_size", "ask", "ask_size")
    ]
    with transaction.atomic():
        store.take_turn()
        with connection.cursor() as cursor:
            cursor.execute(_CONFIRM, [now, *columns, source])
            return int(cursor.rowcount)


@transaction.atomic
def halt(status: Status, *, source: str) -> bool:
    """Halt an instrument of `source`, or let it trade again; tell whether that changed anything.

    What people have halted, people let trade again.
    """
    found = Instrument.objects.select_for_update(no_key=True).filter(
        symbol=status.symbol, source=source
    )
    instrument = found.first()
    if instrument is None or instrument.halted == status.is_halted:
        return False
    reason = f"Halted by the feed {source}."
    if not status.is_halted and _halted_because(instrument) != reason:
        return False
    instrument.halted = status.is_halted
    told = reason if status.is_halted else f"Traded again at {source}."
    history.because(instrument, told)
    instrument.save(update_fields=["halted"])
    return True


def _halted_because(instrument: Instrument) -> str | None:
    """Return the reason of the change that halted it."""
    reason: str | None = None
    rows = instrument.history.order_by("-history_date", "-history_id")
    for is_halted, told in rows.values_list("halted", "history_change_reason").iterator():
        if not is_halted:
            break
        reason = told
    return reason
