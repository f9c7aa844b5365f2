"""What every adapter does: the embedded exchange's, and that of a line to a port in between.

Both lead to the same exchange, which runs in the test's process.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from foundation import wakeups
from marketdata.calendars import NEW_YORK
from tests import parts
from tests.live_server import free_port
from tests.patience import DEADLINE_SECONDS, until
from tests.services.exchange.running import exchange, listed, order
from venues import framed, plain
from venues.adapters import EmbeddedExchange, Outgoing, Unsendable, VenueUnavailable
from venues.exchange import port, records, service
from venues.exchange.commands import OURSELVES
from venues.framed import FramedSocket, LineBroken, Role
from venues.line import Line
from venues.messages import CancelOrder, ExecutionReport, ReplaceOrder, ReportKind

TODAY = timezone.now().astimezone(NEW_YORK).date()
MEMBER, SECRET = "OPENFLOOR-LINE", "a secret of the two ends"


class Desk:
    """An adapter, with the numbers of what it sends and the reports that it got so far."""

    def __init__(self, adapter) -> None:
        self.adapter = adapter
        self.told: list = []
        self._numbers = itertools.count(1)

    def send(self, *requests, is_repeat: bool = False) -> list[Outgoing]:
        outgoing = [Outgoing(TODAY, next(self._numbers), r, is_repeat) for r in requests]
        self.adapter.send(outgoing)
        return outgoing

    def wait_for(self, kind: ReportKind, name: str):
        """Return the report of that kind about that order."""

        def seen():
            after = self.told[-1].sequence if self.told else 0
            self.told += self.adapter.reports(after, 256)
            return [r for r in self.told if (r.kind, r.client_order_id) == (kind, name)]

        return until(seen)[0]


@pytest.fixture
def market(committed) -> Iterator[None]:
    listed()
    with exchange():
        yield


@pytest.fixture
def door(market, settings) -> Iterator[str]:
    """The exchange's port, open; its address."""
    settings.EXCHANGE_PORT = free_port()
    settings.EXCHANGE_MEMBERS = {MEMBER: SECRET, "OTHER": "another"}
    stop, beaten = threading.Event(), threading.Event()

    def listen() -> None:
        try:
            wakeups.listener.run(stop, lambda: None)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=port.run, args=(stop, beaten.set)),
        threading.Thread(target=listen),
    ]
    for thread in threads:
        thread.start()
    assert beaten.wait(DEADLINE_SECONDS)
    yield f"127.0.0.1:{settings.EXCHANGE_PORT}"
    parts.end(stop, threads)


def line_to(address: str, **changes) -> Line:
    return Line(
        **{"venue": "LINE", "address": address, "member": MEMBER, "secret": SECRET, **changes}
    )


@pytest.fixture(params=["embedded", "line"])
def desk(request, market) -> Iterator[Desk]:
    adapter = (
        EmbeddedExchange()
        if request.param == "embedded"
        else line_to(request.getfixturevalue("door"))
    )
    adapter.connect(0, lambda: None)
    yield Desk(adapter)
    adapter.close()


def test_an_order_is_accepted_and_a_repeat_of_it_is_dropped(desk):
    first = order("O1", price="90.00")
    sent = desk.send(first)
    accepted = desk.wait_for(ReportKind.ACCEPTED, "O1")
    assert accepted.leaves_quantity == 10
    desk.adapter.send([replace(each, is_repeat=True) for each in sent])
    desk.send(order("O2", price="90.00"))
    desk.wait_for(ReportKind.ACCEPTED, "O2")
    assert [r.client_order_id for r in desk.told if r.kind is ReportKind.ACCEPTED] == ["O1", "O2"]


def test_an_order_is_cancelled_and_a_cancel_of_nothing_refused(desk):
    desk.send(order("O1", price="90.00"))
    desk.send(CancelOrder("C1", "O1"), CancelOrder("C2", "nothing"))
    assert desk.wait_for(ReportKind.CANCELLED, "O1").leaves_quantity == 0
    desk.wait_for(ReportKind.CANCEL_REJECTED, "nothing")


