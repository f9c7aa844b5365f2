"""The exchange's door for members across a network: its end of the line.

docs/venue-line.md is the protocol. One thread a member, so that a slow one keeps nobody else
waiting; whoever does not read, breaks the rules or falls silent is hung up on.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import structlog
from django.conf import settings
from django.db import Error, connection

from foundation import wakeups
from venues import framed, plain
from venues.exchange import records, service, standing
from venues.exchange.desk import ExchangeUnavailable
from venues.framed import Frame, FramedSocket, LineBroken, Role
from venues.messages import Request

log = structlog.get_logger(__name__)

CONNECTIONS_MAX: Final = 16
BACKLOG: Final = 16
ACCEPT_SECONDS: Final = 0.2
LOGON_SECONDS_MAX: Final = 3.0
POLL_SECONDS: Final = 0.25
ANSWER_SECONDS_MAX: Final = 5.0
STATUS_SECONDS_MAX: Final = 3.0  # nothing else is said meanwhile, and five are silence
FORMER_SECONDS_MAX: Final = 2.0
QUESTIONS_MAX: Final = 16
REQUESTS_AT_ONCE_MAX: Final = 512
ORDERS_ASKED_MAX: Final = 1_000
REPORTS_AT_ONCE: Final = 256


class Refused(LineBroken):
    """The member broke a rule of the line; it is told which, and hung up on."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Take calls from members until `stop`."""
    door = _Door()
    address = (settings.EXCHANGE_HOST, settings.EXCHANGE_PORT)
    try:
        with socket.create_server(address, backlog=BACKLOG) as listening:
            listening.settimeout(ACCEPT_SECONDS)
            while not stop.is_set():
                beat()
                try:
                    connected, _ = listening.accept()
                except TimeoutError:
                    continue
                door.admit(connected)
    finally:
        door.close()


