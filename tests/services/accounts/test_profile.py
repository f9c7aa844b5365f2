"""A customer keeps the profile true; another legal name takes papers and two people."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.approvals import UnableToApprove
from accounts.customers import naming, profiles
from accounts.customers.naming import UnableToName
from accounts.models import Approval, Letter, Profile, SecurityEvent, User
from tests import people
from tests.staff import member
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db
HOME = {"country": "AT", "street": "2 Other Street", "city": "Vienna", "postal_code": "1010"}
PAPERS = "Certificate of marriage 12/2026, original seen by Ann"


@pytest.fixture
def customer() -> User:
    user, _ = people.customer()
    profiles.fill_with_examples(user, now=timezone.now())
    return user


@pytest.fixture
def ann() -> User:
    return member(StaffRole.OPERATIONS)


@pytest.fixture
def bob() -> User:
    return member(StaffRole.OPERATIONS)


def asked(user: User, by: User, legal_name: str = "Sam Other") -> Approval:
    return naming.ask(
        user, legal_name=legal_name, papers=PAPERS, reason="Married", by=by, now=timezone.now()
    )


def letters(user: User) -> int:
    return Letter.objects.filter(user=user, kind="profile_changed").count()


def test_where_somebody_lives_is_changed_by_them_and_told(customer):
    browser = people.browser_by_link(customer)
    assert "1 Example Street" in browser.get("/account/profile").content.decode()
    assert "1 Example Street" in browser.get("/account/profile/home").content.decode()
    assert browser.post("/account/profile/home", HOME).headers["Location"] == "/account/profile"
    profile = Profile.objects.get(user=customer)
    assert (profile.country, profile.street, profile.city, profile.region) == (
        "AT", "2 Other Street", "Vienna", "",
    )  # fmt: skip
    assert profile.legal_name == "Sam Sample"
    assert letters(customer) == 1
    assert SecurityEvent.objects.filter(user=customer, kind="profile_changed").count() == 1
    assert set(profile.history.values_list("street", flat=True)) >= {
        "1 Example Street", "2 Other Street",
    }  # fmt: skip
    browser.post("/account/profile/home", HOME)  # the same again is no change
    assert letters(customer) == 1


def test_what_will_not_do_changes_nothing(customer):
    browser = people.browser_by_link(customer)
    for given in ({**HOME, "street": "PO Box 7"}, {**HOME, "country": ""}):
        assert browser.post("/account/profile/home", given).status_code == 422
    assert Profile.objects.get(user=customer).street == "1 Example Street"
    assert letters(customer) == 0


@pytest.mark.parametrize("part", ["person", "nothing"])
def test_who_somebody_is_they_do_not_change_themselves(customer, part):
    browser = people.browser_by_link(customer)
    assert browser.post(f"/account/profile/{part}", {"legal_name": "Rich Uncle"}).status_code == 404
    assert Profile.objects.get(user=customer).legal_name == "Sam Sample"


def test_who_has_no_profile_yet_opens_an_account_first():
    browser = people.browser_by_link(people.customer()[0])
    assert browser.get("/account/profile").status_code == 404
    assert browser.get("/account/profile/home").status_code == 404


def test_another_name_is_written_when_another_person_agrees(customer, ann, bob):
    approval = asked(customer, ann)
    assert approval.content["papers"] == PAPERS
    with pytest.raises(UnableToApprove, match="Another person"):
        naming.approve(approval.pk, by=ann, now=timezone.now())
    with pytest.raises(UnableToName, match="asked for that already"):
        asked(customer, bob)
    assert Profile.objects.get(user=customer).legal_name == "Sam Sample"
    naming.approve(approval.pk, by=bob, now=timezone.now())
    customer.refresh_from_db()
    assert (customer.profile.legal_name, customer.name) == ("Sam Other", "Sam Other")
    assert letters(customer) == 1


def test_a_name_that_changed_meanwhile_is_asked_for_again(customer, ann, bob):
    approval = asked(customer, ann)
    Profile.objects.filter(user=customer).update(legal_name="Sam Third")
    with pytest.raises(UnableToName, match="ask again"):
        naming.approve(approval.pk, by=bob, now=timezone.now())
    assert Profile.objects.get(user=customer).legal_name == "Sam Third"


@pytest.mark.parametrize("name", ["", "x" * 121, "Sam\x00Other", "Sam Sample"])
def test_what_is_no_other_name_is_refused(customer, ann, name):
    with pytest.raises(UnableToName):
        asked(customer, ann, name)
    assert not Approval.objects.exists()


def test_operations_asks_on_a_page_and_another_of_them_agrees(customer, ann, bob):
    told = {
        "email": customer.email, "legal_name": "Sam Other", "papers": PAPERS, "reason": "Married",
    }  # fmt: skip
    asking = people.browser_by_link(ann)
    refused = asking.post("/admin/names/", {**told, "email": "nobody@example.com"})
    assert "Nobody is registered" in refused.content.decode()
    assert asking.post("/admin/names/", told).headers["Location"] == "/admin/approvals/"
    decide = f"/admin/approvals/{Approval.objects.get().pk}/"
    for browser in (asking, people.browser_by_link(member(StaffRole.COMPLIANCE))):
        browser.post(decide, {"outcome": "approve", "reason": "Seen"})
        assert Profile.objects.get(user=customer).legal_name == "Sam Sample"
    people.browser_by_link(bob).post(decide, {"outcome": "approve", "reason": "Seen"})
    assert Profile.objects.get(user=customer).legal_name == "Sam Other"