def test_an_order_is_replaced_and_a_replace_of_nothing_refused(desk):
    desk.send(order("O1", price="90.00"))
    desk.send(ReplaceOrder("O1", "O2", Decimal(4), Decimal("91.00")))
    replaced = desk.wait_for(ReportKind.REPLACED, "O2")
    assert (replaced.reference, replaced.leaves_quantity) == ("O1", 4)
    desk.send(ReplaceOrder("nothing", "O3", Decimal(4), None))
    assert desk.wait_for(ReportKind.REPLACE_REJECTED, "O3").reference == "nothing"


def test_it_says_how_orders_stand_and_nothing_of_those_it_never_saw(desk):
    desk.send(order("O1", price="90.00"), order("O2", price="90.00"), CancelOrder("C1", "O2"))
    desk.send(CancelOrder("C2", "O3"))
    desk.wait_for(ReportKind.CANCEL_REJECTED, "O3")
    answers = desk.adapter.statuses(["O1", "O2", "O3", "O4"])
    found = {r.client_order_id: (r.kind, r.leaves_quantity, r.sequence) for r in answers}
    assert found == {"O1": (ReportKind.STATUS, 10, 0), "O2": (ReportKind.STATUS, 0, 0)}


def test_reports_come_in_order_without_a_gap_from_wherever_asked(desk):
    names = [f"O{n}" for n in range(30)]
    desk.send(*(order(name, price="90.00") for name in names))
    last = desk.wait_for(ReportKind.ACCEPTED, names[-1])
    assert [r.sequence for r in desk.told] == list(range(1, last.sequence + 1))
    assert [r.client_order_id for r in desk.told] == names

    desk.adapter.close()
    desk.adapter.connect(10, lambda: None)
    again = until(lambda: desk.adapter.reports(10, 5))
    assert [r.sequence for r in again] == [11, 12, 13, 14, 15][: len(again)]


def test_what_fits_no_wire_is_unsendable_and_nothing_of_it_is_taken(desk):
    with pytest.raises(Unsendable):
        desk.send(order("O1", price="90.00"), order("O" * 65))
    assert desk.adapter.statuses(["O1"]) == []
    desk.send(order("O2", price="90.00"))
    desk.wait_for(ReportKind.ACCEPTED, "O2")


def test_an_exchange_that_is_closed_is_unavailable(desk):
    service._desk.close()
    with pytest.raises(VenueUnavailable):
        desk.send(order("O1"))
    with pytest.raises(VenueUnavailable):
        desk.adapter.statuses(["O1"])


def test_what_was_sent_and_not_heard_of_is_decided_on_before_its_status_is_told(desk, monkeypatch):
    begun, commit = threading.Event(), records.commit

    def slowly(**cycle) -> None:
        begun.set()
        time.sleep(0.5)
        commit(**cycle)

    monkeypatch.setattr(records, "commit", slowly)
    member = OURSELVES if isinstance(desk.adapter, EmbeddedExchange) else MEMBER
    service.hand_in([order("O1", price="90.00")], member=member)  # and here the link was lost
    assert begun.wait(DEADLINE_SECONDS)
    assert [r.client_order_id for r in desk.adapter.statuses(["O1", "O2"])] == ["O1"]


# --- What the line alone can do wrong ------------------------------------------------------


def test_members_hear_of_their_own_orders_alone(door):
    ours, theirs = line_to(door), line_to(door, member="OTHER", secret="another")
    for line in (ours, theirs):
        line.connect(0, lambda: None)
    desk = Desk(ours)
    desk.send(order("O1", price="90.00"))
    desk.wait_for(ReportKind.ACCEPTED, "O1")
    assert theirs.statuses(["O1"]) == []
    assert theirs.reports(0, 10) == []
    for line in (ours, theirs):
        line.close()


@pytest.mark.parametrize(
    "wrong", [{"secret": "wrong"}, {"secret": ""}, {"member": "NOBODY"}, {"address": "127.0.0.1:1"},
              {"address": "nowhere"}]
)  # fmt: skip
def test_who_is_not_known_or_finds_nobody_is_told_so(door, wrong):
    with pytest.raises(VenueUnavailable):
        line_to(**{"address": door, **wrong}).connect(0, lambda: None)


