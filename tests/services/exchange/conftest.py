import pytest
from django.utils import timezone

from foundation import failpoints


@pytest.fixture
def without_participants(monkeypatch):
    """An exchange on which nobody trades but us, so that a test can say what happens."""
    monkeypatch.setattr("venues.exchange.market.Market.step", lambda self, now, engine: [])


@pytest.fixture
def failing(monkeypatch):
    """Make a failpoint raise on its next arrival."""

    def at(name: str) -> None:
        monkeypatch.setattr(failpoints, "_points", {name: ("raise", 1)})
        monkeypatch.setattr(failpoints, "_arrivals", {})

    return at


@pytest.fixture
def now():
    return timezone.now()
