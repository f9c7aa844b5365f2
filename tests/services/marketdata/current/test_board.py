"""Books on their way from the board to the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from marketdata import selectors
from marketdata.current import board, depth
from marketdata.current.board import Board
from marketdata.current.depth import Book, Level, Resting
from marketdata.models import Depth
from tests import world

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
D = Decimal


def book(symbol: str, bid: str, *, after: int = 0) -> Book:
    bids = (Level(D(bid), D(30), (Resting(7, D(10)), Resting(9, D(20)))),)
    return Book(symbol, NOON + timedelta(seconds=after), bids, ())


def test_the_latest_book_of_each_instrument_is_written_down() -> None:
    ibm, bac = world.instrument("IBM"), world.instrument("BAC")
    waiting = Board()
    waiting.post([book("IBM", "99"), book("BAC", "10"), book("NOBODY", "1")], source="feed")
    waiting.post([book("IBM", "99.5", after=1)], source="feed")
    board.write(waiting.take())
    assert waiting.take() == []
    found = selectors.depths([ibm.pk, bac.pk])
    assert {each.pk for each in found.values()} == {ibm.pk, bac.pk}
    assert found[ibm.pk].at == NOON + timedelta(seconds=1)
    assert depth.from_stored(found[ibm.pk].bids) == book("IBM", "99.5").bids
    assert found[ibm.pk].asks == []


def test_what_says_the_same_is_no_change_and_another_source_is() -> None:
    world.instrument("IBM")

    def written(*posted: tuple[str, Book]) -> tuple[int, str, datetime]:
        board.write(posted)
        row = Depth.objects.get()
        return row.sequence, row.source, row.at

    assert written(("feed", book("IBM", "99"))) == (1, "feed", NOON)
    assert written(("feed", book("IBM", "99", after=1))) == (1, "feed", NOON)
    later = NOON + timedelta(seconds=2)
    assert written(("feed", book("IBM", "98", after=2))) == (2, "feed", later)
    assert written(("replay", book("IBM", "98", after=2))) == (3, "replay", later)


def test_nothing_is_logged_of_what_is_worth_nothing_a_second_later() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'marketdata_depth'")
        assert cursor.fetchone() == ("u",)
