"""The exchange in a process of its own, killed at every step of its cycle."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.faults.processes import Say, forked
from tests.services.exchange.running import cancel, exchange, listed, order
from venues.exchange import journal, records, service
from venues.exchange.commands import OURSELVES, Report, request_id
from venues.exchange.engine import Engine
from venues.exchange.models import JournalEntry, MemberCancel, MemberOrder, MemberReplace
from venues.messages import ReplaceOrder, Request, TimeInForce

ORDERS = 45


def requests() -> list[Request]:
    """Return an order of every kind in turn, with replacements and cancels between them."""
    asked: list[Request] = []
    for number in range(ORDERS):
        plain = order(f"order-{number}", "buy" if number % 3 else "sell", "10", "100.10")
        kinds = (
            plain,
            replace(plain, display_quantity=Decimal(0)),
            replace(plain, display_quantity=Decimal(3)),
            replace(plain, cash_max=Decimal(450), party="p"),
            replace(plain, is_post_only=True, limit_price=Decimal("90.00")),
            replace(plain, time_in_force=TimeInForce.CLS),
        )
        asked.append(kinds[number % len(kinds)])
        if number % 5 == 4:
            new = f"new-{number}"
            asked.append(ReplaceOrder(f"order-{number - 1}", new, Decimal(7), Decimal("100.20")))
        if number % 7 == 6:
            asked.append(cancel(f"order-{number - 2}"))
    return asked


def enter_one_by_one(say: Say) -> None:
    """Enter every request and say which were acknowledged, until a failpoint ends the process."""
    with exchange():
        for request in requests():
            service.enter([request])
            say(request_id(request))


def run_until_killed(step: str, arrival: int) -> list[str]:
    """Return the requests that were acknowledged before the process died."""
    with forked(enter_one_by_one, fails=f"{step}=kill*{arrival}") as customer:
        acknowledged = customer.said()
        assert customer.exit_code() == -9
    return acknowledged


ANSWERS = ("accepted", "rejected", "replaced", "replace_rejected")
"""What the exchange says first of an order or its replacement, and says once."""


def entered() -> set[str]:
    """Return the ids of all requests that the exchange has written down."""
    orders = MemberOrder.objects.values_list("client_order_id", flat=True)
    replaced = MemberReplace.objects.values_list("new_client_order_id", flat=True)
    cancels = MemberCancel.objects.values_list("request_id", flat=True)
    return {
        *(f"order:{name}" for name in (*orders, *replaced)),
        *(f"cancel:{name}" for name in cancels),
    }


@pytest.mark.parametrize(
    ("step", "arrival"),
    [
        ("exchange.decided", 9),
        ("exchange.written", 20),
        ("exchange.journaled", 2),
        ("exchange.journaled", 40),
        ("exchange.answered", 25),
        ("exchange.snapshot_written", 1),
    ],
)
def test_what_was_acknowledged_is_there_and_entering_again_doubles_nothing(
    committed, step, arrival, monkeypatch
):
    listed()
    acknowledged = run_until_killed(step, arrival)
    written = entered()
    assert set(acknowledged) <= written
    assert len(written) <= len(acknowledged) + 1
    before = records.recover()
    sequences = list(JournalEntry.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, before.sequence + 1))

    # Without new snapshots the whole journal stays to be read again below.
    monkeypatch.setattr(records, "save_snapshot", lambda *_, **__: None)
    with exchange():
        service.enter(requests())
    told = service.reports(0, 5_000)
    asked = {request_id(request) for request in requests()}
    assert entered() == asked
    first = {f"order:{r.client_order_id}" for r in told if r.kind in ANSWERS}
    assert first == {each for each in asked if each.startswith("order:")}
    assert sum(report.kind in ANSWERS for report in told) == len(first)
    assert [report.sequence for report in told] == list(range(1, len(told) + 1))
    assert len({report.execution_id for report in told}) == len(told)

    # The drop copy, written on another way, has the same executions.
    copied = [
        (each.execution_id, each.quantity, each.price) for each in service.drop_copy(0, 5_000)
    ]
    assert copied == [(r.execution_id, r.quantity, r.price) for r in told if r.kind == "fill"]

    # What members hold in their hands is what the journal, read from its beginning, leads to.
    engine = Engine()
    again = [
        event.report
        for entry in JournalEntry.objects.order_by("sequence")
        for command in journal.decode(entry.commands)
        for event in engine.apply(command, entry.at)
        if isinstance(event, Report) and event.member == OURSELVES
    ]
    assert told == again
    assert engine.snapshot() == records.recover().engine.snapshot()
