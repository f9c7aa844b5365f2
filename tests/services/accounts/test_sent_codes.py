"""Codes by SMS and e-mail: where they go, how long they count, how often they are sent."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail

from accounts.factors import challenges, sent_codes
from accounts.factors.senders import sending as messages
from accounts.factors.sent_codes import Way
from accounts.factors.strength import Strength
from accounts.letters import sending as letters
from accounts.models import Challenge, Letter, MessageFactor, TextMessage
from accounts.sessions import throttles
from tests import people
from tests.services.accounts.given import HERE, NOW, THERE, place

pytestmark = pytest.mark.usefixtures("db")
SECOND = timedelta(seconds=1)


def code_in_the_mail() -> str:
    letters.send_due(now=NOW)
    return re.search(r"^(\d{6})$", mail.outbox[-1].body, re.MULTILINE)[1]


@pytest.fixture
def sent_messages(monkeypatch, settings):
    """What an outside sender was handed: our own is a function that prints."""
    sent = []
    settings.SMS_SENDER = "tests.services.accounts.test_sent_codes.hand_over"
    monkeypatch.setattr("tests.services.accounts.test_sent_codes.handed_over", sent)
    return sent


handed_over: list[tuple[str, str]] = []


def hand_over(to: str, text: str) -> None:
    handed_over.append((to, text))


def test_a_telephone_is_added_with_the_code_that_was_sent_there(sent_messages):
    user = people.person()
    sent_codes.begin(user, Way.SMS, "+43 (660) 123-4567", name="phone", bound_to=HERE, now=NOW)
    assert sent_messages == []  # only the part that sends does, after the commit
    assert messages.send_due(now=NOW) == 1
    assert messages.send_due(now=NOW) == 0
    ((to, text),) = sent_messages
    assert to == "+436601234567"
    code = re.match(r"(\d{6}) is your", text)[1]
    assert sent_codes.confirm(user, "no code", bound_to=HERE, now=NOW) is None
    assert sent_codes.confirm(user, code, bound_to=THERE, now=NOW) is None
    assert not MessageFactor.objects.get().confirmed
    made = sent_codes.confirm(user, code, bound_to=HERE, now=NOW)
    assert (made.confirmed, made.strength) == (True, Strength.WEAK)
    assert TextMessage.objects.get().sealed_text == ""
    assert sent_codes.shown_address(made) == "…567"


def test_a_sent_code_counts_once_for_five_minutes_at_the_browser_that_asked():
    user = people.person()
    factor = place(user)
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    code = code_in_the_mail()
    assert mail.outbox[-1].to == ["box@example.com"]
    late = NOW + challenges.AGE_MAX
    assert sent_codes.verify(user, code, bound_to=HERE, now=late) is None
    assert sent_codes.verify(user, code, bound_to=THERE, now=NOW) is None
    assert sent_codes.verify(people.person(), code, bound_to=HERE, now=NOW) is None
    assert sent_codes.verify(user, code, bound_to=HERE, now=late - SECOND) == factor
    assert sent_codes.verify(user, code, bound_to=HERE, now=NOW) is None


def test_a_newer_code_voids_the_one_before_and_five_wrong_ones_void_it_too():
    user = people.person()
    factor = place(user)
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    first = code_in_the_mail()
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    second = code_in_the_mail()
    if first != second:  # one time in a million they are alike
        assert sent_codes.verify(user, first, bound_to=HERE, now=NOW) is None
    for _ in range(challenges.FAILURES_MAX):
        sent_codes.verify(user, "no code", bound_to=HERE, now=NOW)
    assert sent_codes.verify(user, second, bound_to=HERE, now=NOW) is None
    assert not Challenge.objects.exists()


def test_codes_are_not_sent_without_end():
    user = people.person()
    factor = place(user)
    for _ in range(6):
        sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    with pytest.raises(throttles.TooManyAttempts):
        sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    assert Letter.objects.count() == 6


@pytest.mark.parametrize(
    ("way", "address"),
    [(Way.SMS, "0660 1234567"), (Way.SMS, "+0660"), (Way.SMS, "+43x"), (Way.EMAIL, "ann@")],
)
def test_what_is_no_address_is_refused_and_nothing_sent(way, address):
    user = people.person()
    with pytest.raises(sent_codes.BadAddress):
        sent_codes.begin(user, way, address, name="x", bound_to=HERE, now=NOW)
    assert not MessageFactor.objects.exists()
    assert not Challenge.objects.exists()


def test_without_a_sender_no_sms_is_offered(settings):
    settings.SMS_SENDER = ""
    with pytest.raises(sent_codes.NotAvailable):
        sent_codes.begin(
            people.person(), Way.SMS, "+436601234567", name="x", bound_to=HERE, now=NOW
        )
    assert not sent_codes.is_offered(Way.SMS)
    assert sent_codes.is_offered(Way.EMAIL)


def test_the_gateway_is_handed_a_message_and_tried_again_until_its_code_is_stale(settings):
    asked, answers = [], [503, 202]

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SMS_SENDER = "accounts.factors.senders.gateway.send"
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_address[1]}/sms?v=1"
        settings.SMS_GATEWAY_TOKEN = "secret"
        message = messages.write("+436601234567", "hello", now=NOW, lasts=challenges.AGE_MAX)
        messages.send_due(now=NOW)
        message.refresh_from_db()
        assert (message.sent_at, message.failure) == (None, "the gateway answered 503")
        assert messages.send_due(now=NOW + 4 * SECOND) == 0
        assert messages.send_due(now=NOW + 5 * SECOND) == 1
        server.shutdown()
    message.refresh_from_db()
    assert (message.attempts, message.sent_at) == (2, NOW + 5 * SECOND)
    expected = {"from": "Openfloor", "to": "+436601234567", "text": "hello"}
    assert asked == [("/sms?v=1", "Bearer secret", expected)] * 2

    stale = messages.write("+436601234567", "late", now=NOW, lasts=challenges.AGE_MAX)
    assert messages.send_due(now=NOW + challenges.AGE_MAX) == 0
    stale.refresh_from_db()
    assert (stale.sent_at, stale.sealed_text) == (None, "")
    assert stale.given_up_at == NOW + challenges.AGE_MAX
