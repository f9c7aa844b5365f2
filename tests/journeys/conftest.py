"""The market of a journey: real commits, and the parts of the program at work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import invariants, parts


@pytest.fixture
def market(committed: None) -> Iterator[None]:
    """Run what trades until the journey is over, and hold the books against the invariants."""
    with parts.at_work():
        yield
    invariants.assert_hold()
