"""One server for each data folder, whoever uses it and however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import database
from tests.live_server import processes_of
from trading import postgres_account
from trading.postgres import Server
from trading.postgres_account import UnableToRunPostgres
from trading.settings import BASE_DIR


@pytest.fixture
def unmade(tmp_path):
    """A server that was never started."""
    place = database.server_at(tmp_path / "home")
    yield place
    place.stop()
    assert processes_of(place.data.parent) == []


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The data of a server that was made and has stopped: to make it is what takes long."""
    with database.server_at(tmp_path_factory.mktemp("made") / "home") as place:
        pass
    return place.data


@pytest.fixture
def server(unmade, stopped):
    """A server that was started before, with data of its own."""
    unmade.data.parent.mkdir()
    subprocess.run(["cp", "-a", str(stopped), str(unmade.data)], check=True)
    return unmade


def answer(server: Server) -> str:
    with psycopg.connect(server.conninfo) as connection:
        return str(connection.execute("SELECT current_user").fetchone()[0])


def restarted(server: Server) -> Server:
    """Return what another process would use for the same folder."""
    return Server(
        data=server.data,
        socket_folder=server.socket_folder,
        owner=server.owner,
        database=server.database,
        durable=False,
    )


def test_it_is_made_on_first_use_below_a_folder_that_only_we_can_enter(unmade):
    unmade.data.parent.mkdir(mode=0o700)

    unmade.start()

    assert answer(unmade) == "openfloor"
    assert unmade.data.stat().st_mode & 0o777 == 0o700
    assert unmade.socket_folder.stat().st_mode & 0o777 == 0o700


def test_it_listens_on_no_port(server):
    server.start()

    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute("SHOW listen_addresses").fetchone()
    assert row == ("",)


def test_the_default_is_durable(tmp_path):
    durable = Server(
        data=tmp_path / "postgres", socket_folder=tmp_path / "s", owner="openfloor", database="d"
    )
    with durable, psycopg.connect(durable.conninfo) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_the_last_to_leave_stops_it(server):
    server.start()
    other = restarted(server)
    other.start()

    server.stop()
    assert answer(server) == "openfloor"

    other.stop()
    with pytest.raises(psycopg.OperationalError):
        answer(server)


def test_whoever_is_killed_counts_as_gone(server):
    code = (
        "import os, sys; from pathlib import Path; from tests import database;"
        "database.server_at(Path(sys.argv[1])).start(); os.kill(os.getpid(), 9)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, str(server.data.parent)],
        cwd=BASE_DIR,
        env=database.program_environment(server.data.parent),
    )
    assert finished.returncode == -signal.SIGKILL
    assert answer(server) == "openfloor"

    server.start()
    server.stop()

    with pytest.raises(psycopg.OperationalError):
        answer(server)


def test_a_stale_pid_file_that_names_a_stranger_blocks_nothing(server):
    """As after a restart of a container, where process ids begin again."""
    server.start()
    server.stop()
    pid_file = server.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{server.data}\n1\n5432\n{server.socket_folder}\n\n1 1\n")
    pid_file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(pid_file, server.data.stat().st_uid, server.data.stat().st_gid)

    server.start()

    assert answer(server) == "openfloor"


def test_a_killed_server_leaves_nothing_in_the_way(server):
    server.start()
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    other = restarted(server)

    other.start()

    assert answer(other) == "openfloor"
    assert int((server.data / "postmaster.pid").read_text().split()[0]) != pid
    other.stop()


def test_a_server_whose_socket_was_cleaned_away_is_replaced(server, monkeypatch):
    monkeypatch.setattr("trading.postgres.ANSWER_SECONDS_MAX", 0.5)
    server.start()
    for left in server.socket_folder.iterdir():
        left.unlink()
    other = restarted(server)

    other.start()

    assert answer(other) == "openfloor"
    other.stop()


def test_a_first_start_that_was_cut_short_is_done_over(unmade):
    unfinished = unmade.data.with_name("postgres.unfinished")
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    unmade.start()

    assert answer(unmade) == "openfloor"
    assert not unfinished.exists()


def test_another_version_s_data_is_left_alone(server):
    server.start()
    server.stop()
    version = server.data / "PG_VERSION"
    version.write_text("17\n")

    with pytest.raises(UnableToRunPostgres, match="made by PostgreSQL 17"):
        server.start()
    assert version.read_text() == "17\n"


def test_a_socket_folder_of_somebody_else_s_is_refused(server):
    other = Path(f"{server.socket_folder}-elsewhere")
    other.mkdir()
    server.socket_folder.symlink_to(other)
    try:
        with pytest.raises(UnableToRunPostgres, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket_folder.unlink()
        other.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_below_a_closed_folder_the_system_user_gets_one_capability_and_no_more(unmade):
    unmade.data.parent.mkdir(mode=0o700)
    unmade.start()

    pid = int((unmade.data / "postmaster.pid").read_text().split()[0])
    status = Path(f"/proc/{pid}/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))

    assert psutil.Process(pid).uids().effective != 0
    assert int(effective.split()[1], 16).bit_count() == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_without_setpriv_a_closed_folder_is_refused_with_a_sentence(unmade, monkeypatch):
    monkeypatch.setattr(postgres_account.shutil, "which", lambda _name: None)
    unmade.data.parent.mkdir(mode=0o700)

    with pytest.raises(UnableToRunPostgres, match="cannot enter"):
        unmade.start()
