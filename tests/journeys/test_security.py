"""How people sign in, prove again, change their factors and find back in, page by page."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.factors import proving, recovery, roster, security_keys
from accounts.letters import sending as letters
from accounts.models import Letter, MessageFactor, SecurityKey, SignIn, User
from accounts.sessions import authentication
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")
OTHER = "four rivers run uphill"
LATER = timedelta(minutes=6)


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    authentication.forget()


def person_with_key(*, is_staff: bool = False) -> tuple[User, SoftwareKey]:
    user, key = people.person(password=PASSWORD, is_staff=is_staff), SoftwareKey()
    now, here = timezone.now(), "a" * 64
    asked = security_keys.registration_options(user, bound_to=here, now=now)
    security_keys.register(user, key.create(asked), name="blue key", bound_to=here, now=now)
    return user, key


def by_key(browser: Client, key: SoftwareKey, page: str, options: str):
    """Have the key answer what the page asks, as its script does."""
    asked = json.loads(browser.post(options, headers={"Accept": "application/json"}).content)
    return browser.post(page, {"key_answer": key.get(asked)})


def code_now(user: User) -> str:
    return proving.current_code(user, now=timezone.now())


def letter(about: str) -> str:
    """Send what is to be sent, and return the newest letter with this subject."""
    letters.send_due(now=timezone.now())
    return [each.body for each in mail.outbox if about in each.subject][-1]


def is_signed_in(browser: Client) -> bool:
    authentication.forget()
    return browser.get("/account/security").status_code == 200


def test_a_security_key_signs_in_as_second_factor_and_its_answer_once():
    user, key = person_with_key()
    browser = people.halfway(user)
    assert b"Use a security key or passkey" in browser.get("/sign-in/code").content
    asked = json.loads(browser.post("/sign-in/key").content)
    answer = key.get(asked)
    thief = people.halfway(user)
    assert thief.post("/sign-in/code", {"key_answer": answer}).status_code == 422
    assert not is_signed_in(thief)
    assert browser.post("/sign-in/code", {"key_answer": answer}).headers["Location"] == "/"
    assert is_signed_in(browser)
    again = people.halfway(user)
    assert again.post("/sign-in/code", {"key_answer": answer}).status_code == 422


def test_nobody_is_asked_for_a_key_who_has_given_no_password():
    assert Client().post("/sign-in/key").status_code == 401
    assert Client().post("/enrol/key/options").status_code == 401
    # Nor can a key be enrolled by a password beside a factor that is there.
    halfway = people.halfway(people.person(password=PASSWORD))
    assert halfway.post("/enrol/key/options").status_code == 401
    assert halfway.get("/enrol/key").headers["Location"] == "/sign-in/code"


def test_staff_get_into_the_admin_by_a_security_key_and_nothing_weaker_in_production(settings):
    user, key = person_with_key(is_staff=True)
    settings.DEMO = False
    sheet = recovery.renew(user, now=timezone.now())
    browser = people.halfway(user)
    for weaker in ({"code": "123456"}, {"recovery_code": sheet[0]}, {"send": "1"}):
        assert browser.post("/sign-in/code", weaker).status_code in (200, 422)
    assert recovery.left(user) == 10
    key.knows_owner = False
    assert by_key(browser, key, "/sign-in/code", "/sign-in/key").status_code == 422
    assert not is_signed_in(browser)
    key.knows_owner = True
    assert by_key(browser, key, "/sign-in/code", "/sign-in/key").status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_staff_without_a_key_get_as_far_as_adding_one_in_production(settings):
    user = people.person(password=PASSWORD, is_staff=True)
    browser = people.halfway(user)
    settings.DEMO = False
    with time_machine.travel(timezone.now(), tick=False):
        device = roster.factors(user)[0]
        code = f"{device.totp(at=timezone.now().timestamp()).token():06}"
        assert browser.post("/sign-in/code", {"code": code}).status_code == 302
        assert browser.get("/admin/").headers["Location"] == "/prove?need=verified&next=%2Fadmin%2F"
        shown = browser.get("/prove?need=verified&next=%2Fadmin%2F").content.decode()
        assert "a security key that knows its owner" in shown
        key = SoftwareKey()
        options = json.loads(browser.post("/account/security/key/options").content)
        added = {"name": "work key", "key_answer": key.create(options)}
        assert browser.post("/account/security/key", added).headers["Location"] == (
            "/account/security"
        )
        authentication.forget()
        assert browser.get("/admin/").status_code == 302  # having added it is no proof by it
        assert by_key(browser, key, "/prove?next=/admin/", "/prove/key").status_code == 302
        assert browser.get("/admin/").status_code == 200


def test_somebody_new_on_the_staff_enrols_a_security_key_in_production(settings):
    settings.DEMO = False
    from accounts import services

    user = services.register(email="new@example.com", password=PASSWORD, is_staff=True)
    browser = people.halfway(user)
    assert browser.get("/enrol").headers["Location"] == "/enrol/key"
    options = json.loads(browser.post("/enrol/key/options").content)
    blind = SoftwareKey(knows_owner=False).create(options)
    sent = {"name": "work key", "key_answer": blind}
    assert browser.post("/enrol/key", sent).status_code == 422
    assert not is_signed_in(browser)
    options = json.loads(browser.post("/enrol/key/options").content)
    sent["key_answer"] = SoftwareKey().create(options)
    assert browser.post("/enrol/key", sent).headers["Location"] == "/"
    assert browser.get("/admin/").status_code == 200


def test_every_change_of_factors_wants_a_fresh_proof():
    user, _ = people.customer(password=PASSWORD)
    browser = people.browser_by_link(user)
    (only,) = roster.factors(user)
    sign_in = SignIn.objects.get(user=user)
    authentication.forget()
    with time_machine.travel(sign_in.proved_at + timedelta(minutes=5), tick=False):
        for path in (
            "/account/security/app",
            "/account/security/key",
            "/account/security/place/email",
            "/account/security/password",
            "/account/security/email",
        ):
            assert browser.get(path).headers["Location"].startswith("/prove?next="), path
            assert browser.post(path, {"name": "x"}).headers["Location"].startswith("/prove")
        for path in ("remove", "recovery-codes", "key/options"):
            sent = browser.post(f"/account/security/{path}", {"factor": only.persistent_id})
            assert sent.headers["Location"].startswith("/prove?next="), path
        asked = browser.post(
            "/account/security/key/options", headers={"Accept": "application/json"}
        )
        assert (asked.status_code, asked.json()["code"]) == (403, 40310020)
    assert roster.factors(user) == [only]
    assert recovery.left(user) == 0
    assert not Letter.objects.exclude(kind="new_sign_in").exists()


def test_factors_are_added_named_renamed_and_removed_but_never_the_last():
    user, _ = people.customer(password=PASSWORD)
    browser = people.browser_by_link(user)
    page = browser.get("/account/security").content.decode()
    assert "authenticator app" in page
    assert "remove_factor" not in page
    (first,) = roster.factors(user)

    asked = {"way": "email", "name": "mailbox", "address": "Box@Example.com"}
    assert "was sent" in browser.post("/account/security/place/email", asked).content.decode()
    code = re.search(r"^(\d{6})$", letter("Your Openfloor code"), re.MULTILINE)[1]
    wrong = browser.post("/account/security/place/email", {"sent_code": "no"})
    assert wrong.status_code == 422
    done = browser.post("/account/security/place/email", {"sent_code": code})
    assert done.headers["Location"] == "/account/security"
    second = MessageFactor.objects.get(user=user, confirmed=True)
    assert (second.name, second.address) == ("mailbox", "box@example.com")
    assert "mailbox" in letter("was changed")

    renamed = {"factor": second.persistent_id, "name": "old <mailbox>"}
    assert browser.post("/account/security/rename", renamed).status_code == 302
    page = browser.get("/account/security").content.decode()
    assert "old &lt;mailbox&gt;" in page
    assert "not enough for withdrawals" in page
    assert "Withdrawals wait until" in page

    for factor, status in ((second, 302), (first, 422)):
        sent = browser.post("/account/security/remove", {"factor": factor.persistent_id})
        assert sent.status_code == status
    assert "your last factor" in sent.content.decode()
    assert roster.factors(user) == [first]
    assert browser.post("/account/security/place/post").status_code == 404


def test_recovery_codes_are_shown_once_and_one_of_them_signs_in_weakly():
    user, _ = people.customer(password=PASSWORD)
    browser = people.browser_by_link(user)
    page = browser.post("/account/security/recovery-codes").content.decode()
    codes = re.findall(r"<code>([a-z2-9-]{19})</code>", page)
    assert len(codes) == 10
    assert codes[0] not in browser.get("/account/security").content.decode()
    lost = people.halfway(user)
    assert lost.post("/sign-in/code", {"recovery_code": "aaaa-bbbb"}).status_code == 422
    assert lost.post("/sign-in/code", {"recovery_code": codes[0]}).status_code == 302
    assert (
        people.halfway(user).post("/sign-in/code", {"recovery_code": codes[0]}).status_code == 422
    )
    assert "Codes left: 9" in letter("recovery code was used")
    assert [each.strength for each in SignIn.objects.filter(user=user).order_by("started_at")][
        -1
    ] == 1


def test_a_forgotten_password_is_reset_by_mail_and_the_second_factor_still_asked_for():
    user, _ = people.customer(password=PASSWORD)
    known = Client().post("/sign-in/forgotten", {"email": user.email}).content.decode()
    stranger = Client().post("/sign-in/forgotten", {"email": "no@example.com"}).content.decode()

    def plain(text, email):
        return re.sub(r'(value|content|nonce)="[^"]*"', "", text.replace(email, "EMAIL"))

    assert plain(known, user.email) == plain(stranger, "no@example.com")

    link = re.search(r"(/sign-in/reset/\S+)", letter("Choose another password"))[1]
    browser = Client()
    assert browser.get(link).status_code == browser.get(link).status_code == 200
    assert browser.post(link, {"password": "short"}).status_code == 422
    assert browser.post(link, {"password": OTHER}).headers["Location"] == "/sign-in/code"
    assert not is_signed_in(browser)
    assert browser.post(link, {"password": PASSWORD}).status_code == 410
    done = browser.post("/sign-in/code", {"code": code_now(user)})
    assert done.headers["Location"] == "/"
    assert is_signed_in(browser)
    assert people.halfway(user, password=OTHER).get("/sign-in/code").status_code == 200


def test_a_reset_by_mail_takes_no_code_by_mail_for_the_second_factor():
    user = people.person(password=PASSWORD)
    box = MessageFactor.objects.create(user=user, way="email", address=user.email, name="box")
    assert f'value="{box.pk}"' in people.halfway(user).get("/sign-in/code").content.decode()
    Client().post("/sign-in/forgotten", {"email": user.email})
    link = re.search(r"(/sign-in/reset/\S+)", letter("Choose another password"))[1]
    browser = Client()
    browser.post(link, {"password": OTHER})
    assert f'value="{box.pk}"' not in browser.get("/sign-in/code").content.decode()
    browser.post("/sign-in/code", {"send": box.pk})
    again = people.halfway(user, password=OTHER)
    assert f'value="{box.pk}"' not in again.get("/sign-in/code").content.decode()
    again.post("/sign-in/code", {"send": box.pk})
    assert not Letter.objects.filter(kind="code").exists()


def test_once_another_factor_is_proved_the_mailbox_counts_again():
    user, _ = people.customer(password=PASSWORD)
    box = MessageFactor.objects.create(user=user, way="email", address=user.email, name="box")
    Client().post("/sign-in/forgotten", {"email": user.email})
    link = re.search(r"(/sign-in/reset/\S+)", letter("Choose another password"))[1]
    browser = Client()
    browser.post(link, {"password": OTHER})
    assert browser.post("/sign-in/code", {"code": code_now(user)}).headers["Location"] == "/"
    again = people.halfway(user, password=OTHER)
    assert f'value="{box.pk}"' in again.get("/sign-in/code").content.decode()


def test_another_password_ends_other_sign_ins_and_holds_withdrawals():
    user, _ = people.customer(password=PASSWORD)
    other, browser = people.browser_by_link(user), people.browser_by_link(user)
    former = browser.cookies["session"].value
    wrong = {"present": "wrong password", "password": OTHER}
    assert browser.post("/account/security/password", wrong).status_code == 422
    guessable = {"present": PASSWORD, "password": "passwordpassword"}
    assert browser.post("/account/security/password", guessable).status_code == 422
    assert is_signed_in(other)
    sent = {"present": PASSWORD, "password": OTHER}
    assert browser.post("/account/security/password", sent).headers["Location"] == (
        "/account/security"
    )
    assert browser.cookies["session"].value != former
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    assert "Password changed" in letter("was changed")
    assert "Withdrawals wait until" in browser.get("/account/security").content.decode()
    assert SecurityKey.objects.count() == 0


def test_another_email_tells_the_old_address_and_holds_withdrawals():
    user, _ = people.customer(password=PASSWORD)
    taken = people.person().email
    former, other, browser = user.email, people.browser_by_link(user), people.browser_by_link(user)
    page = "/account/security/email"
    for address, status in ((taken, 422), ("New@Example.com", 302)):
        assert "was sent" in browser.post(page, {"email": address}).content.decode()
        code = re.search(r"^(\d{6})$", letter("Your Openfloor code"), re.MULTILINE)[1]
        assert mail.outbox[-1].to == [address.lower()]
        user.refresh_from_db()
        assert user.email == former
        assert browser.post(page, {"sent_code": code}).status_code == status
    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert "E-mail address changed: new@example.com" in letter("was changed")
    assert mail.outbox[-1].to == [former]
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    assert "Withdrawals wait until" in browser.get("/account/security").content.decode()
