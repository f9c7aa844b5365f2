"""A venue across a network, over a line: the member's end. docs/venue-line.md is the protocol."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import date
from itertools import count, islice
from typing import Final

from django.utils import timezone

from venues import framed, outbox, plain
from venues.adapters import Outgoing, Unsendable, VenueUnavailable
from venues.framed import Frame, FramedSocket, LineBroken, Role
from venues.messages import ExecutionReport

CONNECT_SECONDS_MAX: Final = 3.0
LOGON_SECONDS_MAX: Final = 3.0
ANSWER_SECONDS_MAX: Final = 6.0  # with the time to send, less than ten
RECEIVE_SECONDS: Final = 0.5


class Line:
    """The adapter of a venue at `address` (host:port), where we are called `member`."""

    def __init__(self, *, venue: str, address: str, member: str, secret: str) -> None:
        self.venue = venue
        self._address = address
        self._member = member
        self._secret = secret
        self._call: _Call | None = None

    def is_reachable(self) -> bool:
        return True  # from any process; whether it answers shows when it is called

    def connect(self, after: int, on_news: Callable[[], None]) -> None:
        self.close()
        if not self._secret:
            raise VenueUnavailable(f"VENUE_SECRETS has no secret for {self.venue}")
        host, _, port = self._address.rpartition(":")
        try:
            connected = socket.create_connection((host, int(port)), CONNECT_SECONDS_MAX)
        except (OSError, ValueError, OverflowError) as error:
            raise VenueUnavailable(f"{self._address} cannot be reached: {error}") from error
        wire = FramedSocket(connected)
        try:
            self._log_on(wire, after)
            wire.send({"type": "resend", "after": after})
        except LineBroken as error:
            wire.release()
            raise VenueUnavailable(str(error)) from error
        self._call = _Call(wire, after, on_news)

    def close(self) -> None:
        if self._call is not None:
            self._call.end()
            self._call = None

    def send(self, outgoing: Sequence[Outgoing]) -> None:
        answer = self._ask({"type": "requests", "requests": [_request(o) for o in outgoing]})
        if answer["type"] == "unsendable":
            raise Unsendable(str(answer.get("text")))

    def statuses(self, client_order_ids: Sequence[str]) -> Sequence[ExecutionReport]:
        answer = self._ask({"type": "status", "orders": list(client_order_ids)})
        try:
            return _reports(answer)
        except LineBroken as error:
            raise VenueUnavailable(str(error)) from error

    def reports(self, after: int, limit: int) -> Sequence[ExecutionReport]:
        return self._current().reports(after, limit)

    def _ask(self, question: Frame) -> Frame:
        answer = self._current().ask(question)
        if answer["type"] == "unavailable":
            raise VenueUnavailable(str(answer.get("text")))
        return answer

    def _current(self) -> _Call:
        if self._call is None:
            raise VenueUnavailable("the line is down")
        return self._call

    def _log_on(self, wire: FramedSocket, after: int) -> None:
        """Prove who we are, and have it proved with whom we talk. Raises LineBroken."""
        hello = _next_frame(wire, "hello")
        if hello.get("version") != framed.VERSION:
            raise LineBroken(f"the venue speaks version {hello.get('version')!r} of the line")
        nonce = secrets.token_hex(32)
        wire.send(
            {
                "type": "logon",
                "member": self._member,
                "proof": framed.proof(
                    of=Role.MEMBER,
                    secret=self._secret,
                    nonce=str(hello.get("nonce")),
                    member=self._member,
                ),
                "nonce": nonce,
                "received": after,
                "next": _numbered(*outbox.next_number(self.venue, now=timezone.now())),
            }
        )
        welcome = _next_frame(wire, "logged_on")
        if not framed.is_proof(
            welcome.get("proof"),
            of=Role.VENUE,
            secret=self._secret,
            nonce=nonce,
            member=self._member,
        ):
            raise LineBroken("the venue does not know our secret: it is somebody else")


class _Call:
    """One connection, from logon to its end, with a thread that listens."""

    def __init__(self, wire: FramedSocket, after: int, on_news: Callable[[], None]) -> None:
        self._wire = wire
        self._on_news = on_news
        self._lock = threading.Lock()
        self._reports: deque[ExecutionReport] = deque()
        self._confirmed = after
        self._answers: dict[int, Future[Frame]] = {}
        self._numbers = count(1)
        self._broken: str | None = None
        threading.Thread(target=self._listen, name="venue-line", daemon=True).start()

    def end(self) -> None:
        self._break("the line was closed")
        self._wire.close()

    def ask(self, question: Frame) -> Frame:
        """Ask, and return the answer. Raises VenueUnavailable."""
        number, answer = next(self._numbers), Future[Frame]()
        with self._lock:
            if self._broken is not None:
                raise VenueUnavailable(self._broken)
            self._answers[number] = answer
        try:
            self._wire.send({**question, "id": number})
            return answer.result(ANSWER_SECONDS_MAX)
        except LineBroken as error:
            raise VenueUnavailable(str(error)) from error
        except TimeoutError:
            raise VenueUnavailable("the venue did not answer in time") from None
        finally:
            with self._lock:
                self._answers.pop(number, None)

    def reports(self, after: int, limit: int) -> list[ExecutionReport]:
        """Return what has come after that sequence; ask for it again when something is missing.

        What is asked for has been stored, so the venue is told that it may send as much more.
        """
        with self._lock:
            while self._reports and self._reports[0].sequence <= after:
                self._reports.popleft()
            found = list(islice(self._reports, limit))
            is_broken_off = bool(found) and found[0].sequence != after + 1
            if is_broken_off:
                self._reports.clear()
            if not found and self._broken is not None:
                raise VenueUnavailable(self._broken)
        try:
            if is_broken_off:
                self._wire.send({"type": "resend", "after": after})
            elif after > self._confirmed:
                self._wire.send({"type": "received", "sequence": after})
                self._confirmed = after
        except LineBroken as error:
            raise VenueUnavailable(str(error)) from error
        return found

    def _listen(self) -> None:
        try:
            while self._broken is None:
                for frame in self._wire.receive(RECEIVE_SECONDS):
                    self._hear(frame)
        except LineBroken as error:
            self._break(str(error))
        finally:
            self._wire.release()

    def _hear(self, frame: Frame) -> None:
        if frame["type"] == "reports":
            self._take(_reports(frame))
            return
        if frame["type"] == "refused":
            raise LineBroken(f"the venue refuses: {frame.get('text')}")
        with self._lock:
            answer = self._answers.pop(frame.get("id", 0), None)
        if answer is None:
            raise LineBroken(f"the venue says {frame['type']!r} to nothing that we asked")
        answer.set_result(frame)

    def _take(self, reports: Sequence[ExecutionReport]) -> None:
        with self._lock:
            if len(self._reports) + len(reports) > 2 * framed.REPORTS_UNDER_WAY_MAX:
                raise LineBroken("the venue sends more reports than we confirmed")
            self._reports.extend(reports)
        self._on_news()

    def _break(self, reason: str) -> None:
        """Let nobody wait any longer."""
        with self._lock:
            self._broken = self._broken or reason
            waiting, self._answers = list(self._answers.values()), {}
        for answer in waiting:
            answer.set_result({"type": "unavailable", "text": reason})
        self._on_news()


def _next_frame(wire: FramedSocket, wanted: str) -> Frame:
    """Return the next frame, which must be of that type. Raises LineBroken."""
    deadline = time.monotonic() + LOGON_SECONDS_MAX
    while (left := deadline - time.monotonic()) > 0:
        for frame in wire.receive(left):
            if frame["type"] != wanted:
                raise LineBroken(f"the venue says {frame['type']}: {frame.get('text', '')}")
            return frame
    raise LineBroken(f"the venue said no {wanted} in time")


def _request(outgoing: Outgoing) -> Frame:
    kind, content = plain.request_to_plain(outgoing.request)
    return {
        **_numbered(outgoing.session_date, outgoing.number),
        "is_repeat": outgoing.is_repeat,
        "kind": kind,
        "content": content,
    }


def _numbered(session_date: date, number: int) -> Frame:
    return {"session_date": session_date.isoformat(), "number": number}


def _reports(frame: Frame) -> list[ExecutionReport]:
    """Return the reports of a frame. Raises LineBroken."""
    try:
        return [plain.report_from_plain(content) for content in frame["reports"]]
    except (KeyError, TypeError, plain.UnreadableMessage) as error:
        raise LineBroken(f"the venue's reports cannot be read: {error}") from error
