"""The real program as a process of its own: started, killed and started again by tests."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import psutil
from django.conf import settings

from tests import database
from tests.console import Console
from tests.patience import DEADLINE_SECONDS, until
from trading.settings import BASE_DIR

# Several programs share a small machine in tests, and a machine stands still at times: what we
# have of the market and of a venue may be this old, and trading goes on.
AGE_SECONDS_MAX: Final = "300"
# Nor need their markets be lively: they share that machine.
ROUND_SECONDS: Final = "0.5"


@dataclass(kw_only=True)
class LiveServer:
    """`manage.py serve` with its data in `home`, listening on `port`."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def placed(cls, home: Path, **environment: str) -> Self:
        """Return a program to be started, its market listed, unless its database is elsewhere."""
        home.mkdir(parents=True)
        if "DATABASE_URL" not in environment:
            database.place_cluster(home, has_market=True)
        return cls(home=home, environment=environment)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError("The program was not started.")
        return self.process.pid

    @property
    def log(self) -> str:
        """All that the program has written so far."""
        path = self.home / "serve.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *arguments: str, until_ready: bool = True, **environment: str) -> None:
        """Start the program; by default wait until it is ready to trade."""
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *self.arguments, *arguments],
                cwd=BASE_DIR,
                env={**self._environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if until_ready:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until(lambda: self.has_ended() or self.readiness()[0] == 200)
        if self.has_ended():
            raise RuntimeError(f"serve has ended:\n{self.log}")

    def has_ended(self) -> bool:
        """Tell whether it was started and runs no more."""
        return self.process is not None and self.process.poll() is not None

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return what /readyz says: its status and its JSON; (0, {}) when nobody listens."""
        try:
            with urllib.request.urlopen(
                f"{self.base_url}/readyz", timeout=DEADLINE_SECONDS
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")
        except OSError:
            return 0, {}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another `manage.py` command on the same data, beside the server or without it."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=BASE_DIR,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )

    @cached_property
    def console(self) -> Console:
        """What commands are asked of beside the running server; it ends with `dispose`."""
        return Console(environment=self._environment())

    def kill(self) -> None:
        """End the program as a power cut does: kill -9, no farewell."""
        os.kill(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(timeout=DEADLINE_SECONDS)

    def stop(self) -> int:
        """End the program as Ctrl-C does; return its exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=DEADLINE_SECONDS)

    def dispose(self) -> None:
        """End what runs, show the log to a failing test, remove the data.

        Nothing of it is needed again, so nobody waits for an orderly end.
        """
        self.console.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()
        print(self.log)  # noqa: T201  pytest shows it when the test failed
        database.abandon(self.home)
        shutil.rmtree(self.home)

    def _environment(self) -> dict[str, str]:
        ages = ("QUOTE_AGE_SECONDS_MAX", "VENUE_SILENCE_SECONDS_MAX", "FIRM_EXPOSURE_SECONDS_MAX")
        own = {**dict.fromkeys(ages, AGE_SECONDS_MAX), "MARKET_ROUND_SECONDS": ROUND_SECONDS}
        return {
            **database.program_environment(self.home),
            **own,
            # Five minutes are soon over on a slow machine; their end has tests of its own.
            "PROOF_AGE_SECONDS_MAX": "3600",
            "PORT": str(self.port),
            **self.environment,
        }


def free_port() -> int:
    """Return a port that nobody listens on, below those that outgoing connections take.

    Each worker has its own: one that was given is not taken before it is used.
    """
    worker = int(settings.WORKER.removeprefix("gw")) if settings.WORKER != "main" else 0
    for _ in range(200):
        port = 20000 + worker % 8 * 1500 + secrets.randbelow(1500)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found.")


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
