"""From an address to an account that trades; what a stranger learns of who is registered."""

from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import selectors
from accounts.customers import joining, profiles, terms
from accounts.factors import passwords, proving, recovery
from accounts.keys import issuing
from accounts.letters import sending
from accounts.models import ApiKey, Joining, Letter, Profile, SecurityEvent, TermsAcceptance, User
from accounts.sessions import authentication
from portfolio.funding.services import UnableToWithdraw, request_withdrawal
from portfolio.models import Funding
from tests import people
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")
ANN = "ann@example.com"
PERSON = {
    "legal_name": "Ann Example",
    "born_on": "1990-04-25",
    "tax_country": "US",
    "tax_id": "123-45-6789",
}
HOME = {"country": "US", "street": "1 Main Street", "postal_code": "10001", "city": "New York"}
MEANS = {
    "employment": "employed",
    "employer": "Example Inc",
    "income": "to_100k",
    "wealth": "to_50k",
    "source_of_funds": "earnings",
}


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    authentication.forget()


def asked(email: str = ANN, browser: Client | None = None):
    return (browser or Client()).post("/register", {"email": email})


def linked() -> str:
    """Return the path of the link in the letter that went out last."""
    sending.send_due(now=timezone.now())
    return re.search(r"https?://[^/\s]+(/join/\S+)", mail.outbox[-1].body)[1]


def joined(browser: Client):
    return browser.post(linked(), {"name": "Ann", "password": PASSWORD, "terms": "on"})


def enrolled(browser: Client, user: User):
    """Go on without an app at hand, as a demonstration lets one."""
    assert b"python manage.py code ann@" in browser.get("/enrol").content
    return browser.post("/enrol", {"code": proving.current_code(user, now=timezone.now())})


def newcomer() -> tuple[Client, User]:
    """Return somebody who has come as far as the first question."""
    browser = Client()
    asked()
    joined(browser)
    user = User.objects.get(email=ANN)
    enrolled(browser, user)
    return browser, user


def test_a_stranger_confirms_agrees_enrols_answers_and_has_an_account():
    browser = Client()
    assert asked("Ann@Example.com").status_code == 200
    assert not User.objects.exists()
    path = linked()
    assert Client().head(path).status_code == Client().get(path).status_code == 200
    done = browser.post(path, {"name": "Ann", "password": PASSWORD, "terms": "on"})
    assert done.headers["Location"] == "/enrol"
    user = User.objects.get(email=ANN)
    account = selectors.account_of(user)
    assert (account.status, account.status_reason) == ("pending", joining.PENDING)
    agreed = TermsAcceptance.objects.get(user=user)
    assert (agreed.version, agreed.address) == (terms.VERSION, "127.0.0.1")
    away = Client()
    away.post("/sign-in", {"email": ANN, "password": PASSWORD})
    for each in (browser, away):  # a factor before anything else
        kept = each.cookies["session"].value
        assert each.get("/account").headers["Location"].startswith("/sign-in")
        each.cookies["session"] = kept
    assert enrolled(browser, user).status_code in (200, 302)

    authentication.forget()
    assert "Who you are" in browser.get("/account/opening").content.decode()
    assert browser.get("/account").status_code == 200  # looking is free
    assert browser.post("/account/opening", PERSON).headers["Location"] == "/account/opening"
    assert browser.post("/account/opening", HOME).headers["Location"] == "/account/opening"
    assert selectors.account_of(user).status == "pending"
    assert browser.post("/account/opening", MEANS).headers["Location"] == "/account/opening"
    account.refresh_from_db()
    assert account.status == "pending"
    path = "/account/opening/codes"
    assert browser.get("/account/opening").headers["Location"] == path
    assert browser.post(path, {"kept": "on"}).status_code == 200  # of what was not shown: nothing
    shown = browser.post(path, {"show": "yes"}).content.decode()
    assert len(re.findall(r"<li><code>(?:[a-z0-9]{4}-?){4}</code></li>", shown)) == 10
    assert "<code>" not in browser.get(path).content.decode()
    assert selectors.account_of(user).status == "pending"
    assert browser.post(path, {"kept": "on"}).headers["Location"] == "/"
    account.refresh_from_db()
    assert (account.status, account.status_reason) == ("active", profiles.OPENED)
    assert browser.get("/account/opening").headers["Location"] == "/"
    profile = Profile.objects.get(user=user)
    assert (profile.tax_id_end, profiles.tax_id(profile)) == ("6789", "123456789")
    assert "123456789" not in profile.sealed_tax_id
    kinds = list(
        SecurityEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    )
    assert [kind for kind in kinds if kind in ("joined", "signed_in", "profile_completed")] == [
        "joined", "signed_in", "profile_completed",
    ]  # fmt: skip


