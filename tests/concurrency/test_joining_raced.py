"""One link and eight who follow it; five browsers that sign in at the same moment."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts.customers import joining, terms
from accounts.models import Account, Joining, SignIn, User
from accounts.sessions import sign_ins
from accounts.sessions.origins import NOWHERE
from accounts.sessions.store import SessionStore
from tests import people
from tests.people import PASSWORD
from tests.racing import at_once

THREADS = 5
pytestmark = pytest.mark.usefixtures("committed")


def together(do) -> list[bool]:
    """Return what came of five attempts at the same moment."""
    return at_once(*[do] * THREADS)


def test_a_link_that_is_raced_registers_one_person():
    now = timezone.now()
    token = joining.ask(email="ann@example.com", origin=NOWHERE, now=now).token

    def join() -> bool:
        try:
            joining.join(
                token, name="Ann", password=PASSWORD, version=terms.VERSION, origin=NOWHERE, now=now
            )
        except joining.LinkGone:
            return False
        return True

    assert sorted(together(join)) == [False] * (THREADS - 1) + [True]
    assert User.objects.count() == Account.objects.count() == 1
    assert Joining.objects.get().used_at == now


def test_sign_ins_that_are_raced_leave_no_more_than_three():
    user = people.person()
    [device] = user.totpdevice_set.all()

    def sign_in() -> bool:
        request = RequestFactory().post("/sign-in/code")
        request.session = SessionStore()
        sign_ins.start(request, user=user, device=device, now=timezone.now())
        return True

    assert all(together(sign_in))
    assert SignIn.objects.filter(ended_at=None).count() == 3
    assert SignIn.objects.filter(ending=SignIn.Ending.TOO_MANY).count() == THREADS - 3
