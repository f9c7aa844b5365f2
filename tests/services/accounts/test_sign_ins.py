"""Sign-ins: how many stand, who ends them, what is unusual about one, and what is written down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import activity
from accounts.factors import proving
from accounts.models import Activity, KnownDevice, Letter, MessageFactor, SecurityEvent, SignIn
from accounts.sessions import authentication, sign_ins
from accounts.sessions.store import SessionStore
from tests import people
from tests.people import PASSWORD
from trading.proxies import Behind

pytestmark = pytest.mark.usefixtures("db")
VIENNA, TOKYO, NEW_YORK = "131.130.1.78", "133.11.0.1", "128.122.1.1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    authentication.forget()


def signed_in(user, *, address="127.0.0.1", browser=None):
    """Sign `user` in with password and code; return the browser."""
    browser = browser or Client(raise_request_exception=False)
    where = {"REMOTE_ADDR": address, "HTTP_USER_AGENT": FIREFOX}
    browser.post("/sign-in", {"email": user.email, "password": PASSWORD}, **where)
    code = proving.current_code(user, now=timezone.now())
    browser.answer = browser.post("/sign-in/code", {"code": code}, **where)
    return browser


def is_in(browser) -> bool:
    authentication.forget()
    key = browser.cookies["session"].value
    return authentication.browser(key, now=timezone.now(), is_activity=False) is not None


def logged(user, *kinds):
    found = SecurityEvent.objects.filter(user=user, kind__in=kinds).order_by("pk")
    return list(found.values_list("kind", "about"))


# --- How many, and who ends them ------------------------------------------------------------------


@pytest.mark.parametrize(("is_staff", "most"), [(False, 3), (True, 1)])
def test_the_oldest_sign_in_beyond_the_limit_ends_and_is_told_why(is_staff, most):
    user = people.person(is_staff=is_staff)
    start = timezone.now()
    browsers = []
    for number in range(most + 1):
        with time_machine.travel(start + timedelta(seconds=number), tick=False):
            browsers.append(people.browser_by_link(user))
    with time_machine.travel(start + timedelta(seconds=most), tick=False):
        assert [is_in(each) for each in browsers] == [False] + [True] * most
        away = browsers[0].get("/account/security").headers["Location"]
        assert "ended=too_many" in away
        assert "you signed in at a newer browser" in browsers[0].get(away).content.decode()
    assert SignIn.objects.order_by("started_at").first().ending == "too_many"
    assert logged(user, "sign_in_ended") == [("sign_in_ended", "signed in at a newer browser")]


def test_one_or_all_other_sign_ins_are_ended_from_the_page():
    user, _ = people.customer()
    mine, second, third = (people.browser_by_link(user) for _ in range(3))
    page = mine.get("/account/security").content.decode()
    ends = re.findall(r'action="(/account/security/end/[^"]+)"', page)
    assert len(ends) == 2
    theirs = SignIn.objects.get(session_digest=sign_ins.digest_of(second.cookies["session"].value))
    assert mine.post(f"/account/security/end/{theirs.pk}").status_code == 302
    assert [is_in(each) for each in (mine, second, third)] == [True, False, True]
    assert mine.post(f"/account/security/end/{theirs.pk}").status_code == 404
    assert mine.post("/account/security/end-others").status_code == 302
    assert [is_in(each) for each in (mine, second, third)] == [True, False, False]
    assert sorted(SignIn.objects.values_list("ending", flat=True)) == ["", "elsewhere", "elsewhere"]


def test_nobody_ends_the_sign_ins_of_somebody_else():
    mine = people.browser_by_link(people.customer()[0])
    other = people.browser_by_link(people.customer()[0])
    theirs = SignIn.objects.get(session_digest=sign_ins.digest_of(other.cookies["session"].value))
    assert mine.post(f"/account/security/end/{theirs.pk}").status_code == 404
    mine.post("/account/security/end-others")
    assert is_in(other)


def test_ending_sign_ins_asks_for_a_proof_of_now():
    user, _ = people.customer()
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        mine, other = people.browser_by_link(user), people.browser_by_link(user)
    with time_machine.travel(start + timedelta(minutes=5), tick=False):
        authentication.forget()
        asked = mine.post("/account/security/end-others")
        assert asked.headers["Location"].startswith("/prove")
        assert is_in(other)


def test_the_newest_sign_in_is_told_to_the_others_by_the_activities():
    user, account = people.customer()
    people.browser_by_link(user)
    assert not Activity.objects.filter(account=account).exists()
    people.browser_by_link(user)
    [told] = activity.since(account.pk, 0)
    assert told.kind == "security.signed_in"
    assert told.payload == {
        "place": "unknown place", "browser": "An unknown browser", "with": "sign-in link",
    }  # fmt: skip


def test_no_session_key_lies_in_the_database():
    user, _ = people.customer()
    browser = people.browser_by_link(user)
    key = browser.cookies["session"].value
    assert not Session.objects.filter(session_key=key).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, ' ') FROM django_session s")
        assert key not in cursor.fetchone()[0]
    for row in Session.objects.all():  # what is read there opens nothing
        assert authentication.browser(row.session_key, now=timezone.now()) is None
        assert SessionStore(row.session_key).load() == {}
    assert SessionStore(key).load()["_auth_user_id"] == str(user.pk)


# --- What is unusual ------------------------------------------------------------------------------


def test_a_known_browser_at_a_known_place_is_let_in_without_a_word():
    user, _ = people.customer(password=PASSWORD)
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        browser = signed_in(user, address=VIENNA)
    with time_machine.travel(start + timedelta(minutes=2), tick=False):
        signed_in(user, address=VIENNA, browser=browser)
    assert SignIn.objects.count() == 2
    assert not Letter.objects.exists()
    assert KnownDevice.objects.get().browser == "Firefox 128 on Linux"
    assert browser.cookies["device"]["httponly"]
    assert [about for _, about in logged(user, "signed_in")] == ["authenticator app"] * 2


def test_a_new_browser_in_a_new_country_too_soon_is_written_about():
    user, _ = people.customer(password=PASSWORD)
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        signed_in(user, address=VIENNA)
    with time_machine.travel(start + timedelta(hours=2), tick=False):
        signed_in(user, address=TOKYO)  # an authenticator is strong enough
    letter = Letter.objects.get()
    assert (letter.kind, letter.to) == ("new_sign_in", user.email)
    [_, (_, about)] = logged(user, "signed_in")
    assert about == (
        "authenticator app; a place too far from the last one; a country where you have not "
        "signed in before; a device that you have not used here before"
    )
    newest = SecurityEvent.objects.filter(kind="signed_in").latest("pk")
    assert (newest.country, newest.place, newest.address) == ("JP", "Japan", TOKYO)
    assert newest.browser == "Firefox 128 on Linux"


def test_an_unusual_sign_in_by_a_code_that_was_sent_wants_a_stronger_factor():
    user, _ = people.customer(password=PASSWORD)
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        signed_in(user, address=VIENNA)
    weak = MessageFactor(user=user, name="my mail", confirmed=True)
    request = people_request(user, address=TOKYO)
    now = start + timedelta(days=1)
    with pytest.raises(sign_ins.judging.StrongerFactorNeeded, match="a country where you"):
        sign_ins.start(request, user=user, device=weak, now=now)
    assert SignIn.objects.count() == 1  # nobody came in
    with pytest.raises(sign_ins.judging.StrongerFactorNeeded):
        sign_ins.start(request, user=user, device=weak, now=now)  # they have an authenticator
    user.totpdevice_set.all().delete()
    sign_ins.start(request, user=user, device=weak, now=now)  # nothing stronger: one more code
    assert SignIn.objects.count() == 2
    kinds = [kind for kind, _ in logged(user, "stronger_asked", "signed_in")]
    assert kinds == ["signed_in", "stronger_asked", "stronger_asked", "signed_in"]


def people_request(user, *, address):
    """Return a request of a browser that nobody has seen, on the way in."""
    from django.test import RequestFactory

    request = RequestFactory().post("/sign-in/code", REMOTE_ADDR=address)
    request.session = SessionStore()
    request.session.create()
    return request


def test_nobody_signs_in_from_an_address_on_the_list(settings, tmp_path):
    user, _ = people.customer(password=PASSWORD)
    bad = tmp_path / "bad"
    bad.write_text("# hosts of attackers\n133.11.0.0/16\n")
    settings.BAD_ADDRESSES = str(bad)
    stopped = signed_in(user, address=TOKYO).answer
    assert stopped.status_code == 403
    assert "We did not let you in from here" in stopped.content.decode()
    assert not SignIn.objects.exists()
    assert Letter.objects.get().kind == "sign_in_stopped"
    assert logged(user, "sign_in_stopped") == [("sign_in_stopped", "an address known for attacks")]
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        assert signed_in(user, address=VIENNA).answer.status_code == 302


def test_wrong_passwords_are_logged_for_the_person_alone():
    user, other = people.person(password=PASSWORD), people.person(password=PASSWORD)
    Client().post("/sign-in", {"email": user.email, "password": "wrong"}, REMOTE_ADDR=VIENNA)
    Client().post("/sign-in", {"email": "nobody@example.com", "password": "wrong"})
    event = SecurityEvent.objects.get()
    assert (event.user, event.kind, event.place) == (user, "wrong_password", "Austria")
    assert not SecurityEvent.objects.filter(user=other).exists()


def test_the_person_reads_the_log_and_nobody_elses():
    user, _ = people.customer()
    people.browser_by_link(people.customer()[0])
    browser = people.browser_by_link(user)
    page = browser.get("/account/security").content.decode()
    assert "Security log" in page
    assert page.count("Signed in") == 1


def test_an_operator_reads_the_log_and_changes_nothing():
    user, _ = people.customer()
    people.browser_by_link(user)
    operator = people.browser_by_link(people.person(is_staff=True))
    event = SecurityEvent.objects.filter(user=user).latest("pk")
    for path in ("", f"{event.pk}/change/"):
        assert operator.get(f"/admin/accounts/securityevent/{path}").status_code == 200
    assert operator.get("/admin/accounts/securityevent/add/").status_code == 403


# --- Whose address it is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "client", "scheme"),
    [("10.0.0.1", "131.130.1.78", "https"), ("192.0.2.66", "192.0.2.66", "http")],
)
async def test_forwarded_for_is_believed_from_the_proxy_alone(peer, client, scheme):
    seen = []

    async def application(scope, receive, send):
        seen.append(scope)

    behind = Behind(application, proxies=["10.0.0.0/8"])
    headers = [(b"x-forwarded-for", b"203.0.113.9, 131.130.1.78"), (b"x-forwarded-proto", b"https")]
    for kind in ("http", "websocket"):
        scope = {"type": kind, "client": [peer, 4711], "scheme": "http", "headers": headers}
        await behind(scope, None, None)
    assert [each["client"][0] for each in seen] == [client] * 2
    assert {each["scheme"] for each in seen} == {scheme}
