"""The part that talks to venues: a loop for each, and one gateway a venue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from tests.conversing import Stand, new_order, put
from tests.patience import DEADLINE_SECONDS, until
from venues import gateway, links, outbox
from venues.adapters import VenueUnavailable
from venues.models import Venue

pytestmark = pytest.mark.usefixtures("committed")


class Watched(Stand):
    """A venue that notes when two talk to it at once, and can break."""

    def __init__(self, venue: str = outbox.EMBEDDED) -> None:
        super().__init__()
        self.venue = venue
        self.error: BaseException | None = None
        self.talkers: set[int] = set()

    def send(self, outgoing):
        if self.error is not None:
            raise self.error
        self.talkers.add(threading.get_ident())
        super().send(outgoing)


class Gateway:
    """A gateway on a thread of its own."""

    def __init__(self, run) -> None:
        self.stop = threading.Event()
        self.beats = 0
        self.error: BaseException | None = None
        self._run = run
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._run(self.stop, self._beat)
        except BaseException as error:  # noqa: BLE001  # the test looks at what ended it
            self.error = error
        finally:
            connection.close()

    def _beat(self) -> None:
        self.beats += 1


@contextmanager
def at_work(*runs) -> Iterator[list[Gateway]]:
    gateways = [Gateway(run) for run in runs]
    try:
        yield gateways
    finally:
        for each in gateways:
            each.end()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(gateway, "STANDBY_SECONDS", 0.1)
    monkeypatch.setattr(gateway, "PAUSE_SECONDS_MAX", 0.2)


def test_of_two_gateways_one_talks_and_the_other_takes_over_when_it_ends():
    stand = Watched()

    def run(stop, beat):
        gateway.serve(stand, stop, beat)

    with at_work(run, run) as gateways:
        orders = [new_order() for _ in range(20)]
        for order in orders:
            put(order)
        until(lambda: len(stand.got) == 20)
        assert stand.requests == orders
        [talker] = stand.talkers
        first = next(g for g in gateways if g._thread.ident == talker)
        first.end()
        last = new_order()
        put(last)
        until(lambda: last in stand.requests)
    assert len(stand.talkers) == 2
    assert stand.requests == [*orders, last]
    assert [o.number for o in stand.got] == list(range(1, 22))


def test_without_the_lock_two_gateways_talk_at_once(monkeypatch):
    monkeypatch.setattr(gateway.charge, "take", lambda job: True)
    # Both have claimed what is in doubt, and each thinks that it alone has to settle it.
    stand, both = Watched(), threading.Barrier(2, timeout=DEADLINE_SECONDS)
    put(new_order())
    outbox.claim(outbox.EMBEDDED, 1, now=timezone.now())
    asked = stand.statuses

    def ask_together(client_order_ids):
        answer = asked(client_order_ids)
        both.wait()
        return answer

    monkeypatch.setattr(stand, "statuses", ask_together)

    def run(stop, beat):
        gateway.serve(stand, stop, beat)

    with at_work(run, run):
        until(lambda: len(stand.got) == 2)
    assert len(stand.talkers) == 2  # it has left us twice


@pytest.fixture
def stands(monkeypatch) -> dict[str, Watched]:
    """Two venues, ONE and TWO, that the gateway finds in its table."""
    made = {name: Watched(name) for name in ("ONE", "TWO")}
    Venue.objects.update(is_enabled=False)
    for name in made:
        Venue.objects.create(name=name, kind="line", address="192.0.2.1:7", member="US")
    monkeypatch.setattr(gateway, "_adapter_of", lambda venue: made[venue.name])
    return made


def test_a_venue_that_is_out_of_reach_keeps_no_other_waiting(stands):
    stands["ONE"].error = VenueUnavailable("nobody answers")
    with at_work(gateway.run) as [working]:
        for name in stands:
            put(new_order(), venue=name)
        until(lambda: stands["TWO"].got)
        until(lambda: {each.venue: each.is_up for each in links.current()}.get("ONE") is False)
        beats = working.beats
        until(lambda: working.beats > beats + 2)
        assert stands["ONE"].got == []
        stands["ONE"].error = None
        until(lambda: stands["ONE"].got)
    assert working.error is None


def test_a_venue_that_is_disabled_is_hung_up_on_and_called_again_when_enabled(stands):
    with at_work(gateway.run):
        until(lambda: sum(link.is_up for link in links.current() if link.venue in stands) == 2)
        Venue.objects.filter(name="ONE").update(is_enabled=False)
        until(lambda: not next(each for each in links.current() if each.venue == "ONE").is_up)
        put(new_order(), venue="ONE")
        time.sleep(0.3)
        assert stands["ONE"].got == []
        Venue.objects.filter(name="ONE").update(is_enabled=True)
        until(lambda: stands["ONE"].got)


def test_what_breaks_a_loop_ends_the_part_for_the_supervisor_to_start_it_again(stands):
    stands["ONE"].error = RuntimeError("broken")
    with at_work(gateway.run) as [working]:
        put(new_order(), venue="ONE")
        until(lambda: working.error)
    assert str(working.error) == "broken"
