import threading

import pytest

from tests.patience import DEADLINE_SECONDS
from tests.unit.exchange.floor_words import order
from venues.exchange import desk
from venues.exchange.desk import Desk, ExchangeUnavailable


@pytest.fixture
def opened():
    each = Desk()
    each.open()
    return each


def test_a_closed_desk_takes_nothing():
    with pytest.raises(ExchangeUnavailable):
        Desk().hand_in([order("a")])


def test_who_waits_when_the_desk_closes_is_sent_away(opened):
    waiting = opened.hand_in([order("a")])
    opened.close()
    with pytest.raises(ExchangeUnavailable):
        waiting.result(0)
    assert opened.take(timeout=0) == []


def test_more_than_it_can_hold_is_refused_and_what_it_holds_is_kept(opened, monkeypatch):
    monkeypatch.setattr(desk, "WAITING_MAX", 3)
    opened.hand_in([order("a"), order("b")])
    with pytest.raises(ExchangeUnavailable, match="too many"):
        opened.hand_in([order("c"), order("d")])
    opened.hand_in([order("c")])
    assert [len(entry.requests) for entry in opened.take(timeout=0)] == [2, 1]
    opened.hand_in([order("d"), order("e"), order("f")])


def test_a_cycle_gets_whole_entries_and_not_too_many(opened, monkeypatch):
    monkeypatch.setattr(desk, "AT_ONCE_MAX", 3)
    for names in ("abcd", "ef", "g", "hi"):
        opened.hand_in([order(name) for name in names])
    taken = [[len(entry.requests) for entry in opened.take(timeout=0)] for _ in range(3)]
    assert taken == [[4], [2, 1], [2]]


def test_handing_in_wakes_who_waits(opened):
    taken = []
    waiting = threading.Thread(target=lambda: taken.extend(opened.take(timeout=DEADLINE_SECONDS)))
    waiting.start()
    opened.hand_in([order("a")])
    waiting.join(DEADLINE_SECONDS)
    assert len(taken) == 1
