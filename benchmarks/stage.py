"""A stage for benchmarks: an embedded PostgreSQL of its own, durable, migrated, thrown away.

Import it before anything of Django's: it sets the data folder that the settings read.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile

_home = tempfile.mkdtemp(prefix="openfloor-bench-")
os.environ["OPENFLOOR_HOME"] = _home
os.environ["DJANGO_SETTINGS_MODULE"] = "trading.settings"
os.environ["LOG_LEVEL"] = "WARNING"
# Nobody quotes here, no venue is heard of, and no benchmark takes a day.
for age in ("QUOTE_AGE", "VENUE_SILENCE", "FIRM_EXPOSURE"):
    os.environ[f"{age}_SECONDS_MAX"] = "86400"
os.environ.pop("DATABASE_URL", None)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from trading import postgres  # noqa: E402
from trading.settings import HOME, POSTGRES_OWNER, postgres_socket_folder  # noqa: E402
from venues import links, outbox  # noqa: E402

server = postgres.Server(
    data=HOME / "postgres",
    socket_folder=postgres_socket_folder(),
    owner=POSTGRES_OWNER,
    database="openfloor",
)


def set_up() -> None:
    """Start the database and make its tables; all of it is gone when the program ends."""
    server.start()
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
    atexit.register(server.stop)
    call_command("migrate", verbosity=0)
    links.hear(outbox.EMBEDDED, now=timezone.now())


def pgbench_tps(*, clients: int, seconds: int = 4) -> float:
    """Return the transactions per second of `pgbench -N` (three statements, one commit each)."""
    command = [
        str(postgres.BINARIES / "pgbench"),
        "-h", str(postgres_socket_folder()),
        "-p", str(postgres.PORT),
        "-U", POSTGRES_OWNER,
        "openfloor",
    ]  # fmt: skip
    subprocess.run([*command, "-i", "-q", "-s", "4"], check=True, capture_output=True)
    run = subprocess.run(
        [*command, "-N", "-n", "-c", str(clients), "-j", "2", "-T", str(seconds)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    if found is None:
        raise SystemExit(f"pgbench printed no rate:\n{run.stdout}")
    return float(found[1])
