"""The board: where the feeds of this process put up books, and from where they are written down.

A feed calls `post` and goes on; of two books of an instrument the later wins, so that what waits
is bounded by what is traded. `run` is the part of the program that writes them down, a few times
a second. A feed posts every book again from time to time, changed or not: nothing keeps the table
over a crash of the database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import orjson

from foundation import bulk
from marketdata.current import depth
from marketdata.current.depth import Book

INTERVAL_SECONDS: Final = 0.25

Posted = tuple[str, Book]  # a source and what it posted

_UPSERT: Final = """
    INSERT INTO marketdata_depth AS depth (instrument_id, sequence, source, at, bids, asks)
    SELECT instrument.id, 1, told.source, told.at, told.bids::jsonb, told.asks::jsonb
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
      AS told(symbol, source, at, bids, asks)
    JOIN marketdata_instrument AS instrument USING (symbol)
    ORDER BY instrument.id
    ON CONFLICT (instrument_id) DO UPDATE
    SET (sequence, source, at, bids, asks)
      = (depth.sequence + 1, EXCLUDED.source, EXCLUDED.at, EXCLUDED.bids, EXCLUDED.asks)
    WHERE (depth.source, depth.bids, depth.asks)
      IS DISTINCT FROM (EXCLUDED.source, EXCLUDED.bids, EXCLUDED.asks)
"""


class Board:
    """The latest book of each instrument, until it is written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._posted: dict[str, Posted] = {}

    def post(self, books: Iterable[Book], *, source: str) -> None:
        """Put up the books of `source`. Never waits long."""
        posted = {book.symbol: (source, book) for book in books}
        with self._lock:
            self._posted |= posted

    def take(self) -> list[Posted]:
        with self._lock:
            posted, self._posted = self._posted, {}
        return list(posted.values())


board = Board()


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Write down what is on the board until `stop`, at most every INTERVAL_SECONDS."""
    while not stop.is_set():
        begun = time.monotonic()
        write(board.take())
        beat()
        stop.wait(max(0.0, begun + INTERVAL_SECONDS - time.monotonic()))


def write(posted: Sequence[Posted]) -> None:
    """Write these books down; one that says what stands there already is no change."""
    if not posted:
        return
    columns: list[Any] = [
        [book.symbol for _, book in posted],
        [source for source, _ in posted],
        [book.at for _, book in posted],
        [_text(book.bids) for _, book in posted],
        [_text(book.asks) for _, book in posted],
    ]
    bulk.execute(_UPSERT, columns)


def _text(side: Iterable[depth.Level]) -> str:
    return orjson.dumps(depth.as_stored(side)).decode()
