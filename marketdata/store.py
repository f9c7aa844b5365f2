"""The statements that put ticks into tables: one for each table, however many rows.

All of them run inside the writers' turn (see `take_turn`), so that rows need no other lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

from foundation import bulk, decimals, metrics, wakeups
from marketdata.cleaning.rules import Suspect
from marketdata.models import Quote, SuspectTick
from marketdata.rollups import Part
from marketdata.ticks import Point, QuoteTick, Tick

WRITERS_TURN: Final = 0x0F100001  # the key of an advisory lock; any number that nobody else uses
SUSPECTS_KEPT_MAX: Final = 200  # of one batch; the rest of a flood is counted and no more

_BAD: Final = metrics.counter(
    "openfloor_ticks_bad_total",
    "Ticks that were kept aside, by source and why.",
    "source",
    "reason",
)


def take_turn() -> None:
    """Wait until no other process writes prices, and keep them waiting until the commit.

    With two writers at once, number 8 might be committed before number 7, and a reader that
    has seen 8 would never ask for 7 again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_TURN])


_QUOTE_COLUMNS: Final = {
    "instrument_id": "uuid",
    "sequence": "bigint",
    "source": "text",
    "at": "timestamptz",
    "received_at": "timestamptz",
    "bid": "numeric",
    "bid_size": "numeric",
    "ask": "numeric",
    "ask_size": "numeric",
    "last": "numeric",
    "last_size": "numeric",
    "last_at": "timestamptz",
    "last_trade_id": "text",
    "day": "date",
    "day_open": "numeric",
    "day_high": "numeric",
    "day_low": "numeric",
    "day_volume": "numeric",
    "previous_close": "numeric",
    "doubted": "numeric",
    "doubts": "smallint",
    "paths": "bigint",
}


def _unnest(columns: Mapping[str, str]) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in columns.values())})"


_NEXT: Final = "nextval('marketdata_quote_sequence')"
_UPSERT_QUOTES: Final = f"""
    INSERT INTO marketdata_quote ({", ".join(_QUOTE_COLUMNS)})
    SELECT {
    ", ".join(
        f"CASE WHEN is_news THEN {_NEXT} ELSE sequence END" if name == "sequence" else name
        for name in _QUOTE_COLUMNS
    )
}
    FROM {_unnest({**_QUOTE_COLUMNS, "is_news": "boolean"})}
      AS told({", ".join(_QUOTE_COLUMNS)}, is_news)
    ON CONFLICT (instrument_id) DO UPDATE
    SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _QUOTE_COLUMNS)}
"""  # noqa: S608 - put together from the constants above


def write_quotes(quotes: Sequence[Quote], *, news: set[UUID]) -> None:
    """Write `quotes`; those of the instruments in `news` get the next sequence numbers."""
    if not quotes:
        return
    values = [[getattr(quote, name) for quote in quotes] for name in _QUOTE_COLUMNS]
    values.append([quote.instrument_id in news for quote in quotes])
    bulk.execute(_UPSERT_QUOTES, values)


PATHS_KEPT: Final = 32
"""Of each instrument, the latest: more than three seconds of batches."""

_UPSERT_PATHS: Final = """
    INSERT INTO marketdata_pricepath AS path (instrument_id, slot, number, source, points)
    SELECT instrument_id, mod(number, %s), number, %s, points::jsonb
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[]) AS told(instrument_id, number, points)
    ON CONFLICT (instrument_id, slot) DO UPDATE
    SET (number, source, points) = (EXCLUDED.number, EXCLUDED.source, EXCLUDED.points)
"""


def write_paths(paths: Sequence[tuple[UUID, int, Sequence[Point]]], *, source: str) -> None:
    """Keep the numbered ways of last prices, told by `source`, in place of the oldest ones."""
    if not paths:
        return
    points = [orjson.dumps(list(map(_as_stored, way))).decode() for _, _, way in paths]
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT_PATHS,
            [PATHS_KEPT, source, [key for key, *_ in paths], [n for _, n, _ in paths], points],
        )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _as_stored(point: Point) -> tuple[str, int]:
    """Return a point as JSON: a number of microseconds is read much faster than a time."""
    return decimals.text(point.price), (point.at - _EPOCH) // _MICROSECOND


