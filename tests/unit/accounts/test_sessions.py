from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import SignIn
from accounts.sessions import sign_ins

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("is_staff", "age", "idle"),
    [
        (False, timedelta(hours=12), timedelta(minutes=30)),
        (True, timedelta(hours=8), timedelta(minutes=15)),
    ],
)
def test_limits_hold_to_the_second(is_staff, age, idle):
    def ending(*, started, seen, now):
        return sign_ins.ending(started_at=started, seen_at=seen, is_staff=is_staff, now=now)

    assert ending(started=START, seen=START, now=START + idle - SECOND) is None
    assert ending(started=START, seen=START, now=START + idle) is SignIn.Ending.IDLE
    seen = START + age - SECOND
    assert ending(started=START, seen=seen, now=START + age - SECOND) is None
    assert ending(started=START, seen=seen, now=START + age) is SignIn.Ending.TOO_LONG
