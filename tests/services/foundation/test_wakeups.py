"""Hints, as a program hears them that has no listener."""

from __future__ import annotations

import psycopg
import pytest

from foundation import wakeups
from foundation.wakeups import Channel

pytestmark = pytest.mark.django_db


def test_a_hint_ends_the_wait_and_without_one_it_ends_by_itself(owner_conninfo):
    with (
        wakeups.hearing(Channel.ACTIVITY) as hears,
        psycopg.connect(owner_conninfo, autocommit=True) as other,
    ):
        assert not hears(0.0)
        other.execute(f"NOTIFY {Channel.INBOX.value}")
        assert not hears(0.01)
        other.execute(f"NOTIFY {Channel.ACTIVITY.value}, 'an account'")
        assert hears(60.0)