def test_a_venue_that_gives_our_own_proof_back_to_us_is_not_believed(monkeypatch):
    """Even one that has guessed what we would ask."""
    monkeypatch.setattr("venues.line.secrets.token_hex", lambda size: "guessed")
    monkeypatch.setattr("venues.line.outbox.next_number", lambda venue, now: (TODAY, 1))

    def reflect() -> None:
        wire = FramedSocket(listening.accept()[0])
        wire.send({"type": "hello", "version": framed.VERSION, "nonce": "guessed"})
        [logon] = until(lambda: wire.receive(0.5))
        wire.send({"type": "logged_on", "proof": logon["proof"], "last_sequence": 0})
        with pytest.raises(LineBroken):
            until(lambda: wire.receive(0.5))
        wire.release()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        venue = threading.Thread(target=reflect)
        venue.start()
        with pytest.raises(VenueUnavailable, match="somebody else"):
            line_to(f"127.0.0.1:{listening.getsockname()[1]}").connect(0, lambda: None)
        venue.join(DEADLINE_SECONDS)


def test_who_has_more_reports_than_were_given_is_turned_away(door):
    with pytest.raises(VenueUnavailable, match="told 0 reports and say"):
        line_to(door).connect(7, lambda: None)


def test_the_latest_call_of_a_member_ends_the_one_before(door):
    first, second = line_to(door), line_to(door)
    first.connect(0, lambda: None)
    second.connect(0, lambda: None)

    def is_over() -> bool:
        try:
            return bool(first.reports(0, 1))
        except VenueUnavailable:
            return True

    until(is_over)
    assert second.statuses([]) == []
    second.close()


def test_a_member_is_let_in_anew_when_its_last_call_can_hand_in_nothing_more(
    door, member, monkeypatch
):
    monkeypatch.setattr(port, "FORMER_SECONDS_MAX", 0.2)
    is_handing_in, may_go_on = threading.Event(), threading.Event()
    hand_in = service.hand_in

    def slowly(requests, *, member):
        is_handing_in.set()
        may_go_on.wait(DEADLINE_SECONDS)
        return hand_in(requests, member=member)

    monkeypatch.setattr(service, "hand_in", slowly)
    member.log_on()
    member.next("logged_on")
    member.request(1)
    assert is_handing_in.wait(DEADLINE_SECONDS)
    line = line_to(door)
    with pytest.raises(VenueUnavailable, match="has not ended yet"):
        line.connect(0, lambda: None)
    may_go_on.set()

    def is_let_in() -> bool:
        try:
            line.connect(0, lambda: None)
        except VenueUnavailable:
            return False
        return True

    until(is_let_in)
    assert [r.client_order_id for r in line.statuses(["O1"])] == ["O1"]
    line.close()


def test_a_gap_is_asked_for_again(door):
    line = line_to(door)
    line.connect(0, lambda: None)
    desk = Desk(line)
    desk.send(order("O1", price="90.00"), order("O2", price="90.00"))
    desk.wait_for(ReportKind.ACCEPTED, "O2")
    line._call._reports.clear()
    line._call._take([a_report(9)])  # and what came before it was lost
    assert [r.sequence for r in line.reports(0, 10)] == [9]
    assert [r.client_order_id for r in until(lambda: line.reports(0, 10))] == ["O1", "O2"]
    line.close()


def a_report(sequence: int) -> ExecutionReport:
    nothing = Decimal(0)
    kind, now = ReportKind.ACCEPTED, timezone.now()
    return ExecutionReport(sequence, f"E{sequence}", kind, "lost", "", now, None, None, nothing,
                           nothing)  # fmt: skip


