"""Letting sockets in: all who come together by one look, and nobody held up by a slow page."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import DataError
from django.utils import timezone

from accounts.models import Account, SignIn
from accounts.sessions import authentication, sign_ins
from foundation.tokens import digest_of
from tests import people
from tests.services.streams.conftest import Customer
from trading.streams import admission
from trading.streams.admission import Admission


async def test_each_is_let_in_as_who_it_is_however_many_ask_together(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "AT_ONCE", 2)

    def others() -> list[str]:
        staff = people.person(is_staff=True)
        return [
            people.browser_of(user).cookies["session"].value for user in (staff, people.person())
        ]

    keys = [customer.cookie, *await sync_to_async(others)(), "nobody"]
    door, digests = Admission(), [digest_of(key) for key in keys]
    answers = await asyncio.gather(*(door.signed_in(digest) for digest in (*digests, *digests)))
    authentication.forget()
    expected = [
        await sync_to_async(sign_ins.find)(key, now=timezone.now(), is_activity=False)
        for key in keys
    ]
    assert answers == [*expected, *expected]
    assert [each and each.account_id for each in expected] == [
        customer.account.pk, None, None, None,
    ]  # fmt: skip
    assert [each is None for each in expected] == [False, False, False, True]


async def test_who_has_several_accounts_trades_in_the_one_opened_first(customer: Customer) -> None:
    later = Account(user_id=customer.account.user_id, number="later", opened_at=timezone.now())
    await sync_to_async(later.save)()
    found = await Admission().signed_in(digest_of(customer.cookie))
    assert found is not None and found.account_id == customer.account.pk


async def test_a_look_that_fails_is_everybodys_who_asked_and_the_next_is_made(
    customer: Customer,
) -> None:
    door = Admission()
    together = await asyncio.gather(
        door.signed_in("\0"), door.signed_in(digest_of(customer.cookie)), return_exceptions=True
    )
    assert [isinstance(each, DataError) for each in together] == [True, True]
    assert await door.signed_in(digest_of(customer.cookie)) is not None
    await sync_to_async(SignIn.objects.update)(ended_at=timezone.now())
    assert await door.signed_in(digest_of(customer.cookie)) is None


@pytest.mark.usefixtures("parts")
async def test_a_page_that_takes_long_holds_up_no_socket(customer: Customer) -> None:
    may_answer = threading.Event()
    view = asyncio.create_task(sync_to_async(may_answer.wait)())
    try:
        page = customer.page()
        await page.connect()
        await page.hear("hello")
        await page.say(action="nonsense")
        await page.hear("error")
        await page.disconnect()
    finally:
        may_answer.set()
    assert await view
