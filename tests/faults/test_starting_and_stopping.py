"""The program comes up from anything, and goes down without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from tests import database
from tests.live_server import free_port
from trading.settings import BASE_DIR, postgres_socket_folder


def processes_of(home):
    """Return every process that works in `home` or was started for it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.cwd().startswith(str(home)) or str(home) in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_until(condition, seconds_max=30.0):
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def refusal(server, *arguments, **environment):
    """Start the program where it cannot; return the one sentence that it says."""
    server.start(*arguments, until_ready=False, **environment)
    code = server.process.wait(timeout=60)
    said = [line for line in server.log.splitlines() if line.strip()]
    assert code != 0, server.log
    assert "Traceback" not in server.log
    return said[-1]


def test_ctrl_c_stops_every_thread_and_the_database(live_server_process):
    server = live_server_process
    assert processes_of(server.home)

    assert server.stop() == 0

    assert server.log.rstrip().endswith("Stopped.")
    assert processes_of(server.home) == []
    assert not postgres_socket_folder(server.home).exists()
    assert not (server.home / "postgres" / "postmaster.pid").exists()


def test_sigterm_stops_as_ctrl_c_does(live_server_process):
    live_server_process.process.send_signal(signal.SIGTERM)

    assert live_server_process.process.wait(timeout=30) == 0
    assert processes_of(live_server_process.home) == []


def test_asked_to_stop_while_it_starts_it_leaves_nothing_running(live_servers):
    server = live_servers()
    server.start(until_ready=False)
    assert wait_until(lambda: "PostgreSQL" in server.log)

    assert server.stop() == 0
    assert processes_of(server.home) == []


def test_a_killed_program_starts_again_and_takes_over_its_database(live_server_process):
    server = live_server_process
    before = processes_of(server.home)

    server.kill()
    server.start()

    assert {p.pid for p in before} & {p.pid for p in processes_of(server.home)}
    assert server.stop() == 0
    assert processes_of(server.home) == []


def test_a_power_cut_blocks_nothing(live_server_process):
    server = live_server_process
    server.kill()
    for process in processes_of(server.home):
        process.kill()
    assert wait_until(lambda: not processes_of(server.home))
    assert (server.home / "postgres" / "postmaster.pid").exists()

    begun = time.monotonic()
    server.start()

    assert time.monotonic() - begun < 60
    assert server.stop() == 0


def test_a_database_that_dies_comes_back_and_so_does_trading(live_server_process):
    server = live_server_process
    postmaster = int((server.home / "postgres" / "postmaster.pid").read_text().split()[0])

    os.kill(postmaster, signal.SIGKILL)

    assert wait_until(lambda: server.readiness()[0] != 200)
    assert wait_until(lambda: server.readiness()[0] == 200, 60), server.readiness()
    assert server.stop() == 0
    assert processes_of(server.home) == []


def test_a_taken_port_is_said_in_one_sentence_before_anything_is_started(live_servers):
    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        server = live_servers()

        said = refusal(server, PORT=str(port))

    assert said.startswith(f"CommandError: Port {port} is taken by another program")
    assert not (server.home / "postgres" / "postmaster.pid").exists()


def test_a_second_program_of_the_same_folder_says_so_and_leaves_the_first_alone(
    live_server_process,
):
    first = live_server_process
    environment = {**database.program_environment(first.home), "PORT": str(free_port())}

    second = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert second.returncode != 0
    assert second.stderr.strip() == (
        f"CommandError: Process {first.pid} serves the data folder {first.home} already: end that "
        "one, start other roles with --role, or set OPENFLOOR_HOME to another folder."
    )
    assert first.readiness()[0] == 200

    first.kill()
    first.start()  # what a killed program held, nobody holds


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
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "Redis at REDIS_URL cannot be reached"),
        ({"PORT": "no number"}, "PORT"),
        ({"PRODUCTION": "1"}, "Set SECRET_KEY"),
        (
            {"PRODUCTION": "1", "SECRET_KEY": "x" * 50, "OPENFLOOR_FAILPOINTS": "a=kill"},
            "OPENFLOOR_FAILPOINTS is set",
        ),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(live_servers, environment, sentence):
    assert sentence in refusal(live_servers(), **environment)


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


def test_first_data_welcomes_a_newcomer_with_a_link_for_each_of_two_people(live_server_process):
    log = live_server_process.log

    assert f"Openfloor is open at http://localhost:{live_server_process.port}" in log
    assert log.count("/sign-in/link/") == 2
    assert "warning" not in log
    assert "error" not in log
