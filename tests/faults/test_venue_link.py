"""Faults 1 to 4: between us and a venue across a network, with a process at either end.

The venue is a process with the exchange and its port, we are one with the gateway; a proxy
between them is the network. Whatever happens, the venue takes the order down once, and we are
never sure of what we cannot know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Instrument
from orders.entry import submission
from orders.models import Order
from portfolio.models import Hold
from tests import world
from tests.faults.processes import Forked, Say, forked
from tests.faults.proxy import Mode, Proxy, proxy_to
from tests.live_server import free_port
from tests.patience import until
from tests.services.exchange.running import exchange, listed
from venues import framed, gateway, inbox, line, links, outbox, routing
from venues.exchange import port
from venues.exchange.models import MemberOrder, MemberReport
from venues.messages import TimeInForce
from venues.models import InboxReport, OutboxMessage, Route, Venue

LINE = "LINE"
AT_WORK = "at work"


def run_exchange(say: Say) -> None:
    with exchange():
        port.run(threading.Event(), first_beat(say))


def run_gateway(say: Say) -> None:
    gateway.run(threading.Event(), first_beat(say))


def first_beat(say: Say) -> Callable[[], None]:
    """Return a beat that tells of the first."""
    has_beaten = threading.Event()

    def beat() -> None:
        if not has_beaten.is_set():
            has_beaten.set()
            say(AT_WORK)

    return beat


@pytest.fixture
def network(committed) -> Iterator[Proxy]:
    """The venue at work, and the network that leads to it."""
    listed()
    number = free_port()
    theirs = {"EXCHANGE_PORT": number, "EXCHANGE_MEMBERS": {"US": "secret"}}
    with forked(run_exchange, **theirs) as venue_at_work, proxy_to(number) as proxy:
        venue_at_work.wait_for(AT_WORK)
        Venue.objects.update(is_enabled=False)
        address = f"127.0.0.1:{proxy.port}"
        venue = Venue.objects.create(name=LINE, kind="line", address=address, member="US")
        Route.objects.update(venue=venue)
        yield proxy


@contextmanager
def our_gateway(*, fails: str = "") -> Iterator[Forked]:
    with forked(run_gateway, fails=fails, VENUE_SECRETS={LINE: "secret"}) as at_work:
        at_work.wait_for(AT_WORK)
        yield at_work


def place() -> str:
    """Place an order that rests, once the link is up; return its id."""
    until(is_link_up)
    links.forget()
    routing.forget()
    account = world.customer()
    ticket = world.limit_ticket(account, "90.00", time_in_force=TimeInForce.GTC)
    world.quote(Instrument.objects.get(), bid="99.99", ask="100.00")
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    assert (answer.order.status, answer.order.venue) == ("submitted", LINE), (
        answer.order.status_reason
    )
    return str(answer.order.pk)


def assert_is(order: str, status: str) -> None:
    """Our books say so once every report is applied, and keep the order's hold."""
    world.apply_reports()
    assert Order.objects.get(pk=order).status == status
    [hold] = Hold.objects.filter(order_id=order)
    assert hold.remaining == Decimal("900.00")


def told(order: str) -> list[str]:
    """Return what the inbox has about the order, in the order of its coming."""
    rows = InboxReport.objects.filter(client_order_id=order).order_by("pk")
    return [row.report["kind"] for row in rows]


def entered(order: str) -> int:
    return MemberOrder.objects.filter(member="US", client_order_id=order).count()


def is_link_up() -> bool:
    return any(link.is_up for link in links.current() if link.venue == LINE)


def requests_sent(network: Proxy) -> list[tuple[int, bool]]:
    """Return number and whether it is a repeat, of every request that left us."""
    frames = network.said("requests")
    return [(r["number"], r["is_repeat"]) for frame in frames for r in frame["requests"]]


def assert_all_is_settled(order: str) -> None:
    """The venue has the order once, we have each of its reports once, nothing is in doubt."""
    until(lambda: OutboxMessage.objects.filter(sent_at=None).count() == 0)
    until(lambda: told(order).count("accepted") == 1)
    assert entered(order) == 1
    assert told(order).count("accepted") == 1
    assert outbox.in_doubt(LINE, 10) == []
    ours = InboxReport.objects.filter(venue=LINE, sequence__gt=0).values_list("sequence", flat=True)
    said = MemberReport.objects.filter(member="US").values_list("sequence", flat=True)
    assert sorted(ours) == sorted(said) == list(range(1, inbox.last_sequence(LINE) + 1))
    until(is_link_up)
    assert_is(order, "submitted")
    assert not InboxReport.objects.filter(state__in=["parked", "early"]).exists()


def test_fault_1_a_kill_between_commit_and_send_sends_it_once_after_the_restart(network):
    with our_gateway(fails="gateway.before_send=kill") as killed:
        order = place()
        assert killed.exit_code() == -9
    assert entered(order) == 0
    with our_gateway():
        assert_all_is_settled(order)
    # It was claimed before the kill, so the venue was asked first: it had never heard of it.
    assert [frame["orders"] for frame in network.said("status")] == [[order]]
    assert requests_sent(network) == [(1, True)]


def test_fault_2_a_kill_after_the_send_asks_the_venue_and_sends_nothing_again(network):
    with our_gateway(fails="gateway.sent=kill") as killed:
        order = place()
        assert killed.exit_code() == -9
    until(lambda: entered(order) == 1)
    [message] = outbox.in_doubt(LINE, 10)
    assert str(message.order_id) == order
    with our_gateway():
        assert_all_is_settled(order)
    assert [frame["orders"] for frame in network.said("status")] == [[order]]
    assert requests_sent(network) == [(1, False)]


@pytest.mark.parametrize("is_lost", [True, False], ids=["before it arrived", "after it arrived"])
def test_fault_3_a_link_that_drops_mid_order_leaves_it_unknown_until_the_venue_was_asked(
    network, is_lost
):
    with our_gateway():
        until(is_link_up)
        network.is_cut_line_lost = is_lost
        network.cut = b'"requests"'
        order = place()
        until(lambda: told(order))
        assert told(order) == ["doubted"]
        assert_is(order, "unknown")
        assert entered(order) == (0 if is_lost else 1)
        until(lambda: not is_link_up())
        before = network.turned_away
        until(lambda: network.turned_away > before + 1)  # nothing is doubted twice or sent again
        assert told(order) == ["doubted"]
        assert requests_sent(network) == [(1, False)]

        network.heal()
        assert_all_is_settled(order)
    if is_lost:
        assert told(order) == ["doubted", "accepted"]
        assert requests_sent(network) == [(1, False), (1, True)]
    else:
        assert told(order) == ["doubted", "accepted", "status"]
        assert requests_sent(network) == [(1, False)]


def test_fault_4_a_link_that_hangs_is_given_up_within_ten_seconds(network):
    assert framed.SEND_SECONDS_MAX + line.ANSWER_SECONDS_MAX < 10
    with our_gateway():
        until(is_link_up)
        network.mode_after_cut = Mode.SWALLOW
        network.cut = b'"requests"'
        order = place()
        until(lambda: told(order))
        assert told(order) == ["doubted"]
        assert_is(order, "unknown")
        until(lambda: not is_link_up())
        assert requests_sent(network) == [(1, False)]

        network.heal()
        assert_all_is_settled(order)
    assert told(order) == ["doubted", "accepted", "status"]
    assert requests_sent(network) == [(1, False)]
