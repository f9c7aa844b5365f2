"""The program comes up from anything, and goes down without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tests import database
from tests.live_server import LiveServer, free_port, processes_of
from tests.patience import DEADLINE_SECONDS, until
from trading.parts import PARTS
from trading.settings import BASE_DIR, postgres_socket_folder


def refusal(server, **environment):
    """Start the program where it cannot; return the one sentence that it says."""
    before = len(server.log)
    server.start(until_ready=False, **environment)
    code = server.process.wait(timeout=DEADLINE_SECONDS)
    log = server.log[before:]
    assert code != 0, log
    assert "Traceback" not in log
    assert not (server.home / "postgres" / "postmaster.pid").exists()
    return [line for line in log.splitlines() if line.strip()][-1]


def assert_nothing_is_left(server):
    assert server.log.rstrip().endswith("Stopped.")
    assert processes_of(server.home) == []
    assert not postgres_socket_folder(server.home).exists()
    assert not (server.home / "postgres" / "postmaster.pid").exists()


@pytest.fixture
def nowhere(tmp_path):
    """A program in an empty folder: to be refused before it has made anything."""
    server = LiveServer(home=tmp_path / "home")
    server.home.mkdir()
    yield server
    server.dispose()


@pytest.fixture(scope="module")
def program():
    """One data folder for the tests of this file, which kill and stop what runs on it."""
    server = LiveServer.placed(Path(settings.RUN) / f"program-{settings.WORKER}")
    yield server
    server.dispose()


@pytest.fixture
def running(program):
    """The program, ready to trade, whatever the test before has done to it."""
    if program.process is None or program.process.poll() is not None:
        program.start()
    return program


def test_a_newcomer_is_welcomed_with_a_link_for_each_of_two_people(program):
    program.stop()
    before = len(program.log)
    program.start()

    said = program.log[before:]
    assert f"Openfloor is open at http://localhost:{program.port}" in said
    assert said.count("/sign-in/link/") == 2
    assert "warning" not in said
    assert "error" not in said


def test_a_second_program_of_the_same_folder_says_so_and_leaves_the_first_alone(running):
    second = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=BASE_DIR,
        env={**database.program_environment(running.home), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )

    assert second.returncode != 0
    assert second.stderr.strip() == (
        f"CommandError: Process {running.pid} serves the data folder {running.home} already: end "
        "that one, start other roles with --role, or set OPENFLOOR_HOME to another folder."
    )
    assert running.readiness()[0] == 200


def test_a_killed_program_s_successor_takes_over_its_database_and_ctrl_c_stops_both(running):
    before = processes_of(running.home)

    running.kill()
    running.start()  # what a killed program held, nobody holds

    assert {p.pid for p in before} & {p.pid for p in processes_of(running.home)}
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=DEADLINE_SECONDS) == 0
    assert_nothing_is_left(running)


def test_a_power_cut_blocks_nothing(running):
    running.kill()
    for process in processes_of(running.home):
        process.kill()
    until(lambda: not processes_of(running.home))
    assert (running.home / "postgres" / "postmaster.pid").exists()

    running.start()

    assert running.readiness()[0] == 200


def test_a_database_that_dies_comes_back_and_sigterm_stops_it_too(running):
    pid_file = running.home / "postgres" / "postmaster.pid"
    died = pid_file.read_text().split()[0]

    os.kill(int(died), signal.SIGKILL)

    def is_another_there() -> bool:
        return pid_file.exists() and pid_file.read_text().split()[:1] not in ([], [died])

    until(is_another_there)
    back_at = timezone.now()

    def has_everybody_beaten_since() -> bool:
        status, checks = running.readiness()
        since = (timezone.now() - back_at).total_seconds()
        parts = [checks[part.name] for part in PARTS if part.trades and part.name in checks]
        return status == 200 and max(part["age_seconds"] for part in parts) < since

    until(has_everybody_beaten_since)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=DEADLINE_SECONDS) == 0
    assert_nothing_is_left(running)


def test_asked_to_stop_while_it_starts_it_leaves_nothing_running(program):
    program.stop()
    before = len(program.log)
    program.start(until_ready=False)
    until(lambda: "PostgreSQL" in program.log[before:])

    assert program.stop() == 0
    assert processes_of(program.home) == []


def test_a_taken_port_is_said_in_one_sentence_before_anything_is_started(nowhere):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # chosen and taken at once: nobody comes between
        other.listen()
        port = other.getsockname()[1]

        said = refusal(nowhere, PORT=str(port))

    assert said.startswith(f"CommandError: Port {port} is taken by another program")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"OPENFLOOR_HOME": "/proc/openfloor"}, "The data folder /proc/openfloor cannot be"),
        (
            {"OPENFLOOR_HOME": "/proc/openfloor", "SECRET_KEY": "given" * 10},
            "The data folder /proc/openfloor cannot be",
        ),
        (
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"},
            "The database cannot be reached",
        ),
        ({"DATABASE_URL": "mysql://here"}, "DATABASE_URL must be like postgresql://"),
        ({"PORT": "no number"}, "PORT"),
        ({"MARKET_ROUND_SECONDS": "5"}, '"MARKET_ROUND_SECONDS" invalid'),
        ({"PRODUCTION": "1"}, "Set SECRET_KEY"),
        (
            {
                "PRODUCTION": "1",
                "SECRET_KEY": "x" * 50,
                "PROOF_AGE_SECONDS_MAX": "300",
                "OPENFLOOR_FAILPOINTS": "a=kill",
            },
            "OPENFLOOR_FAILPOINTS is set",
        ),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(nowhere, environment, sentence):
    assert sentence in refusal(nowhere, **environment)


def test_redis_that_cannot_be_reached_is_said_in_one_sentence_too(program):
    program.stop()

    said = refusal(program, REDIS_URL="redis://127.0.0.1:1")

    assert "Redis at REDIS_URL cannot be reached" in said


@pytest.mark.parametrize("program", ["manage.py", "install.py"])
def test_an_old_python_is_said_in_one_sentence(program):
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); sys.version = '3.9.2';"
        f"runpy.run_path({program!r}, run_name='__main__')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", pretend], cwd=BASE_DIR, capture_output=True, text=True
    )

    assert finished.returncode == 1
    assert finished.stderr.strip() == "Openfloor needs Python 3.11 or newer; this is 3.9.2."
