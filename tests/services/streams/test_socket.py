"""The browser's socket: who may open it, what it is told, and what it survives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Account, SignIn
from accounts.sessions import sign_ins
from marketdata.models import Instrument
from tests import holdings
from tests.services.streams.conftest import (
    Customer,
    Page,
    closing_code,
    happen,
    posted,
    reading_slowly,
    told,
)
from trading.streams import bounded, consumer, desk, hub, watch

pytestmark = pytest.mark.usefixtures("parts")


def quoted(symbol: str, bid: str) -> Any:
    """Tell whether a quotes message has this symbol at this bid."""
    return lambda message: any(
        (each["symbol"], each["bid"]) == (symbol, bid) for each in message["quotes"]
    )


def numbers(messages: Sequence[dict[str, Any]]) -> list[int]:
    return [event["sequence"] for message in messages for event in message["events"]]


# --- The gate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cookie", ["", "nobody", "x" * 500, '"\\000aaaaaaaaaaaaaaa"'])
async def test_who_is_not_signed_in_is_turned_away(cookie: str) -> None:
    page = Page(cookie=cookie)
    await page.connect()
    assert await closing_code(page) == 4401


async def test_another_sites_page_is_refused(customer: Customer) -> None:
    page = customer.page(origin="https://evil.example")
    is_connected, _ = await page.connect()
    assert not is_connected


async def test_a_sign_in_that_ends_without_a_word_closes_the_socket_at_the_next_look(
    customer: Customer,
) -> None:
    page = customer.page()
    await page.connect()
    await page.hear("hello")
    await sync_to_async(watch.watch.look)(None)
    await page.say(action="nonsense")
    assert (await page.hear("error"))["code"] == "unknown_action"  # it goes on
    await sync_to_async(SignIn.objects.update)(ended_at=timezone.now())
    await sync_to_async(watch.watch.look)(None)
    assert await closing_code(page) == watch.NOT_SIGNED_IN


async def test_a_socket_closes_as_soon_as_its_sign_in_has_ended(customer: Customer) -> None:
    page = customer.page()
    await page.connect()
    await page.hear("hello")
    user = customer.account.user
    ended = await sync_to_async(sign_ins.end_others)(
        user, keep=None, why=SignIn.Ending.ELSEWHERE, now=timezone.now()
    )
    assert ended == 1
    assert await closing_code(page) == watch.NOT_SIGNED_IN


# --- Prices ------------------------------------------------------------------------------------


async def test_a_snapshot_comes_first_then_only_what_changed(customer: Customer) -> None:
    await told("IBM", "99.99", "100.01", last="100")
    await told("BAC", "10", "10.01")
    page = customer.page()
    await page.connect()
    assert (await page.hear("hello"))["account_id"] == str(customer.account.pk)
    await page.say(action="subscribe", symbols=["IBM", "BAC", "NOBODY"])
    seen: dict[str, dict[str, Any]] = {}
    while seen.keys() != {"IBM", "BAC"}:
        seen |= {each["symbol"]: each for each in (await page.hear("quotes"))["quotes"]}
    assert seen["IBM"].items() >= {
        "bid": "99.99", "bid_size": "1", "ask": "100.01", "ask_size": "2", "last": "100",
        "last_size": "5", "day_high": "100", "day_low": "100", "day_volume": "5",
        "change": None, "source": "feed",
    }.items()  # fmt: skip
    await told("BAC", "10.01", "10.02")
    message = await page.hear("quotes", quoted("BAC", "10.01"))
    assert [each["symbol"] for each in message["quotes"]] == ["BAC"]
    assert message["quotes"][0]["sequence"] > seen["BAC"]["sequence"]
    await page.say(action="unsubscribe", symbols=["BAC"])
    await told("BAC", "10.02", "10.03")
    await told("IBM", "99.98", "100.01")
    message = await page.hear("quotes", quoted("IBM", "99.98"))
    assert [each["symbol"] for each in message["quotes"]] == ["IBM"]
    await page.disconnect()


async def test_a_quote_that_nobody_confirms_is_marked_stale_and_fresh_again(
    customer: Customer, settings: Any
) -> None:
    settings.QUOTE_AGE_SECONDS_MAX = 1.0
    await told("IBM", "99", "101")
    page = customer.page()
    await page.connect()
    await page.say(action="subscribe", symbols=["IBM"])
    first = await page.hear("quotes", lambda message: bool(message["quotes"][0]["stale"]))
    settings.QUOTE_AGE_SECONDS_MAX = 240.0
    await told("IBM", "99", "101")
    again = await page.hear("quotes", lambda message: not message["quotes"][0]["stale"])
    assert again["quotes"][0]["sequence"] == first["quotes"][0]["sequence"]  # confirmed, no news
    await page.disconnect()


async def test_a_book_comes_whole_and_then_what_changed(customer: Customer) -> None:
    await told("IBM", "99", "101")
    await posted("IBM", ("99", "5"), ("98", "7"), ("97", "9"))
    page = customer.page()
    await page.connect()
    await page.say(action="subscribe", depth=["IBM", "NOBODY"])
    [first] = (await page.hear("depth"))["books"]
    assert (first["symbol"], first["since"]) == ("IBM", None)
    assert first["bids"] == [["99", "5"], ["98", "7"], ["97", "9"]]
    await posted("IBM", ("99", "5"), ("98.5", "1"), ("98", "8"))
    [second] = (await page.hear("depth"))["books"]
    assert (second["since"], second["sequence"]) == (first["sequence"], first["sequence"] + 1)
    assert sorted(second["bids"]) == [["97", "0"], ["98", "8"], ["98.5", "1"]]
    await posted("IBM", ("99", "5"), source="replay")  # no book of the prices that are shown
    [third] = (await page.hear("depth"))["books"]
    assert sorted(third["bids"]) == [["98", "0"], ["98.5", "0"], ["99", "0"]]
    await page.say(action="unsubscribe", depth=["IBM"])
    await posted("IBM", ("96", "5"))
    await page.say(action="subscribe", depth=["IBM"])
    again = await page.hear("depth", lambda message: bool(message["books"][0]["bids"]))
    assert again["books"][0]["bids"] == [["96", "5"]]
    await page.disconnect()


async def test_a_reader_that_lags_gets_the_latest_and_no_backlog(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops, may_go_on = asyncio.Event(), asyncio.Event()
    page = customer.page(to=reading_slowly(stops, may_go_on))
    await told("IBM", "99", "101")
    await page.connect()
    await page.say(action="subscribe", symbols=["IBM"])
    await page.hear("quotes")
    stops.set()
    for cents in range(10, 20):
        await told("IBM", f"99.{cents}", "101")
        await asyncio.sleep(0.12)
    may_go_on.set()
    heard = [await page.hear("quotes")]
    while not quoted("IBM", "99.19")(heard[-1]):
        heard.append(await page.hear("quotes"))
    # What was being sent when it stopped, the latest, and what a slow hub told in between.
    assert len(heard) <= 4
    await page.disconnect()


async def test_a_reader_that_takes_nothing_is_closed(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "SEND_SECONDS_MAX", 0.3)
    stops = asyncio.Event()
    page = customer.page(to=reading_slowly(stops, asyncio.Event()))
    await told("IBM", "99", "101")
    await page.connect()
    stops.set()
    await page.say(action="subscribe", symbols=["IBM"])
    assert await closing_code(page) == bounded.TOO_SLOW


# --- The account -------------------------------------------------------------------------------


async def test_events_come_in_order_and_the_account_is_valued_after_them(
    customer: Customer,
) -> None:
    page = customer.page()
    await page.connect()
    head = (await page.hear("hello"))["sequence"]
    await happen(customer.account, "key.created", "key.revoked")
    heard: list[dict[str, Any]] = []
    while len(numbers(heard)) < 2:
        heard.append(await page.hear("activity"))
    assert numbers(heard) == [head + 1, head + 2]
    assert heard[0]["events"][0]["kind"] == "key.created"
    portfolio = await page.hear("portfolio")
    assert portfolio["account"]["cash"] == "0"
    assert portfolio["positions"] == []
    await page.disconnect()


@sync_to_async
def deposited(account: Account, amount: str) -> None:
    holdings.deposit(account, amount)


@sync_to_async
def held(account: Account, symbol: str, quantity: str, *, cost: str) -> None:
    holdings.hold(
        account, Instrument.objects.get(symbol=symbol), Decimal(quantity), cost=Decimal(cost)
    )


async def test_what_an_account_is_worth_comes_whole_and_then_as_differences(
    customer: Customer,
) -> None:
    await told("IBM", "99", "101", last="100")
    await told("BAC", "9", "11", last="10")
    await held(customer.account, "IBM", "2", cost="150")
    await held(customer.account, "BAC", "-3", cost="36")
    page = customer.page()
    await page.connect()
    first = await page.hear("portfolio")
    assert first["since"] is None
    assert first["account"].items() >= {"equity": "170", "cash": "0", "unrealized_pl": "56"}.items()
    assert first["account"]["short_market_value"] == "-30"
    shown = [(each["symbol"], each["side"], each["market_value"]) for each in first["positions"]]
    assert shown == [("BAC", "short", "-30"), ("IBM", "long", "200")]
    await deposited(customer.account, "50.00")
    second = await page.hear("portfolio")
    assert (second["stream"], second["since"]) == (first["stream"], first["sequence"])
    assert second["account"].items() >= {"equity": "220", "cash": "50"}.items()
    assert "unrealized_pl" not in second["account"]
    assert (second["positions"], second["closed"]) == ([], [])
    await told("BAC", "9", "11", last="10.50")
    third = await page.hear("portfolio")
    assert (third["since"], third["account"]["equity"]) == (second["sequence"], "218.5")
    assert [each["symbol"] for each in third["positions"]] == ["BAC"]
    assert third["positions"][0].items() >= {"market_value": "-31.5"}.items()
    assert "qty" not in third["positions"][0]
    await page.disconnect()


async def test_who_comes_back_is_sent_what_is_newer_and_nothing_else(customer: Customer) -> None:
    page = customer.page()
    await page.connect()
    first = await page.hear("portfolio")
    await page.disconnect()
    await deposited(customer.account, "50.00")
    seen = f"{first['stream']}:{first['sequence']}"
    page = customer.page(query=f"portfolio={seen}")
    await page.connect()
    second = await page.hear("portfolio")
    assert (second["stream"], second["since"]) == (first["stream"], first["sequence"])
    assert second["account"]["cash"] == "50"
    assert "id" not in second["account"]
    await page.say(action="portfolio", stream=first["stream"], since=first["sequence"])
    assert await page.hear("portfolio") == second
    await page.say(action="portfolio")
    whole = await page.hear("portfolio")
    assert (whole["since"], whole["sequence"]) == (None, second["sequence"])
    assert whole["account"].items() >= {"cash": "50", "id": str(customer.account.pk)}.items()
    await page.say(action="portfolio", stream="another", since=1)
    assert (await page.hear("portfolio"))["since"] is None
    await page.disconnect()


async def test_the_end_of_a_day_is_told_without_an_event(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "COMPARED_EVERY_SECONDS", 0.1)
    await deposited(customer.account, "50.00")
    page = customer.page()
    await page.connect()
    first = await page.hear("portfolio")
    assert first["account"]["last_equity"] == "50"  # what was paid in is no profit of the first day
    await deposited(customer.account, "20.00")
    await page.hear("portfolio", lambda message: message["account"].get("last_equity") == "70")
    await sync_to_async(holdings.close_yesterday)()
    await deposited(customer.account, "5.00")
    news = await page.hear("portfolio", lambda message: message["account"].get("cash") == "75")
    assert "last_equity" not in news["account"]  # that of the close stands
    await page.disconnect()


async def test_resuming_tells_all_that_was_missed_once_and_in_order(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "EVENTS_OF_A_FRAME_MAX", 3)  # so that it takes several frames
    await happen(customer.account, *["key.created"] * 5)
    page = customer.page()
    await page.connect()
    head = (await page.hear("hello"))["sequence"]
    await page.say(action="resume", since=head - 5)
    await happen(customer.account, *["key.revoked"] * 5)
    heard: list[dict[str, Any]] = []
    # What happened before the socket heard of the resumption may come before it.
    while head - 4 not in numbers(heard) or numbers(heard)[-1] < head + 5:
        heard.append(await page.hear("activity"))
    resumed = numbers(heard)
    assert resumed[resumed.index(head - 4) :] == list(range(head - 4, head + 6))
    await page.disconnect()


async def test_a_number_from_the_future_does_not_silence_the_socket(customer: Customer) -> None:
    page = customer.page()
    await page.connect()
    head = (await page.hear("hello"))["sequence"]
    await page.say(action="resume", since=head + 1000)
    await asyncio.sleep(0.1)
    await happen(customer.account, "key.created")
    assert numbers([await page.hear("activity")]) == [head + 1]
    await page.disconnect()


@pytest.mark.parametrize("is_joined", [True, False])
async def test_a_socket_that_the_database_fails_is_closed_and_leaves_nothing(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    async def fail(_account_id: object) -> int:
        raise OperationalError("the database is away")

    if not is_joined:
        monkeypatch.setattr(consumer, "_head", fail)
    page = customer.page()
    await page.connect()
    if is_joined:
        await page.say(action="subscribe", symbols=["IBM"])
        await page.hear("portfolio")
        assert desk.desk.watched == {customer.account.pk}
        assert not hub.hub.audience.is_empty
        monkeypatch.setattr(consumer, "_head", fail)
        await page.say(action="resume", since=0)
    assert await closing_code(page) == bounded.FAILED
    assert not desk.desk.watched
    assert hub.hub.audience.is_empty
    await asyncio.sleep(0.05)  # the task that sends ends when it is its turn
    tasks = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
    assert "LiveConsumer._work" not in tasks


async def test_nobody_hears_of_anothers_account(customer: Customer) -> None:
    from tests import people

    _, other = await sync_to_async(people.customer)()
    page = customer.page()
    await page.connect()
    await page.hear("hello")
    await page.hear("portfolio")
    await happen(other, "key.created")
    assert await page.receive_nothing(timeout=0.5)
    await page.disconnect()


# --- What is refused ---------------------------------------------------------------------------


NONSENSE = [
    ("{", "invalid_json"),
    ("[" * 5000, "invalid_json"),
    ("[]", "invalid_json"),
    ('{"action":"buy"}', "unknown_action"),
    ('{"action":["subscribe"]}', "unknown_action"),
    ("{}", "unknown_action"),
    ('{"action":"subscribe"}', "invalid_symbols"),
    ('{"action":"subscribe","symbols":"IBM"}', "invalid_symbols"),
    ('{"action":"subscribe","symbols":[1]}', "invalid_symbols"),
    ('{"action":"subscribe","symbols":["%s"]}' % ("X" * 25), "invalid_symbols"),
    ('{"action":"subscribe","depth":"IBM"}', "invalid_depth"),
    ('{"action":"unsubscribe","depth":[1]}', "invalid_depth"),
    ('{"action":"subscribe","depth":[%s"X"]}' % ('"X",' * 100), "invalid_depth"),
    ('{"action":"resume"}', "invalid_since"),
    ('{"action":"resume","since":"1"}', "invalid_since"),
    ('{"action":"resume","since":-1}', "invalid_since"),
    ('{"action":"resume","since":true}', "invalid_since"),
    ('{"action":"resume","since":99999999999999999999}', "invalid_since"),
    ('{"action":"portfolio","stream":"x"}', "invalid_portfolio"),
    ('{"action":"portfolio","since":1}', "invalid_portfolio"),
    ('{"action":"portfolio","stream":"x","since":"1"}', "invalid_portfolio"),
    ('{"action":"portfolio","stream":"x","since":-1}', "invalid_portfolio"),
    ('{"action":"portfolio","stream":"x","since":true}', "invalid_portfolio"),
    ('{"action":"portfolio","stream":"%s","since":1}' % ("x" * 33), "invalid_portfolio"),
]


@pytest.mark.parametrize("part", [0, 1])  # a socket may act twenty times at once
async def test_nonsense_is_answered_and_the_socket_lives(customer: Customer, part: int) -> None:
    page = customer.page()
    await page.connect()
    for text, code in NONSENSE[part::2]:
        await page.send_to(text_data=text)
        error = await page.hear("error")
        assert error["code"] == code, text
        assert error["message"]
    await happen(customer.account, "key.created")
    await page.hear("activity")
    await page.disconnect()


async def test_too_many_symbols_are_refused(customer: Customer) -> None:
    page = customer.page()
    await page.connect()
    for part in range(2):
        symbols = [f"{part}-{number}" for number in range(300)]
        await page.say(action="subscribe", symbols=symbols)
    assert (await page.hear("error"))["code"] == "too_many_symbols"
    for part in range(2):
        await page.say(action="subscribe", depth=[f"{part}-{number}" for number in range(60)])
    assert (await page.hear("error"))["code"] == "too_many_books"
    await page.disconnect()


async def test_too_long_a_message_and_too_many_of_them_close_the_socket(
    customer: Customer,
) -> None:
    page = customer.page()
    await page.connect()
    await page.send_to(text_data=" " * (bounded.MESSAGE_BYTES_MAX + 1))
    assert await closing_code(page) == bounded.TOO_LONG
    page = customer.page()
    await page.connect()
    for _ in range(100):
        await page.say(action="unsubscribe", symbols=[])
    assert await closing_code(page) == bounded.TOO_MANY_ACTIONS
