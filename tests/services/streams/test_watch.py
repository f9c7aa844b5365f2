"""The watch over sign-ins: who is told when one ends, and what a look at many costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.factors.models import SignInLink
from accounts.models import Phone, SignIn, User
from accounts.phones import tokens
from accounts.sessions import authentication, sign_ins
from tests import people
from trading.streams import watch
from trading.streams.watch import Stand, Watch

pytestmark = pytest.mark.usefixtures("db")


def at_browser() -> tuple[User, Stand]:
    user = people.person()
    cookie = people.browser_of(user).cookies[settings.SESSION_COOKIE_NAME].value
    return user, Stand(sign_ins.digest_of(cookie), seen_at=time.monotonic())


def at_phone() -> tuple[Phone, Stand]:
    user, now = people.person(), timezone.now()
    phone = Phone.objects.create(
        user=user, name="phone", device_digest="0" * 64, factor="authenticator app",
        password_stamp=tokens.digest_of(user.get_session_auth_hash()), started_at=now,
        seen_at=now, proved_at=now, strength=2, access_digest=tokens.new(), access_until=now,
    )  # fmt: skip
    return phone, Stand(
        tokens.digest_of(str(phone.pk)), seen_at=time.monotonic(), phone_id=phone.pk
    )


@pytest.fixture
def sockets() -> Iterator[SimpleNamespace]:
    """A watch over sockets that note which code they are told."""
    authentication.forget()
    with ExitStack() as joined:
        over, told = Watch(), []

        def join(name: str, stand: Stand) -> None:
            joined.enter_context(over.over(stand, lambda code: told.append((name, code))))

        yield SimpleNamespace(watch=over, told=told, join=join)


def ended(user: User) -> None:
    SignIn.objects.filter(user=user).update(ended_at=timezone.now())


def gone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def changed(user: User) -> None:
    user.set_password("another long password")
    user.save()


def idle(user: User) -> None:
    ago = timezone.now() - sign_ins.CUSTOMER.idle_max
    SignIn.objects.filter(user=user).update(seen_at=ago)


def without_factor(user: User) -> None:
    SignInLink.objects.filter(user=user).update(confirmed=False)


def without_session(_user: User) -> None:
    Session.objects.all().delete()


def with_old_session(_user: User) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "end", [ended, gone, changed, idle, without_factor, without_session, with_old_session]
)
def test_whoever_is_no_longer_signed_in_is_told(
    sockets: SimpleNamespace, end: Callable[[User], None]
) -> None:
    user, stand = at_browser()
    sockets.join("page", stand)
    sockets.watch.look(None)
    assert sockets.told == []
    end(user)
    sockets.watch.look(None)
    assert sockets.told == [("page", watch.NOT_SIGNED_IN)]


def test_who_has_done_nothing_for_too_long_is_signed_out_by_the_look(
    sockets: SimpleNamespace,
) -> None:
    user, stand = at_browser()
    sockets.join("page", stand)
    idle(user)
    sockets.watch.look(None)
    assert SignIn.objects.get(user=user).ending == SignIn.Ending.IDLE


def test_only_the_sockets_of_what_has_ended_are_told(sockets: SimpleNamespace) -> None:
    user, stand = at_browser()
    _, another = at_browser()
    phone, at_the_phone = at_phone()
    for name, where in [("a", stand), ("a too", stand), ("b", another), ("c", at_the_phone)]:
        sockets.join(name, where)
    ended(user)
    sockets.watch.look(None)
    assert sorted(sockets.told) == [("a", 4401), ("a too", 4401)]
    sockets.told.clear()
    Phone.objects.filter(pk=phone.pk).update(ended_at=timezone.now())
    sockets.watch.look({at_the_phone.digest})
    assert sockets.told == [("c", 4401)]


def test_a_hint_has_nobody_else_looked_at(sockets: SimpleNamespace) -> None:
    user, stand = at_browser()
    sockets.join("page", stand)
    ended(user)
    sockets.watch.look(set())
    sockets.watch.look({"f" * 64})
    assert sockets.told == []
    sockets.watch.look({stand.digest})
    assert sockets.told == [("page", 4401)]


@pytest.mark.parametrize("is_named", [True, False])
def test_who_joins_is_looked_at_where_a_hint_came_since_the_gate_looked(
    sockets: SimpleNamespace, is_named: bool
) -> None:
    user, stand = at_browser()
    ended(user)
    sockets.watch.look({stand.digest} if is_named else None)  # before anybody has joined
    later = Stand(stand.digest, seen_at=time.monotonic() + 1e-6)
    sockets.join("seen since", later)
    sockets.watch.look(set())
    assert sockets.told == []
    sockets.join("seen before", stand)
    sockets.watch.look(set())
    assert sorted(sockets.told) == [("seen before", 4401), ("seen since", 4401)]


def test_a_look_costs_the_same_statements_however_many_are_looked_at(
    sockets: SimpleNamespace, django_assert_num_queries: Callable[[int], ExitStack]
) -> None:
    for number in range(4):
        sockets.join(str(number), at_browser()[1])
        sockets.join(str(number), at_phone()[1])
    with django_assert_num_queries(4):  # phones, sign-ins, sessions, factors
        sockets.watch.look(None)
    assert sockets.told == []


def test_many_are_looked_at_in_parts(
    sockets: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    users = [at_browser() for _ in range(3)]
    for number, (_, stand) in enumerate(users):
        sockets.join(str(number), stand)
    for user, _ in users:
        ended(user)
    sockets.watch.look(None)
    assert sorted(sockets.told) == [("0", 4401), ("1", 4401), ("2", 4401)]


def test_who_leaves_is_told_nothing() -> None:
    over, told = Watch(), list[int]()
    user, stand = at_browser()
    with over.over(stand, told.append):
        ended(user)
    over.look(None)
    assert told == []


@pytest.mark.parametrize(("unseen", "told"), [(1e9, []), (0.0, [("page", 1011)])])
def test_who_could_not_be_looked_at_for_too_long_is_closed(
    sockets: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    unseen: float,
    told: list[tuple[str, int]],
) -> None:
    monkeypatch.setattr(watch, "UNSEEN_SECONDS_MAX", unseen)
    user, stand = at_browser()
    sockets.watch.look({stand.digest})
    sockets.join("page", stand)
    with transaction.atomic():
        transaction.set_rollback(True)  # as if the database failed: it takes no statement any more
        with pytest.raises(TransactionManagementError):
            sockets.watch.look(set())
    assert sockets.told == told
    sockets.told.clear()
    ended(user)
    sockets.watch.look(set())  # whom it could not look at it looks at now
    assert sockets.told == [("page", 4401)]
