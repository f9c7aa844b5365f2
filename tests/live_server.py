"""The real program as a process of its own: started, killed and started again by tests."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from tests import database
from tests.console import Console
from trading.settings import BASE_DIR

READY_SECONDS_MAX: Final = 90
STOP_SECONDS_MAX: Final = 30


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
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"serve ended with {self.process.returncode}:\n{self.log}")
            if self.readiness()[0] == 200:
                return
            time.sleep(0.1)
        raise RuntimeError(f"Not ready: {self.readiness()}\n{self.log}")

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return what /readyz says: its status and its JSON; (0, {}) when nobody listens."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/readyz", timeout=5) as answer:
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
            timeout=READY_SECONDS_MAX,
        )

    @cached_property
    def console(self) -> Console:
        """What commands are asked of beside the running server; it ends with `dispose`."""
        return Console(environment=self._environment())

    def kill(self) -> None:
        """End the program as a power cut does: kill -9, no farewell."""
        os.kill(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(timeout=STOP_SECONDS_MAX)

    def stop(self) -> int:
        """End the program as Ctrl-C does; return its exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=STOP_SECONDS_MAX)

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
        # Several programs share a small machine in tests: a quote may come a little late.
        own = {"PORT": str(self.port), "QUOTE_AGE_SECONDS_MAX": "15", **self.environment}
        return {**database.program_environment(self.home), **own}


def free_port() -> int:
    """Return a port that nobody listens on, below those that outgoing connections take."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found.")
