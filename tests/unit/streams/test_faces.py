"""What a client that has seen some number of a face is sent, and what it has then."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trading.streams import faces
from trading.streams.faces import Difference, Face, Seen

Position = dict[str, Any]


def face() -> Face:
    """Return a face that shows two positions, at its first number."""
    shown = Face("s")
    shown.show(
        {"cash": "100", "equity": "130"},
        {"IBM": {"qty": "1", "price": "20"}, "AAPL": {"qty": "1", "price": "10"}},
        symbols=["AAPL", "IBM"],
    )
    return shown


def test_who_has_seen_nothing_is_sent_everything() -> None:
    assert face().news(None) == Difference(
        "s", None, 1, {"cash": "100", "equity": "130"},
        (
            {"symbol": "AAPL", "qty": "1", "price": "10"},
            {"symbol": "IBM", "qty": "1", "price": "20"},
        ),
        (),
    )  # fmt: skip


def test_nothing_is_sent_before_anything_is_shown_nor_twice() -> None:
    assert Face("s").news(None) is None
    shown = face()
    assert not shown.show({"cash": "100"}, {"IBM": {"qty": "1"}}, symbols=["AAPL", "IBM"])
    assert shown.news(Seen("s", 1)) is None


def test_only_what_is_another_than_it_was_is_sent() -> None:
    shown = face()
    shown.show({"cash": "100", "equity": "131"}, {"IBM": {"qty": "1", "price": "21"}},
               symbols=["AAPL", "IBM"])  # fmt: skip
    assert shown.news(Seen("s", 1)) == Difference(
        "s", 1, 2, {"equity": "131"}, ({"symbol": "IBM", "price": "21"},), ()
    )


def test_what_was_overtaken_is_not_sent() -> None:
    shown = face()
    for price in ("21", "22"):
        shown.show({}, {"IBM": {"price": price}}, symbols=["AAPL", "IBM"])
    shown.show({}, {}, symbols=["AAPL"])
    assert shown.news(Seen("s", 1)) == Difference("s", 1, 4, {}, (), ("IBM",))
    assert shown.news(Seen("s", 3)) == Difference("s", 3, 4, {}, (), ("IBM",))


def test_a_position_that_is_opened_again_is_sent_whole() -> None:
    shown = face()
    shown.show({}, {}, symbols=["AAPL"])
    shown.show({}, {"IBM": {"qty": "1", "price": "20"}}, symbols=["AAPL", "IBM"])
    assert shown.news(Seen("s", 1)) == Difference(
        "s", 1, 3, {}, ({"symbol": "IBM", "qty": "1", "price": "20"},), ()
    )


def test_what_is_not_ours_to_continue_begins_anew() -> None:
    for seen in (Seen("another", 1), Seen("s", 2), Seen("s", 10**12)):
        news = face().news(seen)
        assert news is not None
        assert (news.since, len(news.positions)) == (None, 2)


def test_what_was_closed_long_ago_is_not_kept_for_ever() -> None:
    shown = face()
    for number in range(faces.CLOSED_KEPT_MAX + 1):
        shown.show({}, {f"S{number}": {"qty": "1"}}, symbols=["AAPL", "IBM", f"S{number}"])
    assert shown.news(Seen("s", 1)).since == 1  # type: ignore[union-attr]
    shown.show({}, {}, symbols=["AAPL", "IBM"])
    assert shown.news(Seen("s", 1)).since is None  # type: ignore[union-attr]
    assert shown.news(shown.seen) is None


_symbols = st.sampled_from(["A", "B", "C", "D"])
_figures = st.fixed_dictionaries({"qty": st.integers(0, 2), "price": st.integers(0, 2)})


class Clients(RuleBasedStateMachine):
    """Clients that look when they like, lose frames, and always end up with what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.face = Face("s")
        self.account: dict[str, int] = {}
        self.positions: dict[str, Position] = {}
        self.clients: list[tuple[Seen | None, dict[str, Any], dict[str, Position]]] = [
            (None, {}, {}) for _ in range(3)
        ]

    @rule(cash=st.integers(0, 3), positions=st.dictionaries(_symbols, _figures))
    def all_is_read(self, cash: int, positions: dict[str, Position]) -> None:
        self.account, self.positions = {"cash": cash}, positions
        self.face.show(self.account, positions, symbols=positions)

    @rule(symbol=_symbols, price=st.integers(0, 2))
    def a_price_changes(self, symbol: str, price: int) -> None:
        if symbol in self.positions:
            self.positions[symbol] = {**self.positions[symbol], "price": price}
            changed = {symbol: self.positions[symbol]}
            self.face.show(self.account, changed, symbols=self.positions)

    @rule(client=st.integers(0, 2), arrives=st.booleans())
    def a_client_is_sent_its_news(self, client: int, arrives: bool) -> None:
        seen, account, positions = self.clients[client]
        news = self.face.news(seen)
        if news is None or not arrives:
            return
        if news.since is None:
            account, positions = {}, {}
        account = {**account, **news.account}
        positions = {k: v for k, v in positions.items() if k not in news.closed}
        for each in news.positions:
            symbol = each["symbol"]
            rest = {name: value for name, value in each.items() if name != "symbol"}
            positions[symbol] = {**positions.get(symbol, {}), **rest}
        self.clients[client] = (Seen(news.stream, news.sequence), account, positions)

    @invariant()
    def who_has_seen_everything_has_everything(self) -> None:
        for seen, account, positions in self.clients:
            if seen == self.face.seen:
                assert account == self.account
                assert positions == self.positions


TestClients = Clients.TestCase
TestClients.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
