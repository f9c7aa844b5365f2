"""The running program for other people's clients: they only add to it."""

from __future__ import annotations

import pytest

from tests.conftest import Shared
from tests.live_server import LiveServer


@pytest.fixture(scope="module")
def program(shared: Shared) -> LiveServer:
    return shared.running()