def point(stored: tuple[str, int]) -> Point:
    """Return the point that was stored so."""
    price, microseconds = stored
    return Point(Decimal(price), _EPOCH + microseconds * _MICROSECOND)


_BAR_COLUMNS: Final = {
    "instrument_id": "uuid",
    "timeframe": "text",
    "start": "timestamptz",
    "source": "text",
    "open": "numeric",
    "high": "numeric",
    "low": "numeric",
    "close": "numeric",
    "volume": "numeric",
    "turnover": "numeric",
    "trades": "bigint",
    "open_at": "timestamptz",
    "close_at": "timestamptz",
}
# What stands is kept only where it came from the same source: a bar begins anew otherwise. Its
# first and last prices are those of the earliest and latest trades, whenever we heard of them.
_UPSERT_BARS: Final = f"""
    INSERT INTO marketdata_bar AS bar ({", ".join(_BAR_COLUMNS)})
    SELECT * FROM {_unnest(_BAR_COLUMNS)}
    ON CONFLICT (instrument_id, timeframe, start) DO UPDATE
    SET (source, open, high, low, close, volume, turnover, trades, open_at, close_at) = (
      SELECT EXCLUDED.source,
             CASE WHEN so_far.open IS NULL OR EXCLUDED.open_at < so_far.open_at
                  THEN EXCLUDED.open ELSE so_far.open END,
             greatest(so_far.high, EXCLUDED.high),
             least(so_far.low, EXCLUDED.low),
             CASE WHEN so_far.close IS NULL OR EXCLUDED.close_at >= so_far.close_at
                  THEN EXCLUDED.close ELSE so_far.close END,
             coalesce(so_far.volume, 0) + EXCLUDED.volume,
             coalesce(so_far.turnover, 0) + EXCLUDED.turnover,
             coalesce(so_far.trades, 0) + EXCLUDED.trades,
             least(so_far.open_at, EXCLUDED.open_at),
             greatest(so_far.close_at, EXCLUDED.close_at)
      FROM (VALUES (true)) AS always LEFT JOIN LATERAL (
        SELECT bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, bar.trades,
               CASE WHEN bar.open IS NOT NULL THEN coalesce(bar.open_at, bar.start) END AS open_at,
               CASE WHEN bar.open IS NOT NULL THEN coalesce(bar.close_at, bar.start) END AS close_at
        WHERE bar.source = EXCLUDED.source
      ) AS so_far ON true
    )
"""  # noqa: S608 - put together from the constants above


def bar_row(instrument_id: UUID, part: Part, source: str) -> tuple[Any, ...]:
    """Return the values of a bar's row, in the order of its columns."""
    bar = part.bar
    return (
        instrument_id,
        part.timeframe,
        bar.start,
        source,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.turnover,
        bar.trades,
        part.open_at,
        part.close_at,
    )


def add_bars(parts: Iterable[tuple[UUID, Part]], *, source: str) -> None:
    """Add parts of instruments' bars, told by `source`, to what stands."""
    rows = [bar_row(instrument_id, part, source) for instrument_id, part in parts]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT_BARS, [list(column) for column in zip(*rows, strict=True)])


_REPLACE_BARS: Final = f"""
    INSERT INTO marketdata_bar AS bar ({", ".join(_BAR_COLUMNS)})
    SELECT * FROM {_unnest(_BAR_COLUMNS)}
    ON CONFLICT (instrument_id, timeframe, start) DO UPDATE
    SET ({", ".join(_BAR_COLUMNS)}) = ({", ".join(f"EXCLUDED.{name}" for name in _BAR_COLUMNS)})
    WHERE bar.source = EXCLUDED.source
"""  # noqa: S608 - put together from the constants above