@pytest.mark.parametrize("is_demo", [True, False])
def test_registering_answers_known_and_unknown_addresses_alike(settings, is_demo):
    known, _ = people.customer()
    settings.DEMO = is_demo
    hashed = []
    settings.PASSWORD_HASHERS = ["tests.journeys.test_joining.Counted"]
    Counted.hashed = hashed

    def answer(email):
        response = asked(email)
        page = response.content.decode().replace(email, "")
        page = re.sub(r"<section.*?</section>", "", page, flags=re.DOTALL)  # a demonstration's
        return response.status_code, re.sub(r'(value|content|nonce)="[^"]*"', "", page)

    assert answer(known.email) == answer("nobody@example.com")
    assert hashed == []  # neither costs a password's hash
    kinds = list(Letter.objects.order_by("pk").values_list("to", "kind"))
    assert kinds == [(known.email, "already_registered"), ("nobody@example.com", "verify_email")]
    assert User.objects.count() == 1


class Counted(passwords.Argon2id):
    """Argon2id that notes how often it was asked to work."""

    hashed: list[str] = []

    def encode(self, password, salt):
        self.hashed.append(password)
        return Argon2PasswordHasher.encode(self, password, salt)

    def verify(self, password, encoded):
        self.hashed.append(password)
        return Argon2PasswordHasher.verify(self, password, encoded)


def test_signing_in_costs_known_and_unknown_addresses_the_same_hashes(settings):
    settings.PASSWORD_HASHERS = ["tests.journeys.test_joining.Counted"]
    user, _ = people.customer(password=PASSWORD)
    counts = []
    for email in (user.email, "nobody@example.com"):
        Counted.hashed = []
        Client().post("/sign-in", {"email": email, "password": "wrong wrong wrong"})
        counts.append(len(Counted.hashed))
    assert counts == [1, 1]


def test_a_link_works_once_for_24_hours_and_the_newest_alone():
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        asked()
        first = linked()
        asked()
        path = linked()
        assert first != path
        assert Client().get(first).status_code == 410
    with time_machine.travel(start + timedelta(hours=24, seconds=-1), tick=False):
        assert Client().get(path).status_code == 200
    with time_machine.travel(start + timedelta(hours=24), tick=False):
        assert Client().get(path).status_code == 410
    with time_machine.travel(start, tick=False):
        fields = {"name": "Ann", "password": PASSWORD, "terms": "on"}
        assert Client().post(path, fields).status_code == 302
        assert Client().post(path, fields).status_code == 410
    assert User.objects.count() == 1
    token = path.rpartition("/")[2]
    assert token not in "".join(Joining.objects.values_list("token_digest", flat=True))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Type your name."),
        ("password", "short", "at least 12 characters"),
        ("password", "x" * 129, "at most 128 characters"),
        ("terms", "", "read the terms, then tick"),
    ],
)
def test_an_error_stands_beside_its_field_and_uses_nothing_up(field, value, said):
    asked()
    path = linked()
    fields = {"name": "Ann", "password": PASSWORD, "terms": "on", field: value}
    response = Client().post(path, fields)
    page = html.unescape(response.content.decode())
    assert response.status_code == 422
    assert said in re.search(rf'id="id_{field}_error".*?</div>', page, re.DOTALL)[0]
    assert not User.objects.exists()
    assert Client().get(path).status_code == 200


