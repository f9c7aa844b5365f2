"""One running program for all the clients of a module: they only add to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import database
from tests.live_server import LiveServer


@pytest.fixture(scope="module")
def program() -> Iterator[LiveServer]:
    home = Path(settings.RUN) / f"compat-{settings.WORKER}"
    database.place_cluster(home, has_market=True)
    server = LiveServer(home=home)
    try:
        server.start()
        yield server
    finally:
        server.dispose()