def replace_bars(parts: Iterable[tuple[UUID, Part]], *, source: str) -> int:
    """Write whole bars that `source` tells, each once, in place of what it has told before.

    Returns how many are written; bars of another source stay.
    """
    rows = [bar_row(instrument_id, part, source) for instrument_id, part in parts]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_REPLACE_BARS, [list(column) for column in zip(*rows, strict=True)])
        written = int(cursor.rowcount)
    wakeups.send(wakeups.Channel.BARS)
    return written


_GATHER_HOURS: Final = """
    INSERT INTO marketdata_bar AS bar (instrument_id, timeframe, start, source, open, high, low,
                                       close, volume, turnover, trades, open_at, close_at)
    SELECT minute.instrument_id, '1Hour', hour, minute.source,
           (array_agg(open ORDER BY start) FILTER (WHERE open IS NOT NULL))[1],
           max(high), min(low),
           (array_agg(close ORDER BY start DESC) FILTER (WHERE open IS NOT NULL))[1],
           sum(volume), sum(turnover), sum(trades), min(open_at), max(close_at)
      FROM unnest(%s::uuid[], %s::timestamptz[]) AS wanted(id, hour)
      JOIN marketdata_bar minute ON minute.instrument_id = wanted.id
       AND timeframe = '1Min' AND start >= hour AND start < hour + interval '1 hour'
     WHERE minute.source = %s
     GROUP BY minute.instrument_id, hour, minute.source
    ON CONFLICT (instrument_id, timeframe, start) DO UPDATE
    SET (open, high, low, close, volume, turnover, trades, open_at, close_at) =
        (EXCLUDED.open, EXCLUDED.high, EXCLUDED.low, EXCLUDED.close, EXCLUDED.volume,
         EXCLUDED.turnover, EXCLUDED.trades, EXCLUDED.open_at, EXCLUDED.close_at)
    WHERE bar.source = EXCLUDED.source
"""


def gather_hours(hours: Iterable[tuple[UUID, datetime]], *, source: str) -> None:
    """Make the bars of these hours anew, of the minutes that `source` has told."""
    keys, starts = zip(*hours, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_GATHER_HOURS, [list(keys), list(starts), source])
    wakeups.send(wakeups.Channel.BARS)


COPY_BARS: Final = f"COPY marketdata_bar ({', '.join(_BAR_COLUMNS)}) FROM STDIN"


def bar_line(row: tuple[Any, ...]) -> str:
    """Return a bar's row as a line of COPY's text. None of the values needs an escape."""
    return "\t".join(r"\N" if value is None else str(value) for value in row) + "\n"


def keep_aside(suspects: Sequence[Suspect], *, source: str, day: date, now: datetime) -> None:
    """Keep `suspects`, at most SUSPECTS_KEPT_MAX of them, and count them all."""
    if not suspects:
        return
    for suspect in suspects:
        _BAD.labels(source, suspect.reason.value).inc()
    bulk.insert(
        [
            SuspectTick(
                symbol=suspect.tick.symbol[:24],
                at=now,
                source=source,
                reason=suspect.reason.value,
                tick=_as_told(suspect.tick),
            )
            for suspect in suspects[:SUSPECTS_KEPT_MAX]
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketdata_suspectcount AS total (day, source, reason, count)
            SELECT %s, %s, reason, count(*) FROM unnest(%s::text[]) AS reason GROUP BY reason
            ON CONFLICT (day, source, reason) DO UPDATE SET count = total.count + EXCLUDED.count
            """,
            [day, source, [suspect.reason.value for suspect in suspects]],
        )


def _as_told(tick: Tick) -> dict[str, Any]:
    """Return a tick as JSON, its numbers in plain text; what is no number as it came."""
    if isinstance(tick, QuoteTick):
        return {
            "at": tick.at.isoformat(),
            "bid": None if tick.bid is None else _plain(tick.bid),
            "bid_size": _plain(tick.bid_size),
            "ask": None if tick.ask is None else _plain(tick.ask),
            "ask_size": _plain(tick.ask_size),
        }
    return {
        "at": tick.at.isoformat(),
        "price": _plain(tick.price),
        "size": _plain(tick.size),
        "trade_id": tick.trade_id,
    }


def _plain(amount: Decimal) -> str:
    return decimals.text(amount) if amount.is_finite() else str(amount)
