"""One refresh token in many hands at once, with real transactions."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Phone, RefreshToken
from accounts.phones import staying, tokens
from accounts.phones.staying import TokenReused, UnknownToken
from tests import people

pytestmark = pytest.mark.usefixtures("committed")

THREADS = 8
DEVICE = "installation-0001"


def a_phone() -> tuple[str, datetime]:
    """Sign a phone in, and return its refresh token and when that was."""
    user, now = people.person(), timezone.now()
    pair = tokens.new_pair()
    phone = Phone.objects.create(
        user=user,
        name="phone",
        device_digest=tokens.digest_of(DEVICE),
        password_stamp=tokens.digest_of(user.get_session_auth_hash()),
        factor="authenticator app",
        started_at=now,
        seen_at=now,
        proved_at=now,
        strength=2,
        access_digest=tokens.digest_of(pair.access),
        access_until=now + tokens.ACCESS_LASTS,
    )
    RefreshToken.objects.create(digest=tokens.digest_of(pair.refresh), phone=phone, issued_at=now)
    return pair.refresh, now


def at_once(token: str, *, now: datetime) -> Counter[object]:
    """Let all threads exchange `token` at the same time; return what they were answered."""
    begin = Barrier(THREADS)

    def exchange(_: int) -> object:
        begin.wait()
        try:
            return staying.refresh(token, device_id=DEVICE, now=now)
        except (TokenReused, UnknownToken) as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(exchange, range(THREADS)))


def test_eight_with_one_refresh_token_exchange_it_once_and_get_one_answer():
    token, now = a_phone()
    answers = at_once(token, now=now)
    ((pair, count),) = answers.items()
    assert count == THREADS
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.get(used_at=None).digest == tokens.digest_of(pair.refresh)
    assert staying.of_access(pair.access, now=now) is not None


def test_eight_with_a_refresh_token_that_is_over_end_the_phone_once_and_get_nothing():
    token, now = a_phone()
    pair = staying.refresh(token, device_id=DEVICE, now=now)
    later = now + timedelta(seconds=10)
    assert at_once(token, now=later) == {TokenReused: 1, UnknownToken: THREADS - 1}
    assert Phone.objects.get().ending == Phone.Ending.REUSED
    assert staying.of_access(pair.access, now=later) is None
