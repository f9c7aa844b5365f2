"""A conversation with a venue that obeys."""

from __future__ import annotations

import pytest

from tests.conversing import Stand, Talk


@pytest.fixture
def talk() -> Talk:
    return Talk(Stand())
