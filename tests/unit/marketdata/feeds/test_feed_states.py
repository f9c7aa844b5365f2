"""When a lost feed is tried again, who brings a trade in, and what the settings may say."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest

from marketdata.feeds import providers, states
from marketdata.feeds.claims import CLAIM_SECONDS, Claims
from marketdata.feeds.providers import Market, UnusableFeed
from marketdata.feeds.states import CAUSES, FOR_GOOD, PAUSES, Cause
from marketdata.ticks import TradeTick

D = Decimal
AT = datetime(2026, 3, 2, 17, tzinfo=UTC)


class Whole(Random):
    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(
    ("cause", "pauses"),
    [
        (Cause.CLOSED, [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (Cause.UNREACHABLE, [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (Cause.SLOW, [1, 2, 4, 8, 16, 32, 60, 60]),
        (Cause.TOO_MANY, [10, 20, 40, 80, 160, 300]),
        (Cause.MISUNDERSTOOD, [30, 60, 120]),
        (Cause.KEY_REFUSED, [None, None]),
        (Cause.TOO_MANY_SYMBOLS, [None]),
    ],
)
def test_pauses_double_to_a_bound_or_there_is_no_other_attempt(cause, pauses):
    found = [states.pause(cause, failures=n, random=Whole()) for n in range(1, len(pauses) + 1)]
    assert found == pauses


def test_nobody_comes_back_together_or_too_soon():
    found = [states.pause(Cause.CLOSED, failures=9, random=Random(n)) for n in range(200)]
    assert len(set(found)) == 200
    assert all(15 <= pause <= 30 for pause in found if pause is not None)
    assert states.pause(Cause.CLOSED, failures=10**6, random=Whole()) == 30


def test_each_cause_has_its_way():
    assert {*PAUSES, *FOR_GOOD} == set(Cause)
    assert not PAUSES.keys() & FOR_GOOD
    assert {CAUSES[402], CAUSES[405], CAUSES[406], CAUSES[407]} == {
        Cause.KEY_REFUSED, Cause.TOO_MANY_SYMBOLS, Cause.TOO_MANY, Cause.SLOW,
    }  # fmt: skip


def trade(number: int) -> TradeTick:
    return TradeTick("IBM", AT, D(100), D(1), str(number))


def test_a_trade_is_claimed_once_until_it_is_released_or_long_ago():
    claims = Claims()
    assert claims.claim([trade(1), trade(2), trade(1)]) == [trade(1), trade(2)]
    assert claims.claim([trade(2), trade(3)]) == [trade(3)]
    claims.release([trade(2)])
    assert claims.claim([trade(2)]) == [trade(2)]
    claims.pass_time(CLAIM_SECONDS - 1)
    assert claims.claim([trade(4), trade(3)]) == [trade(4)]
    claims.pass_time(1)
    assert claims.claim([trade(4), trade(3)]) == [trade(3)]
    assert len(claims._by_age) == 2  # nothing of before is remembered


@pytest.fixture
def feeds(settings):
    def put(
        address: str = "wss://stream.example.com", name: str = "acme", **others: object
    ) -> None:
        settings.FEEDS = {name: address}
        settings.FEED_KEYS = {name: "KEY:se:hush"}
        settings.FEED_PASTS, settings.FEED_TAPES = {}, {}
        for setting, value in others.items():
            setattr(settings, setting, value)

    return put


def test_a_provider_has_an_address_for_each_market(feeds):
    feeds()
    acme = providers.configured()["acme"]
    assert acme.stream_of(Market.EQUITIES) == "wss://stream.example.com/v2/iex"
    assert acme.stream_of(Market.CRYPTO) == "wss://stream.example.com/v1beta3/crypto/us"
    assert acme.trades_of(Market.EQUITIES) == "https://stream.example.com/v2/stocks/trades"
    assert acme.latest_quotes_of(Market.CRYPTO) == (
        "https://stream.example.com/v1beta3/crypto/us/latest/quotes"
    )
    assert (acme.key_id, acme.secret) == ("KEY", "se:hush")
    assert "hush" not in repr(acme)


def test_its_past_may_be_elsewhere_and_its_tape_another(feeds):
    feeds(
        "ws://127.0.0.1:8000/",
        FEED_PASTS={"acme": "http://127.0.0.1:9000/"},
        FEED_TAPES={"acme": "sip"},
    )
    acme = providers.configured()["acme"]
    assert acme.stream_of(Market.EQUITIES) == "ws://127.0.0.1:8000/v2/sip"
    assert acme.trades_of(Market.EQUITIES) == "http://127.0.0.1:9000/v2/stocks/trades"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "simulated"}, {"name": "replay"}, {"name": "A"}, {"name": "a" * 13}, {"name": ""},
        {"address": "http://x"}, {"address": "wss://"}, {"address": "wss://x:y"}, {"address": ""},
        {"address": "wss://user:word@x"}, {"FEED_KEYS": {}}, {"FEED_KEYS": {"acme": "KEY"}},
        {"FEED_KEYS": {"acme": "KEY:S", "other": "K:S"}}, {"FEED_PASTS": {"acme": "wss://x"}},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused_and_tell_no_secret(feeds, wrong):
    feeds(**wrong)
    with pytest.raises(UnusableFeed) as refused:
        providers.configured()
    assert "hush" not in str(refused.value)
