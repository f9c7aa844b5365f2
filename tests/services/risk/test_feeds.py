"""A feed that is lost for long, or refuses us, is an alert: once for each loss."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketdata.models import FeedHealth
from risk.surveillance import feeds
from risk.surveillance.models import Alert, AlertEvidence
from trading import health

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def written(**changes: object) -> None:
    FeedHealth.objects.update_or_create(
        feed="acme",
        market="us_equity",
        defaults={
            "state": "live", "since": NOW, "live_at": NOW, "symbols": 3, "counted_since": NOW,
            "written_at": NOW, "detail": "", **changes,
        },
    )  # fmt: skip


def alerts() -> list[tuple[str, str, int]]:
    return list(Alert.objects.values_list("kind", "state", "severity"))


@pytest.mark.parametrize(
    ("seconds", "changes", "is_raised"),
    [
        (0, {}, False),
        (59, {"state": "lost"}, False),
        (60, {"state": "lost"}, True),
        (60, {"state": "connecting"}, True),  # on its way from one attempt to the next
        (60, {"state": "lost", "symbols": 0}, False),  # nobody wants it
        (60, {"state": "lost", "live_at": None}, True),  # it never was
        (61, {}, True),  # it was live when its process died
        (1, {"state": "refused"}, True),
    ],
)
def test_a_loss_is_told_when_it_is_long(settings, seconds, changes, is_raised):
    settings.FEED_LOST_SECONDS_MAX = 60.0
    now = NOW + seconds * SECOND
    is_dead = changes == {} and seconds
    written(**{"written_at": NOW if is_dead else now, **changes})
    feeds.look(now=now)
    assert bool(alerts()) is is_raised


def test_it_is_told_once_for_each_loss(settings):
    settings.FEED_LOST_SECONDS_MAX = 60.0
    for seconds in (60, 61, 90):
        now = NOW + seconds * SECOND
        written(state="lost", since=now, written_at=now, detail="closed: broken off")
        feeds.look(now=now)
    alert = Alert.objects.get()
    assert alert.summary == "The feed acme (us_equity) is lost: closed: broken off"
    assert alert.first_at == NOW
    assert AlertEvidence.objects.count() == 1
    later = NOW + 1000 * SECOND
    written(state="lost", live_at=later - 60 * SECOND, written_at=later)
    feeds.look(now=later)
    assert AlertEvidence.objects.count() == 2


def test_readiness_shows_a_feed_and_does_not_depend_on_it():
    written(state="lost", detail="key_refused: 402 KEYWORD")
    found = health.readiness(now=NOW + SECOND).checks["feed acme us_equity"]
    assert found == {
        "ready": False, "state": "lost", "since": "2026-03-02T15:30:00+00:00", "whole_until": None,
    }  # fmt: skip
    written()
    assert health.readiness(now=NOW + SECOND).checks["feed acme us_equity"]["ready"]
