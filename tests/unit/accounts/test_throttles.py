from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.sessions import throttles


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, None), (4, None), (5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (1000, 3600)],
)
def test_waiting_begins_with_the_last_free_attempt_and_doubles(attempts, seconds):
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert throttles.wait_after(attempts, free=5) == expected


@given(st.integers(1, 10_000), st.integers(1, 100))
def test_more_attempts_never_wait_less(attempts, free):
    now = throttles.wait_after(attempts, free=free) or timedelta(0)
    later = throttles.wait_after(attempts + 1, free=free) or timedelta(0)
    assert now <= later <= throttles.WAIT_MAX


def test_a_victim_is_counted_apart_from_an_attacker_at_another_address():
    mine, theirs = (
        throttles.sign_in_subjects(email="a@example.com", address=address)[0].digest
        for address in ("192.0.2.1", "192.0.2.2")
    )
    assert mine != theirs
