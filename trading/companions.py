"""More processes of the web role beside the first one: the same port, an intake of their own.

Python runs one thread of a process at a time, so that all who call and the intake take turns. A
companion is this program once more, with its web role alone. It listens on the same port, and the
system gives it its share of the connections; what they decide about one account the account's lock
puts in order. All else stays in the process that started it, which watches it as it does a part,
starts another when it ends, and takes it along however it ends itself.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from django.conf import settings

from trading.settings import BASE_DIR

LOOK_SECONDS: Final = 0.1
STOP_SECONDS_MAX: Final = 7.0
PROCESSES_MAX: Final = 8


class CompanionEnded(RuntimeError):
    """The process is gone although nobody had told it to stop."""


class Companion:
    """Another process with the web role, as a part of this one."""

    def __init__(self, server: str, number: int) -> None:
        self._server = server
        self._number = number
        self._line: socket.socket | None = None
        self._is_told = False

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Have the process until `stop`; it beats once it serves. Raises CompanionEnded."""
        line, theirs = socket.socketpair()
        with line:
            with theirs:
                process = self._begin(theirs)
            try:
                self._take(line)
                self._watch(process, line, stop, beat)
            finally:
                self._line = None
                line.close()
                _wait(process)

    def begin_to_stop(self) -> None:
        """Let it drain and end, and start no other. A signal handler may call this: no locks."""
        self._is_told = True
        line = self._line
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_WR)

    def _begin(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        number = theirs.fileno()
        serve = (sys.executable, "manage.py", "serve", "--role", "web", "--server", self._server)
        return subprocess.Popen(
            [*serve, "--companion", str(number)],
            cwd=BASE_DIR,
            env={**os.environ, **self._own_settings()},
            pass_fds=(number,),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the first process, which tells this one
        )

    def _own_settings(self) -> dict[str, str]:
        """Return what each process needs of its own: a port for its metrics."""
        port = settings.METRICS_PORT
        return {"METRICS_PORT": str(port + self._number)} if port else {}

    def _take(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._line = line
        if self._is_told:
            self.begin_to_stop()

    def _watch(
        self,
        process: subprocess.Popen[bytes],
        line: socket.socket,
        stop: threading.Event,
        beat: Callable[[], None],
    ) -> None:
        serves = False
        while not stop.wait(LOOK_SECONDS):
            if process.poll() is not None and not self._is_told:
                raise CompanionEnded(f"process {process.pid} ended with {process.returncode}")
            with suppress(BlockingIOError):
                serves = serves or bool(line.recv(1))
            if serves:
                beat()


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was told to stop; one that takes too long is killed."""
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Leader:
    """The process that has started this one, at the other end of a line."""

    def __init__(self, number: int) -> None:
        self._line = socket.socket(fileno=number)

    def follow(self) -> None:
        """From now on, stop when it says so or is gone."""
        threading.Thread(target=self._listen, name="leader", daemon=True).start()

    def hear_that_we_serve(self) -> None:
        with suppress(OSError):  # it is gone: `follow` knows
            self._line.send(b"!")

    def _listen(self) -> None:
        with suppress(OSError):
            self._line.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)
