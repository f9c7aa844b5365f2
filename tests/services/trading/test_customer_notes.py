"""What staff notes about a customer: kept as it was written, seen by those who may, pinned."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.customers import notes
from accounts.customers.models import AccountNote, NotePin
from accounts.customers.notes import TEXT_LENGTH_MAX, UnableToNote
from accounts.models import Account, Activity, User, Viewing
from accounts.oversight import belonging
from tests import people
from tests.staff import member, operator, text_of
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db

CALL = AccountNote.Kind.CALL


@pytest.fixture
def account() -> Account:
    return people.customer()[1]


def write(account: Account, text: str, *, by: User, is_pinned: bool = False) -> AccountNote:
    return notes.write(
        account.pk, kind=CALL, text=text, is_pinned=is_pinned, by=by, now=timezone.now()
    )


def pin(note: AccountNote, is_pinned: bool, *, by: User) -> bool:
    return notes.pin(note.account_id, note.pk, is_pinned=is_pinned, by=by, now=timezone.now())


def told(account: Account) -> list[tuple[str, bool]]:
    return [(note.text, note.is_pinned) for note in notes.of(account)]


def post(browser: Client, account: Account, **said: str) -> int:
    answer = browser.post(reverse("operations:customer_note", args=[account.pk]), said)
    return answer.status_code


def test_pinned_ones_stand_first_until_they_are_taken_down(account):
    by = member(StaffRole.SUPPORT)
    first = write(account, "  Speaks French.\n", by=by, is_pinned=True)
    second = write(account, "Called about a fee.", by=by)
    write(people.customer()[1], "Of another", by=by)
    assert told(account) == [("Speaks French.", True), ("Called about a fee.", False)]
    assert pin(first, False, by=by)
    assert not pin(first, False, by=by)
    assert pin(second, True, by=by)
    assert told(account) == [("Called about a fee.", True), ("Speaks French.", False)]
    rows = NotePin.objects.order_by("pk").values_list("note", "is_pinned", "by")
    assert list(rows) == [
        (first.pk, True, by.pk), (first.pk, False, by.pk), (second.pk, True, by.pk),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", " \n", "x" * (TEXT_LENGTH_MAX + 1)])
def test_a_note_says_something_of_bounded_length(account, text):
    with pytest.raises(UnableToNote):
        write(account, text, by=member(StaffRole.SUPPORT))
    assert not AccountNote.objects.exists()


def test_customers_write_none_and_nobody_does_about_an_account_of_their_own(account):
    staff = member(StaffRole.SUPPORT)
    own = Account.objects.create(user=staff, number="OWN")
    note = write(account, "A note", by=staff)
    for where, by in ((account, account.user), (own, staff)):
        with pytest.raises(UnableToNote):
            write(where, "Something", by=by)
    with pytest.raises(UnableToNote):
        pin(note, True, by=account.user)
    with pytest.raises(AccountNote.DoesNotExist):
        notes.pin(own.pk, note.pk, is_pinned=True, by=staff, now=timezone.now())
    assert AccountNote.objects.count() == 1
    assert not NotePin.objects.exists()


def test_it_is_written_and_pinned_on_the_customers_page(account):
    by = member(StaffRole.SUPPORT)
    browser = people.browser_of(by)
    assert (
        post(browser, account, kind="complaint", text="Fee <b>too</b> high", is_pinned="on") == 302
    )
    [note] = AccountNote.objects.all()
    assert (note.kind, note.by_id, note.account_id) == ("complaint", by.pk, account.pk)
    page = browser.get(reverse("operations:customer", args=[account.pk]))
    assert "Fee &lt;b&gt;too&lt;/b&gt; high" in page.content.decode()
    assert "Complaint , pinned" in text_of(page)
    assert by.email in text_of(page)
    place = reverse("operations:customer_note_pin", args=[account.pk, note.pk])
    assert browser.post(place, {}).status_code == 302
    assert told(account) == [("Fee <b>too</b> high", False)]
    assert browser.post(place, {"is_pinned": "on"}).status_code == 302
    assert told(account) == [("Fee <b>too</b> high", True)]
    assert browser.get(place).status_code == 405


@pytest.mark.parametrize("said", [{"kind": "gossip", "text": "x"}, {"kind": "call", "text": " "}])
def test_what_is_no_note_is_not_written_and_its_author_is_told(account, said):
    browser = people.browser_of(member(StaffRole.SUPPORT))
    assert post(browser, account, **said) == 302
    assert not AccountNote.objects.exists()
    page = browser.get(reverse("operations:customer", args=[account.pk]))
    assert [str(each) for each in page.context["messages"]]


def test_who_may_see_customers_and_no_notes_sees_none_and_writes_none(account):
    write(account, "A secret of the house", by=member(StaffRole.COMPLIANCE))
    browser = people.browser_of(operator("view_account"))
    page = browser.get(reverse("operations:customer", args=[account.pk]))
    assert page.status_code == 200
    assert "A secret of the house" not in page.content.decode()
    assert post(browser, account, kind="call", text="Mine") == 403
    assert AccountNote.objects.count() == 1


def test_the_customer_never_sees_it_and_nothing_is_told_to_them(account):
    before = Activity.objects.filter(account=account).count()
    note = write(account, "Sounded frightened", by=member(StaffRole.SUPPORT), is_pinned=True)
    assert Activity.objects.filter(account=account).count() == before
    browser = people.browser_of(account.user)
    assert post(browser, account, kind="call", text="Mine") == 404
    for page in ("/account/", "/activity/", f"/admin/accounts/accountnote/{note.pk}/change/"):
        assert "Sounded frightened" not in browser.get(page, follow=True).content.decode()


def test_all_notes_are_listed_and_who_looked_at_whose_is_noted(account):
    note = write(account, "Wants letters by post", by=member(StaffRole.SUPPORT))
    write(people.customer()[1], "Of another", by=note.by)
    officer = member(StaffRole.COMPLIANCE)
    found = people.browser_of(officer).get("/admin/accounts/accountnote/", {"q": account.number})
    assert "Wants letters by post" in text_of(found)
    assert "Of another" not in text_of(found)
    noted = Viewing.objects.latest("pk")
    assert (noted.by_id, noted.people) == (officer.pk, [account.user_id])
    assert belonging.people(NotePin, [_pinned(note).pk]) == {account.user_id}


def _pinned(note: AccountNote) -> NotePin:
    pin(note, True, by=note.by)
    return NotePin.objects.get(note=note)