def test_five_letters_go_to_an_address_and_then_none_for_a_while():
    statuses = [asked().status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert Letter.objects.count() == 5


def test_a_pending_account_looks_and_neither_withdraws_nor_makes_keys():
    browser, user = newcomer()
    account = selectors.account_of(user)
    assert account.status == "pending"
    authentication.forget()
    assert "Finish opening" in browser.get("/account").content.decode()
    with pytest.raises(issuing.AccountNotActive, match="pending"):
        issuing.create(account, "bot", now=timezone.now())
    assert not ApiKey.objects.exists()
    with pytest.raises(UnableToWithdraw, match="pending"):
        request_withdrawal(
            account_id=account.pk, payee_id=uuid.uuid4(), amount=Decimal(1), reference="one",
            actor="user", now=timezone.now(),
        )  # fmt: skip
    assert not Funding.objects.exists()


def test_a_newcomer_to_the_demonstration_goes_on_with_made_up_answers(settings):
    browser, user = newcomer()
    authentication.forget()
    settings.DEMO = False
    assert browser.post("/account/opening/examples").status_code == 404
    assert selectors.account_of(user).status == "pending"
    settings.DEMO = True
    assert browser.post("/account/opening/examples").headers["Location"] == "/"
    assert selectors.account_of(user).status == "active"


def test_recovery_codes_that_are_made_anew_are_to_be_kept_anew():
    browser, user = newcomer()
    path = "/account/opening/codes"
    browser.post(path, {"show": "yes"})
    assert browser.post(path, {"kept": "on"}).headers["Location"] == "/account/opening"
    assert recovery.is_kept(user)
    browser.post(path, {"show": "yes"})
    assert not recovery.is_kept(user)
    for answers in (PERSON, HOME, MEANS):
        browser.post("/account/opening", answers)
    assert selectors.account_of(user).status == "pending"
    assert browser.post(path, {"kept": "on"}).headers["Location"] == "/"
    assert selectors.account_of(user).status == "active"


def test_whoever_agreed_to_other_terms_is_asked_again_before_the_next_page(monkeypatch):
    browser, user = newcomer()
    monkeypatch.setattr(terms, "VERSION", "2099-01")
    authentication.forget()
    asked_at = "/terms/agree?next=%2Faccount%3Fa%3D1"
    assert browser.get("/account?a=1").headers["Location"] == asked_at
    assert browser.get("/api/v1/keys").status_code == 200  # programs cannot read terms
    assert browser.get(asked_at).status_code == 200
    assert browser.post(asked_at).status_code == 422
    assert TermsAcceptance.objects.filter(user=user).count() == 1
    assert browser.post(asked_at, {"terms": "on"}).headers["Location"] == "/account?a=1"
    assert browser.get("/account?a=1").status_code == 200
    agreed = TermsAcceptance.objects.filter(user=user).order_by("pk").last()
    assert (agreed.version, agreed.address) == ("2099-01", "127.0.0.1")
    assert SecurityEvent.objects.filter(user=user, kind="terms_agreed").count() == 1


def test_who_never_joined_by_the_letter_is_asked_for_no_terms(monkeypatch):
    user, _ = people.customer()
    browser = people.browser_by_link(user)
    monkeypatch.setattr(terms, "VERSION", "2099-01")
    authentication.forget()
    assert browser.get("/account").status_code == 200


def test_an_account_that_was_restricted_is_not_opened_by_answers():
    user, account = people.customer()
    account.status = "restricted"
    account.save()
    profiles.fill_with_examples(user, now=timezone.now())
    account.refresh_from_db()
    assert account.status == "restricted"
