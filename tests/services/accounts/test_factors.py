"""Second factors: security keys, sent codes, recovery codes, and how they change."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts import selectors
from accounts.factors import proving, recovery, roster
from accounts.factors.sent_codes import Way
from accounts.factors.strength import Strength
from accounts.letters import sending as letters
from accounts.models import Letter, SignIn, TotpDevice
from tests import people
from tests.authenticator import SoftwareKey
from tests.services.accounts.given import NOW, place, registered

pytestmark = pytest.mark.usefixtures("db")


# --- Recovery codes ---


def test_ten_recovery_codes_are_told_once_and_each_works_once():
    user = people.person()
    codes = recovery.renew(user, now=NOW)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}", code) for code in codes)
    assert recovery.verify(user, codes[0].upper().replace("-", " "), now=NOW) is not None
    assert recovery.verify(user, codes[0], now=NOW) is None
    assert recovery.verify(people.person(), codes[1], now=NOW) is None
    assert recovery.left(user) == 9
    assert [letter.kind for letter in Letter.objects.filter(user=user)] == ["recovery_code_used"]


def test_new_recovery_codes_void_those_before():
    user = people.person()
    old, new = recovery.renew(user, now=NOW), roster.renew_recovery_codes(user, now=NOW)
    assert recovery.verify(user, old[0], now=NOW) is None
    assert recovery.verify(user, new[0], now=NOW).strength == Strength.WEAK
    assert recovery.left(user) == 9


# --- All of them together ---


def test_what_a_person_can_prove_depends_on_what_is_asked():
    user = people.person()
    registered(user, SoftwareKey())
    box, phone = place(user), place(user, Way.SMS, "+436601234567")
    recovery.renew(user, now=NOW)
    assert roster.means(user) == roster.Means(True, True, (box, phone), True)
    user.is_password_mailed = True
    assert roster.means(user).places == (phone,)
    assert roster.means(user, need=Strength.STRONG) == roster.Means(True, True)
    assert roster.means(user, need=Strength.VERIFIED) == roster.Means(has_key=True)


def test_staff_with_a_security_key_have_nothing_weaker_in_production(settings):
    staff = people.person(is_staff=True)
    settings.DEMO = False
    recovery.renew(staff, now=NOW)
    place(staff)
    assert roster.means(staff) == roster.Means(has_app=True)  # as far as registering a key
    registered(staff, SoftwareKey())
    assert roster.means(staff) == roster.Means(has_key=True)
    settings.DEMO = True
    assert roster.means(staff).has_app


def test_several_authenticators_are_added_each_with_its_name():
    user = people.person()
    device = proving.begin_enrolment(user, beside=True)
    code = f"{device.totp(at=timezone.now().timestamp()).token():06}"
    made = roster.add(
        user,
        lambda: proving.confirm_enrolment(user, code, name="tablet", beside=True),
        keep=None,
        now=NOW,
    )
    assert [factor.name for factor in roster.factors(user)] == ["authenticator app", "tablet"]
    assert TotpDevice.objects.filter(user=user, confirmed=True).count() == 2
    assert made.confirmed
    user.refresh_from_db()
    assert user.secured_at == NOW


def test_a_removed_factor_tells_its_owner_ends_other_sign_ins_and_holds_withdrawals():
    user = people.person()
    key = registered(user, SoftwareKey())
    people.browser_by_link(user)
    people.browser_by_link(user)
    kept, ended = SignIn.objects.filter(user=user).order_by("started_at")
    assert selectors.withdrawals_held_until(user) is None
    roster.remove(user, key.persistent_id, keep=kept.pk, now=NOW)
    roster.remove(user, key.persistent_id, keep=None, now=NOW)  # again: nothing
    kept.refresh_from_db()
    ended.refresh_from_db()
    assert (kept.ended_at, ended.ended_at, ended.ending) == (None, NOW, "factor_changed")
    user.refresh_from_db()
    assert selectors.withdrawals_held_until(user) == NOW + timedelta(hours=72)
    letters.send_due(now=NOW)
    (told,) = [letter for letter in mail.outbox if "was changed" in letter.subject]
    assert told.to == [user.email]
    assert "\nWay of signing in removed: blue key\n" in told.body


def test_the_last_factor_stays(settings):
    user = people.person()
    (only,) = roster.factors(user)
    with pytest.raises(roster.LastFactor):
        roster.remove(user, only.persistent_id, keep=None, now=NOW)
    staff = people.person(is_staff=True)
    key = registered(staff, SoftwareKey())
    settings.DEMO = False
    with pytest.raises(roster.LastFactor):  # an app is left, which opens nothing for staff
        roster.remove(staff, key.persistent_id, keep=None, now=NOW)
    assert (len(roster.factors(user)), len(roster.factors(staff))) == (1, 2)
    assert not Letter.objects.filter(kind="security_changed").exists()


def test_nobody_removes_or_renames_another_persons_factor():
    user, other = people.person(), people.person()
    registered(other, SoftwareKey())
    for factor in roster.factors(other):
        roster.remove(user, factor.persistent_id, keep=None, now=NOW)
        roster.rename(user, factor.persistent_id, "mine")
    names = sorted(factor.name for factor in roster.factors(other))
    assert names == ["authenticator app", "blue key"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb"])
def test_a_factor_has_a_plain_name(name):
    user = people.person()
    (factor,) = roster.factors(user)
    with pytest.raises(roster.BadName):
        roster.rename(user, factor.persistent_id, name)
    roster.rename(user, factor.persistent_id, " my phone ")
    assert roster.factors(user)[0].name == "my phone"
