"""What we write to people: kept with what it tells of, sent afterwards, given up in the end."""

from __future__ import annotations

import socketserver
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts.letters import sending, writing
from accounts.models import Letter
from tests import people

pytestmark = pytest.mark.usefixtures("db")
SMTP = "django.core.mail.backends.smtp.EmailBackend"
NOW = timezone.now()


def written(user, link="https://h/1", **options):
    return writing.write(user, "verify_email", now=NOW, link=link, **options)


def sent() -> list[tuple[list[str], str]]:
    return [(each.to, each.subject) for each in mail.outbox]


def test_a_letter_is_sent_once_and_comes_from_us():
    user = people.person()
    letter = written(user, "https://h/42")
    assert "https://h/42" not in letter.sealed_text
    assert sending.send_due(now=NOW) == 1
    assert sending.send_due(now=NOW) == 0
    assert sent() == [([user.email], "Confirm your e-mail address")]
    assert "\nhttps://h/42\n" in mail.outbox[0].body
    assert mail.outbox[0].from_email == "Openfloor <letters@localhost>"
    letter.refresh_from_db()
    assert (letter.sent_at, letter.attempts) == (NOW, 1)


def test_a_letter_goes_with_what_it_tells_of_or_not_at_all():
    user = people.person()
    with transaction.atomic():
        written(user)
        transaction.set_rollback(True)
    assert sending.send_due(now=NOW) == 0
    assert sent() == []


def test_a_letter_can_go_to_the_former_address():
    written(people.person(), to="old@example.com")
    sending.send_due(now=NOW)
    assert sent() == [(["old@example.com"], "Confirm your e-mail address")]


@pytest.mark.parametrize("is_demo", [True, False])
def test_the_text_is_gone_once_it_was_sent_but_in_a_demonstration(settings, is_demo):
    user = people.person()
    letter = written(user)
    settings.DEMO = is_demo
    sending.send_due(now=NOW)
    letter.refresh_from_db()
    assert bool(letter.sealed_text) is is_demo
    assert ("https://h/1" in writing.read(letter)) is is_demo


def test_a_post_that_is_away_is_tried_again_later_and_later(settings):
    user = people.person()
    letter, other = written(user), written(user, "https://h/2")
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    now = NOW
    for attempts, seconds in ((1, 10), (2, 20), (3, 40)):
        sending.send_due(now=now)
        letter.refresh_from_db()
        assert (letter.attempts, letter.sent_at) == (attempts, None)
        assert letter.next_at == now + timedelta(seconds=seconds)
        assert "refused" in letter.failure
        other.next_at = now + timedelta(days=1)
        other.save()
        assert sending.send_due(now=letter.next_at - timedelta(seconds=1)) == 0
        now = letter.next_at
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sending.send_due(now=now)
    assert sent() == [([user.email], "Confirm your e-mail address")]


def test_when_the_post_is_away_the_rest_waits_untried(settings):
    user = people.person()
    first, second = written(user), written(user, "https://h/2")
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    sending.send_due(now=NOW)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.attempts, second.attempts) == (1, 0)


def test_a_letter_of_no_use_any_more_is_given_up_and_forgotten():
    letter = written(people.person(), lasts=timedelta(minutes=5))
    sending.send_due(now=NOW + timedelta(minutes=5))
    letter.refresh_from_db()
    assert sent() == []
    assert letter.given_up_at == NOW + timedelta(minutes=5)
    assert letter.sealed_text == ""


def test_a_letter_under_a_lost_secret_does_not_stand_in_the_way(settings):
    user = people.person()
    lost = written(user)
    settings.SECRET_KEY = "another"
    written(user, "https://h/2")
    sending.send_due(now=NOW)
    lost.refresh_from_db()
    assert lost.given_up_at == NOW
    assert len(sent()) == 1


class _Post(socketserver.StreamRequestHandler):
    """A post office that knows nobody called `nobody`, and keeps whom it took letters for."""

    taken: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 post\r\n")
        in_text = False
        for line in self.rfile:
            if in_text:
                in_text = line != b".\r\n"
                self.wfile.write(b"" if in_text else b"250 ok\r\n")
            elif line.upper().startswith(b"RCPT"):
                is_known = b"nobody" not in line
                if is_known:
                    self.taken.append(line.decode().partition("<")[2].partition(">")[0])
                self.wfile.write(b"250 ok\r\n" if is_known else b"550 unknown\r\n")
            elif line.upper().startswith(b"DATA"):
                in_text = True
                self.wfile.write(b"354 go on\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")


def test_an_address_that_is_refused_holds_up_nobody_else(settings):
    user = people.person()
    refused = written(user, to="nobody@example.com")
    written(user, to="ann@example.com")
    handler = type("Handler", (_Post,), {"taken": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND, settings.EMAIL_USE_TLS = SMTP, False
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        sending.send_due(now=NOW)
        server.shutdown()
    refused.refresh_from_db()
    assert (refused.attempts, refused.sent_at) == (1, None)
    assert handler.taken == ["ann@example.com"]
    assert Letter.objects.get(to="ann@example.com").sent_at == NOW
