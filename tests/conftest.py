"""What tests stand on: a real PostgreSQL, rolled back or wiped, and the real program running."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from tests import database
from tests.live_server import LiveServer
from trading.settings import BASE_DIR

# How long an example takes says something of the machine, and nothing of us. Examples are the same
# in every run: what is green stays green until somebody changes it. To look for others:
# `pytest --hypothesis-profile=searching`.
for name, is_repeated in (("searching", False), ("patient", True)):
    hypothesis.settings.register_profile(
        name,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
        derandomize=is_repeated,
    )
hypothesis.settings.load_profile("patient")

# Their programs are started and waited for: one worker begins with them, while the other has work
# for a whole processor. They must not be left for the end, when there is nothing else to do.
LIVE: Final = ("browser", "compat", "faults")
# They need no database, which is migrated meanwhile.
PURE: Final = ("unit",)
# Then what takes long, so that what takes short fills the end of both.
LONG: Final = ("architecture", "simulation", "journeys", "golden", "concurrency")
# Real processes, browsers and sockets in real time, on a machine that is shared and stands still
# at times. What falls there is tried once more, and the summary names it (RERUN): something to look
# into. Rules, money and races have one try.
TRIED_TWICE: Final = frozenset({*LIVE, "journeys", "streams"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests into the order that keeps all workers busy to the end.

    A worker gets an equal share of them, the first of the first worker; whoever has done his takes
    from the end of another's.
    """
    for item in items:
        if TRIED_TWICE.intersection(item.path.relative_to(BASE_DIR / "tests").parts[:2]):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if not hasattr(config, "workerinput"):
        return
    share = len(items) // config.workerinput["workercount"]
    kinds: dict[tuple[str, ...], list[pytest.Item]] = {LIVE: [], PURE: [], LONG: [], (): []}
    for item in items:
        folder = item.path.relative_to(BASE_DIR / "tests").parts[0]
        kinds[next(kind for kind in kinds if folder in kind or not kind)].append(item)
    rest = kinds[()]
    first = max(0, share - len(kinds[LIVE]))
    items[:] = [*kinds[LIVE], *rest[:first], *kinds[PURE], *kinds[LONG], *rest[first:]]


def pytest_collection_finish() -> None:
    """Let the collector look at what tests leave behind, not at thousands of tests each time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, also when a worker died and left its server running."""
    if hasattr(config, "workerinput"):
        return
    run = Path(settings.RUN)
    database.abandon(run)
    shutil.rmtree(run, ignore_errors=True)
    os.environ.pop("OPENFLOOR_TEST_RUN", None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One server for the run, one database for this worker, migrated."""
    run = Path(settings.RUN)
    database.place_cluster(run)
    with database.server_at(run) as server:
        database.make_database(server, settings.DATABASES["default"]["NAME"])
        yield
        database.leave(_owner_conninfo())
        with django_db_blocker.unblock():
            connections["default"].close_pool()


def _owner_conninfo() -> str:
    owner = settings.DATABASES["owner"]
    return f"host={owner['HOST']} port={owner['PORT']} user={owner['USER']} dbname={owner['NAME']}"


@pytest.fixture
def owner_conninfo(django_db_setup: None) -> str:
    """How the schema's owner reaches this worker's database: for what the program may not do."""
    return _owner_conninfo()


@pytest.fixture
def committed(owner_conninfo: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Real commits, seen by every thread and connection; all is wiped afterwards."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        cache.clear()
    database.wipe(owner_conninfo)


@pytest.fixture
def seals(settings: Settings, tmp_path: Path) -> Path:
    """The folder that the days of this test are sealed into, and no other's."""
    settings.SEALS = tmp_path / "seals"
    return settings.SEALS


class Shared:
    """The program of those tests that bring what they need: started by the first, ended by the last
    of them in a row, as it takes a part of a processor for as long as it runs."""

    def __init__(self) -> None:
        self._server: LiveServer | None = None
        self._made = 0

    def running(self) -> LiveServer:
        if self._server is not None and self._server.has_ended():
            self.end()
        if self._server is None:
            self._made += 1
            home = Path(settings.RUN) / f"shared-{settings.WORKER}-{self._made}"
            self._server = LiveServer.placed(home, LOG_ORDERS="true")
            self._server.start()
        return self._server

    def end(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.dispose()


_shared = Shared()


@pytest.fixture(scope="session")
def shared() -> Shared:
    """What runs one program for every test of a worker that only adds to it."""
    return _shared


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Function | None) -> None:
    if nextitem is None or "shared" not in nextitem.fixturenames:
        _shared.end()


def pytest_sessionfinish() -> None:
    """End it also when the tests were broken off."""
    _shared.end()


@pytest.fixture
def live_servers() -> Iterator[Callable[..., LiveServer]]:
    """A maker of programs to run, each with a home, a port and a database of its own."""
    made: list[LiveServer] = []

    def make(**environment: str) -> LiveServer:
        home = Path(settings.RUN) / f"live-{settings.WORKER}-{len(made)}"
        made.append(LiveServer.placed(home, **environment))
        return made[-1]

    yield make
    for server in made:
        server.dispose()
