"""A venue that says whatever a test tells it: the other end of docs/venue-line.md.

It takes every request down, acknowledges it and does nothing of itself. What it is told to say
it numbers and keeps, so that a member which comes back hears what it missed.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Final

from django.utils import timezone

from tests.patience import DEADLINE_SECONDS
from venues import framed, plain
from venues.framed import Frame, FramedSocket, LineBroken, Role
from venues.messages import ExecutionReport, NewOrder, ReplaceOrder, ReportKind, Request

MEMBER: Final = "US"
SECRET: Final = "secret"
POLL_SECONDS: Final = 0.2


class RogueVenue:
    """Serves one member at `port`; `requests` is all that it was asked, in the order of asking."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._journal: list[ExecutionReport] = []
        self._says_again = 0
        self._member: FramedSocket | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(POLL_SECONDS)
        self.port: int = self._listening.getsockname()[1]

    def has(self, order: str) -> bool:
        """Tell whether it was asked for the order, as a new one or in place of another."""
        return order in {_named_by(request) for request in list(self.requests)}

    def says(
        self,
        kind: ReportKind,
        order: str,
        *,
        cumulative: int = 0,
        leaves: int = 0,
        quantity: int | None = None,
        price: Decimal | None = None,
        execution_id: str | None = None,
        reference: str = "",
    ) -> ExecutionReport:
        """Report this about the order, with the next sequence, now or when the member is back."""
        with self._lock:
            sequence = len(self._journal) + 1
            report = ExecutionReport(
                sequence=sequence,
                execution_id=execution_id or f"ROGUE-{sequence}",
                kind=kind,
                client_order_id=order,
                venue_order_id=f"R-{order[:8]}",
                at=timezone.now(),
                quantity=None if quantity is None else Decimal(quantity),
                price=price,
                cumulative_quantity=Decimal(cumulative),
                leaves_quantity=Decimal(leaves),
                reference=reference,
            )
            self._journal.append(report)
            if self._member is not None:
                _report(self._member, [report])
        return report

    def fills(
        self,
        order: str,
        quantity: int,
        price: Decimal,
        *,
        cumulative: int,
        leaves: int = 0,
        execution_id: str | None = None,
    ) -> ExecutionReport:
        """Report an execution, after which so much of the order is executed and left in all."""
        return self.says(
            ReportKind.FILL,
            order,
            cumulative=cumulative,
            leaves=leaves,
            quantity=quantity,
            price=price,
            execution_id=execution_id,
        )

    def busts(self, fill: ExecutionReport) -> ExecutionReport:
        """Take back the only execution of an order that has ended."""
        return self.says(
            ReportKind.BUSTED,
            fill.client_order_id,
            quantity=int(fill.quantity or 0),
            price=fill.price,
            reference=fill.execution_id,
        )

    def hang_up(self, *, and_says_again: int) -> None:
        """End the connection; on the next, repeat so many reports that the member has confirmed."""
        with self._lock:
            self._says_again = and_says_again
            if self._member is not None:
                self._member.close()
                self._member = None

    def has_said_again(self) -> bool:
        return self._says_again == 0

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                connected, _ = self._listening.accept()
            except TimeoutError:
                continue
            wire = FramedSocket(connected)
            try:
                self._serve(wire)
            except LineBroken:
                pass
            finally:
                with self._lock:
                    self._member = None
                wire.release()
        self._listening.close()

    def stop(self) -> None:
        self._stop.set()

    def _serve(self, wire: FramedSocket) -> None:
        nonce = secrets.token_hex(32)
        wire.send({"type": "hello", "version": framed.VERSION, "nonce": nonce})
        is_logged_on = False
        while not self._stop.is_set():
            for frame in wire.receive(POLL_SECONDS):
                if is_logged_on:
                    self._answer(wire, frame)
                else:
                    self._let_in(wire, frame, nonce)
                    is_logged_on = True

    def _let_in(self, wire: FramedSocket, frame: Frame, nonce: str) -> None:
        assert frame["type"] == "logon"
        shared = {"secret": SECRET, "member": MEMBER}
        assert framed.is_proof(frame["proof"], of=Role.MEMBER, nonce=nonce, **shared)
        proof = framed.proof(of=Role.VENUE, nonce=frame["nonce"], **shared)
        last = len(self._journal)
        wire.send({"type": "logged_on", "proof": proof, "last_sequence": last})

    def _answer(self, wire: FramedSocket, frame: Frame) -> None:
        match frame["type"]:
            case "requests":
                asked = [
                    plain.request_from_plain(each["kind"], each["content"])
                    for each in frame["requests"]
                ]
                wire.send({"type": "acknowledged", "id": frame["id"]})
                self.requests += asked
            case "status":
                known = [r for order in frame["orders"] for r in self._last_said(order)]
                reports = [plain.report_to_plain(report) for report in known]
                wire.send({"type": "statuses", "id": frame["id"], "reports": reports})
            case "resend":
                self._resend(wire, frame["after"])

    def _resend(self, wire: FramedSocket, after: int) -> None:
        with self._lock:
            begin = max(0, after - self._says_again)
            self._says_again = 0
            _report(wire, self._journal[begin:])
            self._member = wire

    def _last_said(self, order: str) -> list[ExecutionReport]:
        said = [report for report in self._journal if report.client_order_id == order]
        return [replace(report, sequence=0, kind=ReportKind.STATUS) for report in said[-1:]]


def _named_by(request: Request) -> str | None:
    if isinstance(request, ReplaceOrder):
        return request.new_client_order_id
    return request.client_order_id if isinstance(request, NewOrder) else None


def _report(wire: FramedSocket, reports: Sequence[ExecutionReport]) -> None:
    wire.send({"type": "reports", "reports": [plain.report_to_plain(r) for r in reports]})


@contextmanager
def rogue_venue() -> Iterator[RogueVenue]:
    """Give a venue at work on a thread of its own."""
    rogue = RogueVenue()
    thread = threading.Thread(target=rogue.run, name="rogue-venue", daemon=True)
    thread.start()
    try:
        yield rogue
    finally:
        rogue.stop()
        thread.join(DEADLINE_SECONDS)