class _Door:
    """Who is on the line: a member once, its latest call, as the one before may be dead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[_Call] = set()

    def admit(self, connected: socket.socket) -> None:
        with self._lock:
            if len(self._calls) >= CONNECTIONS_MAX:
                connected.close()
                log.warning("exchange_port_is_full", connections=len(self._calls))
                return
            call = _Call(FramedSocket(connected), self)
            self._calls.add(call)
        threading.Thread(target=call.run, name="exchange-port", daemon=True).start()

    def end_former(self, call: _Call) -> None:
        """Hang up on the member's other calls, and wait until none of them hands in any more.

        Raises Refused when one does not end.
        """
        with self._lock:
            former = [c for c in self._calls if c is not call and c.member == call.member]
        for each in former:
            each.hang_up()
        deadline = time.monotonic() + FORMER_SECONDS_MAX
        for each in former:
            if not each.over.wait(max(0.0, deadline - time.monotonic())):
                raise Refused("still_busy", "Your last call has not ended yet: call again.")

    def leave(self, call: _Call) -> None:
        with self._lock:
            self._calls.discard(call)

    def close(self) -> None:
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.hang_up()


@dataclass(slots=True)
class _Question:
    """Requests that wait for the journal."""

    number: object
    durable: Future[None]
    asked_at: float = field(default_factory=time.monotonic)


class _Call:
    """One member's connection, from hello to its end, on a thread of its own."""

    def __init__(self, wire: FramedSocket, door: _Door) -> None:
        self.member = ""
        self.over = threading.Event()
        self._wire = wire
        self._door = door
        self._questions: list[_Question] = []
        self._expected: tuple[date, int] | None = None
        self._pushed: int | None = None  # None until the member says from where on
        self._confirmed = 0

    def run(self) -> None:
        listener = wakeups.listener
        try:
            listener.subscribe(wakeups.Channel.VENUE_REPORTS, self._ring)
            try:
                self._log_on()
                log.info("exchange_member_on", member=self.member)
                while True:
                    self._go_on()
            finally:
                listener.unsubscribe(wakeups.Channel.VENUE_REPORTS, self._ring)
        except LineBroken as error:
            self._say_farewell(error)
        except Error as error:  # the member calls again, and finds what it missed
            log.error("exchange_port_failed", member=self.member, error=str(error))
        finally:
            self._door.leave(self)
            self.over.set()
            self._wire.release()
            connection.close()

    def hang_up(self) -> None:
        self._wire.close()

    def _ring(self, _payload: str = "") -> None:
        self._wire.wake()

    def _say_farewell(self, error: LineBroken) -> None:
        log.info("exchange_member_off", member=self.member, reason=str(error))
        if isinstance(error, Refused):
            try:
                self._wire.send({"type": "refused", "code": error.code, "text": str(error)})
            except LineBroken:
                return  # it has gone before it could be told

    def _log_on(self) -> None:
        nonce = secrets.token_hex(32)
        self._wire.send({"type": "hello", "version": framed.VERSION, "nonce": nonce})
        logon = self._await_logon()
        member = str(logon.get("member", ""))
        secret = settings.EXCHANGE_MEMBERS.get(member, "")
        given = logon.get("proof")
        if not framed.is_proof(given, of=Role.MEMBER, secret=secret, nonce=nonce, member=member):
            raise Refused("unknown_member", "No such member, or not its secret.")
        received = _whole(logon.get("received"))
        last = standing.last_sequence(member)
        if received > last:
            raise Refused(
                "sequence_too_high", f"You were told {last} reports and say that you have more."
            )
        self.member = member
        self._confirmed = received
        self._expected = _number(logon.get("next"))
        self._door.end_former(self)
        answer = framed.proof(
            of=Role.VENUE, secret=secret, nonce=str(logon.get("nonce")), member=member
        )
        self._wire.send({"type": "logged_on", "proof": answer, "last_sequence": last})

    def _await_logon(self) -> Frame:
        deadline = time.monotonic() + LOGON_SECONDS_MAX
        while (left := deadline - time.monotonic()) > 0:
            for frame in self._wire.receive(left):
                if frame["type"] != "logon":
                    raise Refused("logon_expected", "Log on first.")
                return frame
        raise Refused("logon_expected", "There was no logon in time.")

    def _go_on(self) -> None:
        for frame in self._wire.receive(POLL_SECONDS):
            self._hear(frame)
        self._answer()
        while self._push():
            pass

    def _hear(self, frame: Frame) -> None:
        match frame["type"]:
            case "requests":
                self._take(frame)
            case "status":
                self._tell_how_they_stand(frame)
            case "resend":
                self._pushed = _whole(frame.get("after"))
                self._confirmed = max(self._confirmed, self._pushed)
            case "received":
                self._confirmed = max(self._confirmed, _whole(frame.get("sequence")))
            case unknown:
                raise Refused("unknown_frame", f"There is no frame {unknown!r}.")

    def _take(self, frame: Frame) -> None:
        """Hand the requests to the exchange; they are acknowledged once they are durable."""
        number = frame.get("id")
        given = frame.get("requests")
        if not isinstance(given, list) or not 0 < len(given) <= REQUESTS_AT_ONCE_MAX:
            raise Refused("bad_requests", f"Send 1 to {REQUESTS_AT_ONCE_MAX} requests at a time.")
        if len(self._questions) >= QUESTIONS_MAX:
            raise Refused("too_many_questions", "Wait for answers before you ask for more.")
        requests = [self._in_order(each) for each in given]
        try:
            durable = service.hand_in(requests, member=self.member)
        except service.MalformedRequest as error:
            self._wire.send({"type": "unsendable", "id": number, "text": str(error)})
            return
        except ExchangeUnavailable as error:
            self._wire.send({"type": "unavailable", "id": number, "text": str(error)})
            return
        self._questions.append(_Question(number, durable))
        durable.add_done_callback(lambda _: self._wire.wake())

    def _in_order(self, given: Frame) -> Request:
        """Return the request, after making sure that none before it is missing."""
        try:
            request = plain.request_from_plain(given["kind"], given["content"])
            is_repeat = bool(given["is_repeat"])
        except (KeyError, TypeError, AttributeError, plain.UnreadableMessage) as error:
            raise Refused("bad_request", f"A request cannot be read: {error}") from error
        if not is_repeat:
            self._count(*_number(given))
        return request

    def _count(self, day: date, number: int) -> None:
        """A day's requests count from 1 without a gap; a new day may begin at any time."""
        expected_day, expected = self._expected or (day, number)
        if day > expected_day:
            expected_day, expected = day, 1
        if (day, number) != (expected_day, expected):
            raise Refused(
                "sequence_gap",
                f"Request {number} of {day} came, {expected} of {expected_day} was next.",
            )
        self._expected = (day, number + 1)

    def _answer(self) -> None:
        """Say what has become of the requests that waited, in whatever order that was."""
        waiting = []
        for question in self._questions:
            if question.durable.done():
                self._wire.send(_outcome(question))
            elif time.monotonic() - question.asked_at > ANSWER_SECONDS_MAX:
                text = "the exchange did not answer in time"
                self._wire.send({"type": "unavailable", "id": question.number, "text": text})
            else:
                waiting.append(question)
        self._questions = waiting

    def _tell_how_they_stand(self, frame: Frame) -> None:
        orders = frame.get("orders")
        if not isinstance(orders, list) or len(orders) > ORDERS_ASKED_MAX:
            raise Refused("bad_status", f"Ask about at most {ORDERS_ASKED_MAX} orders at a time.")
        number, asked = frame.get("id"), [str(order) for order in orders]
        try:
            found = service.order_status(asked, member=self.member, seconds_max=STATUS_SECONDS_MAX)
        except ExchangeUnavailable as error:
            self._wire.send({"type": "unavailable", "id": number, "text": str(error)})
            return
        while self._push():  # what came before the answer is said before it
            pass
        reports = [plain.report_to_plain(report) for report in found]
        self._wire.send({"type": "statuses", "id": number, "reports": reports})

    def _push(self) -> bool:
        """Send the next reports, if the member has room; return whether there may be more."""
        if self._pushed is None:
            return False
        room = self._confirmed + framed.REPORTS_UNDER_WAY_MAX - self._pushed
        limit = min(room, REPORTS_AT_ONCE)
        if limit <= 0:
            return False
        reports = records.reports(member=self.member, after=self._pushed, limit=limit)
        if not reports:
            return False
        self._wire.send({"type": "reports", "reports": [plain.report_to_plain(r) for r in reports]})
        self._pushed = reports[-1].sequence
        return len(reports) == limit


def _outcome(question: _Question) -> Frame:
    error = question.durable.exception()
    if error is None:
        return {"type": "acknowledged", "id": question.number}
    return {"type": "unavailable", "id": question.number, "text": str(error)}


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused("bad_number", "A sequence is a whole number, 0 or more.")
    return value


def _number(given: object) -> tuple[date, int]:
    """Return the session date and the number of a request, or of the one that comes next."""
    try:
        return date.fromisoformat(given["session_date"]), _whole(given["number"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("bad_number", "A request has a session_date and a number.") from error