class Member:
    """One who says on the line whatever it likes."""

    def __init__(self, address: str) -> None:
        host, _, number = address.partition(":")
        self.wire = FramedSocket(socket.create_connection((host, int(number)), 3))
        self.hello = self.next("hello")

    def log_on(self, **changes) -> None:
        said = self.proof(Role.MEMBER)
        first = {"session_date": TODAY.isoformat(), "number": 1}
        self.wire.send(
            {"type": "logon", "member": MEMBER, "proof": said, "nonce": "x", "received": 0,
             "next": first, **changes}
        )  # fmt: skip

    def proof(self, of: Role) -> str:
        return framed.proof(of=of, secret=SECRET, nonce=self.hello["nonce"], member=MEMBER)

    def next(self, wanted: str) -> dict:
        def seen():
            return [f for f in self.wire.receive(0.5) if f["type"] == wanted]

        return until(seen)[0]

    def request(self, number: int, *, day: date = TODAY, name: str = "", **changes) -> None:
        kind, content = plain.request_to_plain(order(name or f"O{number}", price="90.00"))
        one = {"session_date": day.isoformat(), "number": number, "is_repeat": False,
               "kind": kind, "content": content, **changes}  # fmt: skip
        self.wire.send({"type": "requests", "id": number, "requests": [one]})


@pytest.fixture
def member(door) -> Iterator[Member]:
    member = Member(door)
    yield member
    member.wire.release()


def test_requests_that_were_lost_on_the_way_are_noticed(member):
    member.log_on()
    member.next("logged_on")
    member.request(1)
    assert member.next("acknowledged")["id"] == 1
    member.request(3)
    assert member.next("refused")["code"] == "sequence_gap"


def test_a_new_day_begins_with_one(member):
    member.log_on()
    member.next("logged_on")
    member.request(1)
    member.request(1, day=TODAY + timedelta(days=1), name="next day")
    assert member.next("acknowledged")["id"] == 1
    member.request(3, day=TODAY + timedelta(days=2))
    assert member.next("refused")["code"] == "sequence_gap"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "requests", "id": 1, "requests": []}, "bad_requests"),
        ({"type": "requests", "id": 1, "requests": [{"kind": "new"}]}, "bad_request"),
        ({"type": "requests", "id": 1, "requests": ["new"]}, "bad_request"),
        ({"type": "status", "id": 1, "orders": "all"}, "bad_status"),
        ({"type": "resend", "after": -1}, "bad_number"),
        ({"type": "sing"}, "unknown_frame"),
    ],
)
def test_what_is_not_of_the_line_is_refused_with_a_code(member, said, code):
    member.log_on()
    member.next("logged_on")
    member.wire.send(said)
    assert member.next("refused")["code"] == code


def test_a_proof_that_a_venue_has_given_is_none_of_a_member(member):
    member.log_on(proof=member.proof(Role.VENUE))
    assert member.next("refused")["code"] == "unknown_member"


def test_who_says_anything_before_logging_on_is_refused(member):
    member.wire.send({"type": "status", "id": 1, "orders": []})
    assert member.next("refused")["code"] == "logon_expected"


@pytest.mark.parametrize(
    "rubbish", [b"no json\n", b"[]\n", b'{"type":5}\n', b"[" * 100_000 + b"\n"]
)
def test_rubbish_ends_the_call_and_nobody_elses(member, door, rubbish):
    member.wire._socket.sendall(rubbish)
    with pytest.raises(LineBroken):
        until(lambda: member.wire.receive(0.5) and None)
    line = line_to(door)
    line.connect(0, lambda: None)
    line.close()


def test_a_call_that_is_silent_ends(member, monkeypatch):
    member.log_on()
    member.next("logged_on")
    # It is not read either: only the socket's end is waited for.
    monkeypatch.setattr(member.wire, "send", lambda frame: None)
    with pytest.raises(LineBroken, match="hung up"):
        until(lambda: member.wire.receive(0.5) and None)


def test_a_member_that_confirms_nothing_is_sent_no_more_than_fits(member, monkeypatch):
    monkeypatch.setattr(framed, "REPORTS_UNDER_WAY_MAX", 4)
    member.log_on()
    member.next("logged_on")
    member.wire.send({"type": "resend", "after": 0})
    for number in range(1, 11):
        member.request(number)
    got: list[int] = []

    def receive() -> None:
        for frame in member.wire.receive(0.3):
            if frame["type"] == "reports":
                got.extend(r["sequence"] for r in frame["reports"])

    until(lambda: receive() or len(got) >= 4)
    receive()
    receive()
    assert got == [1, 2, 3, 4]
    member.wire.send({"type": "received", "sequence": 4})
    until(lambda: receive() or len(got) >= 8)
    assert got == [1, 2, 3, 4, 5, 6, 7, 8]
