"""What the first start puts in place: instruments, and a simulated past for their charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from marketdata import bars, calendars, rollups, store
from marketdata.history import partitions, past
from marketdata.history.past import Past
from marketdata.instruments import listing
from marketdata.instruments.listing import Listed
from marketdata.models import Instrument, Quote
from marketdata.rollups import Part
from marketdata.ticks import SIMULATED

SECONDS_MAX: Final = 600  # between two statements, and for one


@transaction.atomic
def load(*, now: datetime, path: Path = listing.SHIPPED) -> int:
    """List the instruments of `path` that are not listed yet, each with a simulated past.

    Their bars end, and their last price stands, at the reference price from which the simulated
    market starts. Returns how many instruments are new; a second call finds none.
    """
    partitions.make_ahead(now=now)
    new = listing.load(now=now, path=path)
    if not new:
        return 0
    _take_time()
    store.take_turn()
    pasts = [
        past.simulate(_character(listed), seed=settings.MARKET_SEED, now=now) for listed in new
    ]
    _copy([(listed.instrument.id, each) for listed, each in zip(new, pasts, strict=True)])
    store.write_quotes(
        [
            _first_quote(listed.instrument, each, now=now)
            for listed, each in zip(new, pasts, strict=True)
        ],
        news={listed.instrument.id for listed in new},
    )
    return len(new)


def _take_time() -> None:
    """Let this transaction take what it takes: the bound of others is short for a slow machine."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{SECONDS_MAX}s'")
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SECONDS_MAX}s'")


def _character(listed: Listed) -> past.Character:
    instrument = listed.instrument
    is_crypto = instrument.asset_class == Instrument.AssetClass.CRYPTO
    return past.Character(
        code=instrument.code,
        calendar=instrument.calendar,
        price=instrument.reference_price,
        price_increment=instrument.price_steps.at(instrument.reference_price),
        volume_increment=Decimal("0.0001") if is_crypto else Decimal(1),
        daily_volume=listed.daily_volume,
        volatility=listed.volatility,
    )


def _first_quote(instrument: Instrument, told: Past, *, now: datetime) -> Quote:
    """Return the quote of a market that has not opened: a last price, and nobody who bids."""
    day = calendars.date_of(now)
    *_, last = told.days
    is_of_today = last.start == calendars.midnight(day)
    closed = told.days[:-1] if is_of_today else told.days
    return Quote(
        instrument=instrument,
        sequence=0,
        source=SIMULATED,
        at=now,
        received_at=now,
        last=instrument.reference_price,
        last_at=now,
        day=day,
        day_open=last.open if is_of_today else None,
        day_high=last.high if is_of_today else None,
        day_low=last.low if is_of_today else None,
        day_volume=last.volume if is_of_today else Decimal(0),
        previous_close=closed[-1].close if closed else None,
    )


def _copy(pasts: Sequence[tuple[UUID, Past]]) -> None:
    """Write the bars as lines of text: a hundred thousand rows in a second or two."""
    with connection.cursor() as cursor, cursor.copy(store.COPY_BARS) as copy:
        for instrument_id, told in pasts:
            rows = (store.bar_row(instrument_id, part, SIMULATED) for part in _parts(told))
            copy.write("".join(map(store.bar_line, rows)))


def _parts(told: Past) -> Iterator[Part]:
    hours = bars.aggregate(told.minutes, timeframe=bars.parse_timeframe(rollups.HOUR))
    for timeframe, those in (
        (rollups.MINUTE, told.minutes),
        (rollups.HOUR, hours),
        (rollups.DAY, told.days),
    ):
        yield from (rollups.whole(timeframe, bar) for bar in those)
