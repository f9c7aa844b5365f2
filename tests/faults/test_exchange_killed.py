"""The exchange in a process of its own, killed between its commits and its answers."""

import os
import subprocess
import sys

import pytest

from tests.services.exchange.running import exchange, listed, order
from venues.exchange import journal, records, service
from venues.exchange.commands import OURSELVES, Report
from venues.exchange.engine import Engine
from venues.exchange.models import JournalEntry, MemberOrder

ORDERS = 60

# Enters orders one by one and says which were acknowledged, until a failpoint ends the process.
CUSTOMER = f"""
import django
django.setup()
from tests.services.exchange.running import exchange, order
from venues.exchange import service
with exchange():
    for number in range({ORDERS}):
        service.enter([order(f"order-{{number}}", "buy", "10", "100.10")])
        print(f"order-{{number}}", flush=True)
"""


def run_until_killed(arrival: int) -> list[str]:
    """Return the orders that were acknowledged before the process died."""
    done = subprocess.run(
        [sys.executable, "-c", CUSTOMER],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "OPENFLOOR_FAILPOINTS": f"exchange.journaled=kill*{arrival}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("arrival", [2, 9, 30])
def test_what_was_acknowledged_is_there_and_entering_again_doubles_nothing(
    committed, arrival, monkeypatch
):
    listed()
    acknowledged = run_until_killed(arrival)
    written = set(MemberOrder.objects.values_list("client_order_id", flat=True))
    assert set(acknowledged) <= written
    assert len(written) <= len(acknowledged) + 1
    before = records.recover()
    sequences = list(JournalEntry.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, before.sequence + 1))

    # Without new snapshots the whole journal stays to be read again below.
    monkeypatch.setattr(records, "save_snapshot", lambda *_, **__: None)
    with exchange():
        service.enter([order(f"order-{number}", "buy", "10", "100.10") for number in range(ORDERS)])
    told = service.reports(0, 5_000)
    accepted = [report.client_order_id for report in told if report.kind == "accepted"]
    assert sorted(accepted) == sorted(f"order-{number}" for number in range(ORDERS))
    assert [report.sequence for report in told] == list(range(1, len(told) + 1))
    assert len({report.execution_id for report in told}) == len(told)

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
