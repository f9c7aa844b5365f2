"""What the journal adds up to, held against what tables say."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.proof import replay

D = Decimal


def said(touched) -> list[str]:
    return [str(each) for each in touched]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(-9, 9))))
def test_totals_are_those_of_each_key(rows: list[tuple[int, int]]) -> None:
    expected: dict[int, int] = {}
    for key, amount in rows:
        expected[key] = expected.get(key, 0) + amount
    assert list(replay.totals(sorted(rows))) == sorted(expected.items())


@given(st.lists(st.sets(st.integers(1, 9)), min_size=1, max_size=4))
def test_streams_stand_side_by_side(keys: list[set[int]]) -> None:
    streams = [[(key, place) for key in sorted(each)] for place, each in enumerate(keys)]
    found = list(replay.beside(*streams))
    assert [key for key, _ in found] == sorted(set().union(*keys))
    for key, rows in found:
        assert rows == [(key, i) if key in each else None for i, each in enumerate(keys)]


def test_a_balance_is_its_transfers_and_what_is_held_its_holds() -> None:
    stored = [(1, "USD", D(10), D(3)), (2, "AAPL", D(4), D(0))]
    legs = [(1, D(15)), (1, D(-5)), (2, D(4))]
    holds = [(1, D(1)), (1, D(2))]
    assert said(replay.balances(stored=stored, legs=legs, holds=holds)) == []
    assert said(replay.balances(stored=stored, legs=legs[:1], holds=holds[:1])) == [
        "portfolio_balance 1: USD amount is 10, by its transfers 15",
        "portfolio_balance 1: held is 3, by its holds 1",
        "portfolio_balance 2: AAPL amount is 4, by its transfers 0",
    ]


def test_transfers_of_a_balance_that_is_gone_are_found() -> None:
    assert said(replay.balances(stored=[], legs=[(7, D(1))], holds=[])) == [
        "portfolio_balance 7: amount is 0, by its transfers 1"
    ]


def test_a_position_is_its_trades_and_its_lots() -> None:
    key = ["an account", "an instrument"]
    stored = [(key, "P", D(6), D(600), D(-4), 1)]
    moves, lots, closings = [(key, D(10)), (key, D(-4))], [(key, D(6), D(600), 1)], [(key, D(-4))]
    honest = {"stored": stored, "moves": moves, "lots": lots, "closings": closings}
    assert said(replay.positions(**honest)) == []
    assert said(replay.positions(**honest | {"moves": moves[:1]})) == [
        "portfolio_position P: quantity is 6, by its trades and actions 10"
    ]
    assert said(replay.positions(**honest | {"lots": []})) == [
        "portfolio_position P: quantity is 6, by its lots 0",
        "portfolio_position P: cost is 600, by its lots 0",
        "portfolio_position P: lots opened is 1, by its lots 0",
    ]
    assert said(replay.positions(**honest | {"closings": []})) == [
        "portfolio_position P: realised is -4, by its closings 0"
    ]


def test_a_lot_is_what_was_opened_less_what_was_closed() -> None:
    stored = [("L", D(10), D(1000), D(6), D(600))]
    changes = [("L", D(-3), D(-300)), ("L", D(-1), D(-100))]
    assert said(replay.lots(stored=stored, changes=changes)) == []
    assert said(replay.lots(stored=stored, changes=changes[:1])) == [
        "portfolio_lot L: quantity is 6, by its opening and closings 7",
        "portfolio_lot L: cost is 600, by its opening and closings 700",
    ]


def test_an_order_is_its_last_step_and_its_trades() -> None:
    def touched(**other) -> list[str]:
        honest = {
            "stored": [("O", b"1", D(5), D(500))],
            "histories": [("O", b"1")],
            "trades": [("O", D(6), D(600)), ("O", D(-1), D(-100))],
            "differing": lambda key: [f"status of {key}"],
        }
        return said(replay.orders(**honest | other))

    assert touched() == []
    assert touched(histories=[("O", b"2")]) == [
        "orders_order O: status of O: not as its last step in the history says"
    ]
    assert touched(histories=[]) == ["orders_order O: has no history"]
    assert touched(stored=[]) == ["orders_order O: is gone; its history or trades are there"]
    assert touched(trades=[]) == [
        "orders_order O: filled is 5, by its trades 0",
        "orders_order O: filled value is 500, by its trades 0",
    ]


def test_long_amounts_are_not_rounded() -> None:
    stored = [("O", b"1", D(2), D("10000000000000000000.000000000000000001"))]
    trades = [("O", D(1), D("0.000000000000000001")), ("O", D(1), D(10**19))]
    honest = {"histories": [("O", b"1")], "differing": lambda key: []}
    assert said(replay.orders(stored=stored, trades=trades, **honest)) == []
    assert len(said(replay.orders(stored=stored, trades=trades[:1], **honest))) == 2
