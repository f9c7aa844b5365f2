"""From a stranger to a customer at a screen, and out again, as a browser does it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import selectors, services
from accounts.factors import proving
from accounts.keys import issuing
from accounts.models import SignIn, User
from accounts.sessions import authentication, halfway
from tests import people
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")
PROTECTED = "/admin/"  # for staff; a customer with both factors is told that it does not exist


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    authentication.forget()


def test_a_stranger_joins_enrols_signs_out_and_signs_in_again():
    browser = Client(enforce_csrf_checks=True)

    def send(path, **fields):
        token = re.search(r'name="csrf-token" content="(\w+)"', browser.get(path).content.decode())
        return browser.post(path, {**fields, "csrfmiddlewaretoken": token[1]})

    sent = send("/register", email="Ann@example.com").content.decode()
    path = re.search(r'href="(/join/[^"]+)"', sent)[1]
    joined = send(path, name="Ann", password=PASSWORD, terms="on")
    assert joined.headers["Location"] == "/enrol"
    user = User.objects.get(email="ann@example.com")
    assert selectors.account_of(user).number.startswith("OF")
    assert browser.get(PROTECTED).headers["Location"].startswith("/sign-in")

    page = browser.get("/enrol")
    shown = html.unescape(page.content.decode())
    device = proving.begin_enrolment(user)
    secret = proving.secret_text(device)
    assert secret in re.search(r'<code[^>]*id="secret"[^>]*>([^<]+)<', shown)[1].replace(" ", "")
    assert "data:image/svg+xml" in shown

    def code(at):
        return f"{device.totp(at=at.timestamp()).token():06}"

    start = timezone.now()
    with time_machine.travel(start, tick=False):
        wrong = send("/enrol", code="000000")
        assert wrong.status_code == 422
        assert "This code is wrong or was used already" in wrong.content.decode()
    with time_machine.travel(start + timedelta(seconds=5), tick=False):
        before = browser.cookies["session"].value
        assert send("/enrol", code=code(timezone.now())).headers["Location"] == "/account/opening"
        assert browser.cookies["session"].value != before
        assert browser.get(PROTECTED).status_code == 404  # both factors, and no staff
        token = browser.cookies["csrf"].value
        out = browser.post("/sign-out", {"csrfmiddlewaretoken": token})
        assert out.headers["Location"] == "/sign-in"
        assert browser.get(PROTECTED).headers["Location"].startswith("/sign-in")

    with time_machine.travel(start + timedelta(seconds=65), tick=False):
        halfway_in = send("/sign-in?next=/orders", email="ann@example.com", password=PASSWORD)
        assert halfway_in.headers["Location"] == "/sign-in/code"
        assert browser.get(PROTECTED).headers["Location"].startswith("/sign-in")
        assert browser.get("/enrol").headers["Location"] == "/sign-in/code"
        typed = code(timezone.now())
        done = send("/sign-in/code", code=f"{typed[:3]} {typed[3:]}")
        assert done.headers["Location"] == "/orders"
        assert browser.get("/sign-in").headers["Location"] == "/"
    endings = list(SignIn.objects.order_by("started_at").values_list("ending", flat=True))
    assert endings == ["signed_out", ""]


def test_an_old_session_is_worth_nothing_after_signing_out():
    user, _ = people.customer()
    browser = people.browser_by_link(user)
    kept = browser.cookies["session"].value
    browser.post("/sign-out")
    thief = Client()
    thief.cookies["session"] = kept
    assert thief.get(PROTECTED).headers["Location"].startswith("/sign-in")
    assert authentication.browser(kept, now=timezone.now()) is None


def test_a_session_fixed_before_signing_in_is_not_the_one_after():
    user, _ = people.customer(password=PASSWORD)
    browser = people.halfway(user)
    fixed = browser.cookies["session"].value
    browser.post("/sign-in/code", {"code": proving.current_code(user, now=timezone.now())})
    assert browser.cookies["session"].value != fixed
    assert authentication.browser(fixed, now=timezone.now()) is None
    found = authentication.browser(browser.cookies["session"].value, now=timezone.now())
    assert found.user_id == user.pk


def test_known_and_unknown_people_are_answered_alike():
    user, _ = people.customer(password=PASSWORD)

    def answer(email):
        response = Client().post("/sign-in", {"email": email, "password": "wrong"})
        text = re.sub(r'(value|content)="[^"]*"', "", response.content.decode())
        return response.status_code, re.sub(r'nonce="[^"]*"', "", text)

    assert answer(user.email) == answer("nobody@example.com")
    assert answer(user.email)[0] == 422


def test_five_wrong_passwords_make_an_address_wait_and_the_owner_not():
    user, _ = people.customer(password=PASSWORD)
    attacker, owner = Client(REMOTE_ADDR="192.0.2.66"), Client(REMOTE_ADDR="192.0.2.1")
    start = timezone.now()

    def attempt(browser, password):
        fields = {"email": user.email, "password": password}
        return browser.post("/sign-in", fields).status_code

    with time_machine.travel(start, tick=False):
        assert [attempt(attacker, "wrong") for _ in range(7)] == [422] * 5 + [429] * 2
        assert attempt(attacker, PASSWORD) == 429
        assert attempt(owner, PASSWORD) == 302
    with time_machine.travel(start + timedelta(seconds=31), tick=False):
        assert attempt(attacker, PASSWORD) == 302


@pytest.mark.parametrize("is_staff", [False, True])
def test_a_sign_in_ends_when_idle_or_too_old_and_says_so(is_staff):
    user = people.person(is_staff=is_staff)
    idle, age = (15, 8) if is_staff else (30, 12)
    expected = 200 if is_staff else 404
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        browser = people.browser_by_link(user)
    with time_machine.travel(start + timedelta(minutes=idle, seconds=-1), tick=False):
        authentication.forget()
        assert browser.get(PROTECTED).status_code == expected
    with time_machine.travel(start + timedelta(minutes=2 * idle, seconds=-2), tick=False):
        authentication.forget()
        assert browser.get(PROTECTED).status_code == expected
    with time_machine.travel(start + timedelta(minutes=3 * idle), tick=False):
        authentication.forget()
        away = browser.get(PROTECTED).headers["Location"]
        assert away == "/sign-in?next=%2Fadmin%2F&ended=idle"
        assert "without activity" in browser.get(away).content.decode()

    with time_machine.travel(start, tick=False):
        browser = people.browser_by_link(user)
    SignIn.objects.filter(ended_at=None).update(seen_at=start + timedelta(hours=age, seconds=-5))
    with time_machine.travel(start + timedelta(hours=age, seconds=-1), tick=False):
        authentication.forget()
        assert browser.get(PROTECTED).status_code == expected
    with time_machine.travel(start + timedelta(hours=age), tick=False):
        authentication.forget()
        assert "ended=too_long" in browser.get(PROTECTED).headers["Location"]


def test_a_socket_that_looks_is_no_activity():
    user, _ = people.customer()
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        session = people.browser_by_link(user).cookies["session"].value
    for minutes in (10, 20, 29):
        authentication.forget()
        at = start + timedelta(minutes=minutes)
        assert authentication.browser(session, now=at, is_activity=False) is not None
    authentication.forget()
    at = start + timedelta(minutes=30)
    assert authentication.browser(session, now=at, is_activity=False) is None


def test_a_changed_password_ends_every_sign_in():
    user, _ = people.customer(password=PASSWORD)
    browser = people.browser_by_link(user)
    user.set_password("another horse battery")
    user.save()
    authentication.forget()
    assert browser.get(PROTECTED).headers["Location"].startswith("/sign-in")
    assert SignIn.objects.get().ending == SignIn.Ending.PASSWORD_CHANGED


def test_halfway_in_lasts_ten_minutes():
    user, _ = people.customer(password=PASSWORD)
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        browser = people.halfway(user)
    with time_machine.travel(start + halfway.AGE_MAX, tick=False):
        code = proving.current_code(user, now=timezone.now())
        assert browser.post("/sign-in/code", {"code": code}).headers["Location"] == "/sign-in"


def test_looking_at_a_link_does_not_use_it_up():
    user, _ = people.customer()
    path = f"/sign-in/link/{services.new_sign_in_link(user, timezone.now())}"
    assert Client().head(path).status_code == 200
    assert user.name in Client().get(path).content.decode()
    browser = Client()
    assert browser.post(path).headers["Location"] == "/"
    assert browser.get(PROTECTED).status_code == 404
    assert Client().get(path).status_code == 410
    assert Client().post(path).status_code == 410


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(goal):
    user, _ = people.customer(password=PASSWORD)
    browser = Client()
    fields = {"email": user.email, "password": PASSWORD}
    browser.post("/sign-in", fields, query_params={"next": goal})
    done = browser.post("/sign-in/code", {"code": proving.current_code(user, now=timezone.now())})
    assert done.headers["Location"] == "/"


def test_the_admin_asks_for_no_password_of_its_own():
    operator = people.browser_by_link(people.person(is_staff=True))
    assert operator.get("/admin/login/").headers["Location"] == "/admin/"
    assert operator.post("/admin/login/", {"username": "a"}).headers["Location"] == "/admin/"
    session = operator.cookies["session"].value
    assert operator.post("/admin/logout/").headers["Location"] == "/sign-in"
    assert authentication.browser(session, now=timezone.now()) is None


def test_an_operator_restricts_an_account_and_must_say_why():
    operator = people.person(is_staff=True)
    browser = people.browser_by_link(operator)
    _, account = people.customer()
    path = f"/admin/accounts/account/{account.pk}/change/"
    assert browser.get(path).status_code == 200
    refused = browser.post(path, {"status": "restricted", "status_reason": ""})
    assert "Say why the status changes." in refused.content.decode()
    account.refresh_from_db()
    assert account.status == "active"
    assert browser.post(path, {"status": "restricted", "status_reason": "Odd"}).status_code == 302
    account.refresh_from_db()
    assert (account.status, account.status_reason) == ("restricted", "Odd")
    assert account.history.first().history_user == operator


def test_an_operator_revokes_a_key_and_sees_no_secrets():
    operator = people.person(is_staff=True)
    browser = people.browser_by_link(operator)
    _, account = people.customer()
    key, secret = issuing.create(account, "bot")
    device = selectors.authenticators(operator)[0]
    for path in (
        "/admin/accounts/user/",
        "/admin/accounts/apikey/",
        f"/admin/accounts/apikey/{key.pk}/change/",
        "/admin/accounts/totpdevice/",
        f"/admin/accounts/totpdevice/{device.pk}/change/",
        "/admin/accounts/signinlink/",
        "/admin/accounts/signin/",
        "/admin/accounts/activity/",
        f"/admin/accounts/account/{account.pk}/history/",
    ):
        page = browser.get(path)
        assert page.status_code == 200, path
        for hidden in (secret, key.secret_digest, device.sealed_seed, proving.secret_text(device)):
            assert hidden not in page.content.decode(), path
    browser.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
    assert authentication.api_key(key.key_id, secret) is None
