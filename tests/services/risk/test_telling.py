"""Alerts reach people: once, by every channel of their path, until somebody has them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail, signing

from risk.findings import Severity
from risk.models import Alert, AlertStep, Telling
from risk.surveillance import acknowledging, alerts, channels, escalating, paths, telling, work
from risk.surveillance.channels import UnusableChannel

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NAMES = ("mail", "desk", "chief")
PATHS = paths.read({"severe": "0:mail+desk|15:mail|45:chief", "warning": "0:desk"}, channels=NAMES)


def after(minutes):
    return NOW + timedelta(minutes=minutes)


class Desk:
    """A channel that keeps what it is told, or does not take it."""

    def __init__(self, error=None):
        self.error = error
        self.told = []

    def send(self, told):
        if self.error is not None:
            raise self.error
        self.told.append([each.summary for each in told])


def raised(kind="feed_lost", severity=Severity.SEVERE, *, now=NOW, summary="It is lost"):
    alerts.raise_alert(
        kind=kind, severity=severity, account_id=None, evidence={}, summary=summary, now=now
    )
    return Alert.objects.get(kind=kind)


def rows():
    found = Telling.objects.order_by("pk").values_list("channel", "step", "written_at")
    return [(channel, step, (at - NOW) // timedelta(minutes=1)) for channel, step, at in found]


def handed(now):
    return escalating.hand_out(PATHS, now=now), escalating.escalate(PATHS, now=now)


# --- The path ------------------------------------------------------------------------------------


def test_it_takes_its_path_step_by_step_while_nobody_has_it():
    raised()
    assert [handed(after(minute)) for minute in (0, 14, 15, 44, 45, 90)] == [
        (1, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0),
    ]  # fmt: skip
    assert rows() == [("mail", 0, 0), ("desk", 0, 0), ("mail", 1, 15), ("chief", 2, 45)]


def test_a_severity_without_a_path_is_told_nobody():
    raised(severity=Severity.NOTICE)
    assert handed(NOW) == (0, 0)
    assert rows() == []


@pytest.mark.parametrize("end", ["acknowledged", "closed"])
def test_who_acknowledges_or_closes_it_ends_the_path(end, django_user_model):
    alert = raised()
    handed(NOW)
    if end == "acknowledged":
        assert work.acknowledge(alert.pk, through="mail", now=after(1))
        assert not work.acknowledge(alert.pk, through="mail", now=after(2))
    else:
        ann = django_user_model.objects.create(email="ann@example.com", is_staff=True)
        work.take_step(
            alert.pk, kind=AlertStep.Kind.CLOSED, by=ann, now=after(1), note="Found it",
            outcome=Alert.Outcome.RESOLVED,
        )  # fmt: skip
    assert handed(after(60)) == (0, 0)
    assert rows() == [("mail", 0, 0), ("desk", 0, 0)]
    assert alert.steps.count() == 1


def test_news_of_one_that_was_just_told_waits_longer_each_time():
    raised(summary="One")
    handed(NOW)
    raised(summary="Two", now=after(0.5))
    assert handed(after(0.9)) == (0, 0)
    assert handed(after(1)) == (1, 0)
    raised(summary="Three", now=after(1.5))
    assert handed(after(2.9)) == (0, 0)
    assert handed(after(3)) == (1, 0)


def test_what_has_become_graver_is_told_at_once_whoever_had_it():
    alert = raised(severity=Severity.WARNING)
    handed(NOW)
    work.acknowledge(alert.pk, through="desk", now=NOW)
    raised(now=after(0.1))
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.steps_told) == (None, 0)
    assert handed(after(0.2)) == (1, 0)
    assert rows() == [("desk", 0, 0), ("mail", 0, 0), ("desk", 0, 0)]


def test_news_is_told_and_wakes_nobody_else_while_somebody_has_it():
    alert = raised()
    handed(NOW)
    work.acknowledge(alert.pk, through="mail", now=after(5))
    raised(now=after(20))
    assert [handed(after(minute)) for minute in (20, 60)] == [(1, 0), (0, 0)]
    raised(now=after(70))  # an hour later nobody may be at it any more
    assert [handed(after(minute)) for minute in (70, 85)] == [(1, 0), (0, 1)]
    assert [each for each in rows() if each[1] == 1] == [("mail", 1, 85)]


# --- The channels --------------------------------------------------------------------------------


def test_severe_alerts_are_told_once_in_one_mail():
    first = raised("wash_trade", summary="Sold to himself")
    second = raised("feed_lost")
    handed(NOW)
    by_mail = channels.configured()["mail"]
    assert telling.send_due("mail", by_mail, now=NOW) == 2
    assert telling.send_due("mail", by_mail, now=NOW) == 0
    [letter] = mail.outbox
    assert letter.subject == "Severe alert: wash trade and 1 more"
    assert "Sold to himself" in letter.body
    assert "/admin/runbooks/alerts/#severe-ones" in letter.body
    assert "/admin/runbooks/feed-stale/#do" in letter.body
    for alert in (first, second):
        assert f"/admin/risk/alert/{alert.pk}/change/" in letter.body
        alert.refresh_from_db()
        assert alert.told_at == NOW


def test_what_was_not_taken_is_tried_again_with_growing_pauses_and_loses_nothing():
    raised()
    handed(NOW)
    down, up = Desk(ConnectionRefusedError("refused")), Desk()
    tried = [
        telling.send_due("desk", down, now=NOW + timedelta(seconds=seconds))
        for seconds in (0, 9, 10, 29, 30)
    ]
    assert tried == [1, 0, 1, 0, 1]
    waiting = Telling.objects.get(channel="desk")
    assert (waiting.attempts, waiting.failure, waiting.sent_at) == (3, "refused", None)
    assert telling.send_due("desk", up, now=after(2)) == 1
    assert up.told == [["It is lost"]]
    waiting.refresh_from_db()
    assert (waiting.attempts, waiting.failure, waiting.sent_at) == (4, "", after(2))


def test_what_is_of_no_use_any_more_is_given_up_and_says_why():
    closed = raised("wash_trade")
    raised("feed_lost")
    raised("clock_drift", Severity.WARNING)
    handed(NOW)
    Alert.objects.filter(pk=closed.pk).update(state="closed", closed_at=NOW, outcome="explained")
    telling.give_up_useless({"mail"}, now=after(1))
    telling.give_up_useless({"mail"}, now=after(24 * 60))
    found = Telling.objects.order_by("pk").values_list("channel", "alert__kind", "failure")
    assert list(found) == [
        ("mail", "wash_trade", "its alert was closed"),
        ("desk", "wash_trade", "its alert was closed"),
        ("mail", "feed_lost", "it could not be told for a day"),
        ("desk", "feed_lost", "there is no such channel any more"),
        ("desk", "clock_drift", "there is no such channel any more"),
    ]
    assert telling.send_due("mail", Desk(), now=after(24 * 60)) == 0


class _Listening(HTTPServer):
    """A webhook's other side: answers with `status`, keeps what came."""

    def __init__(self, status):
        self.status = status
        self.came = []
        super().__init__(("127.0.0.1", 0), _Answering)


