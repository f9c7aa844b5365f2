"""Whether a password was stolen elsewhere, asked of a service that answers by ranges."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from accounts.factors import breaches
from tests import people
from tests.people import PASSWORD

STOLEN = "four rivers run uphill"
DIGEST = hashlib.sha1(STOLEN.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass
class Service:
    answer: str = f"{'0' * 35}:3\r\n{DIGEST[5:]}:2\r\n"
    status: int = 200
    asked: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    found = Service()

    class Ranges(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, bytes(self.headers)))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(found.answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.BREACHES_URL = f"http://127.0.0.1:{server.server_address[1]}/range/"
        yield found
        server.shutdown()


def test_five_digits_leave_and_what_was_stolen_is_known(service: Service) -> None:
    assert breaches.is_known(STOLEN)
    assert not breaches.is_known("five rivers run uphill")
    ((path, headers), (other, _)) = service.asked
    assert path == f"/range/{DIGEST[:5]}"
    assert len(other) == len(path)
    assert DIGEST[5:].encode() not in headers


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (f"{DIGEST[5:]}:0\r\n", 200),  # padding
        (f"{DIGEST[5:]}:2\r\n", 503),
        (f"{DIGEST[5:]}:2\r\n", 302),
        ("", 200),
        ("<html>\u00e9", 200),
        (f"{DIGEST[5:]}", 200),
    ],
)
def test_what_is_no_word_of_a_theft_lets_the_password_pass(
    service: Service, answer: str, status: int
) -> None:
    service.answer, service.status = answer, status
    assert not breaches.is_known(STOLEN)
    assert len(service.asked) == 1


def test_a_service_that_hangs_or_is_gone_lets_the_password_pass(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaches, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.BREACHES_URL = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert not breaches.is_known(STOLEN)
    assert not breaches.is_known(STOLEN)
    settings.BREACHES_URL = "http://"
    assert not breaches.is_known(STOLEN)


def test_nobody_is_asked_unless_it_is_configured(service: Service, settings: Any) -> None:
    settings.BREACHES_URL = ""
    assert not breaches.is_known(STOLEN)
    assert service.asked == []


@pytest.mark.django_db
def test_a_stolen_password_is_not_taken(service: Service) -> None:
    user = people.person(password=PASSWORD)
    browser = people.browser_by_link(user)
    sent = {"present": PASSWORD, "password": STOLEN}
    answer = browser.post("/account/security/password", sent)
    assert answer.status_code == 422
    assert "stolen elsewhere" in answer.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    service.answer = ""
    assert browser.post("/account/security/password", sent).status_code == 302
