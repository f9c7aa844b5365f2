"""The port is taken by one program, and shared with nobody but its own processes; how many sockets
that may have."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.live_server import free_port
from trading.starting import FILES_MAX, UnableToStart, allow_sockets, join_port, take_port

HOST = "127.0.0.1"


@pytest.fixture
def sockets():
    made = []
    yield made
    for each in made:
        each.close()


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_port_that_is_taken_is_refused_to_another_program(sockets, is_shared):
    port = free_port()
    sockets.append(take_port(host=HOST, port=port, is_shared=is_shared))
    sockets[0].listen()

    with pytest.raises(UnableToStart, match=f"Port {port} is taken by another program"):
        sockets.append(take_port(host=HOST, port=port, is_shared=True))


def test_a_shared_port_is_joined_by_as_many_as_want(sockets):
    port = free_port()
    sockets.append(take_port(host=HOST, port=port, is_shared=True))
    sockets.extend(join_port(host=HOST, port=port) for _ in range(2))

    for each in sockets:
        each.listen()

    assert {each.getsockname() for each in sockets} == {(HOST, port)}


def test_a_port_that_is_not_shared_cannot_be_joined(sockets):
    port = free_port()
    sockets.append(take_port(host=HOST, port=port))
    sockets[0].listen()

    with pytest.raises(UnableToStart, match=f"Port {port} is taken"):
        sockets.append(join_port(host=HOST, port=port))


@pytest.fixture
def few_files() -> Iterator[int]:
    """The number of files that this process might have, where it has few."""
    given, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, (given, most))


def test_a_web_process_has_as_many_sockets_as_the_system_lets_it(few_files: int) -> None:
    allow_sockets()
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert (now, most) == (min(few_files, FILES_MAX), few_files)
