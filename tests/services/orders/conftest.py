"""A venue and a firm that do as a test wants, and books that must agree once it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import invariants, on_margin, world
from tests.services.orders.watched import Firm


@pytest.fixture
def venue(db: None) -> world.Venue:
    return world.Venue()


@pytest.fixture
def agreeing(db: None) -> Iterator[None]:
    """Hold the books against the invariants afterwards."""
    yield
    invariants.assert_hold()


@pytest.fixture
def firm(db: None) -> Firm:
    on_margin.instrument()
    return Firm()
