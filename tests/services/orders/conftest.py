"""A venue that says what a test wants it to, and books that must agree once a test is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import invariants, world


@pytest.fixture
def venue(db: None) -> world.Venue:
    return world.Venue()


@pytest.fixture
def agreeing(db: None) -> Iterator[None]:
    """Hold the books against the invariants afterwards."""
    yield
    invariants.assert_hold()