class _Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append((self.path, self.headers["x-openfloor-signature"], body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def listening(request):
    with _Listening(getattr(request, "param", 204)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def webhook(settings, server):
    settings.ALERT_CHANNELS = {"desk": f"http://127.0.0.1:{server.server_port}/hook?team=1"}
    settings.ALERT_CHANNEL_SECRETS = {"desk": "a secret"}
    return channels.configured()["desk"]


def test_a_webhook_is_signed_over_what_it_carries(settings, listening):
    alert = raised()
    handed(NOW)
    assert telling.send_due("desk", webhook(settings, listening), now=NOW) == 1
    [(path, signed, body)] = listening.came
    assert path == "/hook?team=1"
    at, proof = (part.partition("=")[2] for part in signed.split(","))
    expected = hmac.new(b"a secret", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert proof == expected
    [told] = json.loads(body)["alerts"]
    assert (told["alert"], told["kind"], told["severity"], told["step"]) == (
        alert.pk, "feed_lost", "severe", 0,
    )  # fmt: skip
    assert Telling.objects.get(channel="desk").sent_at == NOW


@pytest.mark.parametrize("listening", [302, 500], indirect=True)
def test_a_webhook_that_points_elsewhere_or_fails_has_not_taken_it(settings, listening):
    raised()
    handed(NOW)
    assert telling.send_due("desk", webhook(settings, listening), now=NOW) == 1
    assert len(listening.came) == 1
    waiting = Telling.objects.get(channel="desk")
    assert (waiting.sent_at, waiting.failure) == (None, f"it answered {listening.status}")


@pytest.mark.parametrize(
    ("address", "secret", "says"),
    [
        ("ftp://example.com", "s", "neither mailto: nor https://"),
        ("http://example.com/hook", "s", "must be https://"),
        ("https://example.com/hook", "", "needs one to be signed with"),
        ("https://me@example.com/hook", "s", "neither"),
        ("mailto:nobody", "", "not like mailto:"),
    ],
)
def test_a_channel_that_cannot_be_used_is_refused_in_words(settings, address, secret, says):
    settings.ALERT_CHANNELS = {"desk": address}
    settings.ALERT_CHANNEL_SECRETS = {"desk": secret} if secret else {}
    with pytest.raises(UnusableChannel, match=says):
        channels.configured()


# --- The link ------------------------------------------------------------------------------------


def link_of(alert):
    return f"/alerts/{acknowledging.token(alert.tellings.order_by('pk').first())}"


def test_the_link_of_a_message_acknowledges_only_when_its_reader_says_so(client):
    alert = raised()
    handed(NOW)
    page = client.get(link_of(alert))
    assert (page.status_code, b"I have it" in page.content) == (200, True)
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
    done = client.post(link_of(alert))
    assert b"by a link sent to mail" in done.content
    alert.refresh_from_db()
    assert (alert.acknowledged_at is not None, alert.next_step_at) == (True, None)
    [step] = alert.steps.all()
    assert (step.kind, step.by, step.through) == ("acknowledged", None, "mail")
    client.post(link_of(alert))
    assert alert.steps.count() == 1


def test_a_link_that_nobody_was_sent_shows_and_does_nothing(client):
    alert = raised()
    handed(NOW)
    forged = f"/alerts/{signing.dumps([alert.pk, 'mail'], salt='another')}"
    for answer in (client.get(forged), client.post(forged)):
        assert (answer.status_code, b"It is lost" in answer.content) == (410, False)
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.steps.count()) == (None, 0)
