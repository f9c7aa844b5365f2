"""The whole life of a process of the program: start, serve, stop."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Final

from django.conf import settings
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from accounts import services as accounts
from orders.entry.intake import intake
from trading import first_data, parts, starting, traces
from trading.companions import Companion, Leader
from trading.parts import Role
from trading.starting import UnableToStart, step
from trading.supervisor import Supervisor, Watch
from trading.web_servers import SERVERS, WebServer

FIRST_BEAT_SECONDS_MAX: Final = 60.0
PARTS_STOP_SECONDS_MAX: Final = 8.0
INTAKE_CLOSE_SECONDS_MAX: Final = 5.0
ENDED_BY_SIGNAL: Final = 130
MANAGE: Final = ".venv/bin/python manage.py"


class Stopped(BaseException):
    """We were asked to stop while we were starting."""


class Stopping:
    """What Ctrl-C and SIGTERM do: stop in order; asked again, drain no longer; again, end."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self._times = 0
        self._stop_serving: Callable[[], None] | None = None

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def once_asked(self, stop_serving: Callable[[], None]) -> None:
        """From here on, do this when asked; until here, starting is broken off."""
        self._stop_serving = stop_serving

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._times += 1
        was_asked = self.is_asked.is_set()
        self.is_asked.set()
        if self._times > 2:  # it hangs, and the person has had enough
            os._exit(ENDED_BY_SIGNAL)
        if self._stop_serving is not None:
            self._stop_serving()
        elif not was_asked:
            raise Stopped


class Program:
    """A process that runs `roles`, and the web server `server` if web is one of them.

    With more than one of `processes` the others are its companions. One that has a `leader` is a
    companion itself: it says nothing and finds everything ready.
    """

    def __init__(
        self,
        *,
        roles: frozenset[Role],
        server: str,
        say: Callable[[str], None],
        processes: int = 1,
        leader: Leader | None = None,
    ) -> None:
        self._roles = roles
        self._server = server
        self._say = say
        self._companions = [Companion(server, number) for number in range(1, processes)]
        self._leader = leader
        self._stopping = Stopping()

    def run(self) -> None:
        """Start, serve until asked to stop, and stop everything that was started.

        Raises UnableToStart or UnableToRunPostgres with a sentence for the person at the
        terminal.
        """
        self._stopping.listen()
        if self._leader is not None:
            self._leader.follow()
        try:
            with ExitStack() as stack:
                self._start_and_serve(stack)
                self._say("Stopping ...")
        except Stopped:
            self._say("Stopped before it had started.")
        else:
            self._say("Stopped.")

    def _start_and_serve(self, stack: ExitStack) -> None:
        starting.check_settings()
        self._begin_traces(stack)
        listening = None
        if Role.WEB in self._roles:
            starting.allow_sockets()
            listening = self._take_port()
            stack.callback(listening.close)
        if Role.VENUE in self._roles:
            stack.enter_context(starting.take_venue(settings.HOME))
        self._say("Openfloor is starting.")
        watches = self._prepare(stack)
        web: WebServer | None = None
        if listening is not None:
            from trading.asgi import application

            web = SERVERS[self._server](application, listening)
            stack.callback(intake.close, INTAKE_CLOSE_SECONDS_MAX)
        _keep_what_was_made()
        self._start_parts(stack, watches)
        if web is None:
            self._say(f"\nRunning: {', '.join(sorted(self._roles))}. Ctrl-C stops it.")
            self._stopping.once_asked(lambda: None)
            self._stopping.is_asked.wait()
            return
        self._serve(web)

    def _begin_traces(self, stack: ExitStack) -> None:
        if settings.OTLP_ENDPOINT:
            try:
                begun = traces.begin(
                    endpoint=settings.OTLP_ENDPOINT, ratio=settings.OTLP_SAMPLE_RATIO
                )
            except traces.UnableToTrace as error:
                raise UnableToStart(str(error)) from error
            stack.callback(begun.end)

    def _take_port(self) -> socket.socket:
        host, port = settings.HOST, settings.PORT
        if self._leader is not None:
            return starting.join_port(host=host, port=port)
        return starting.take_port(host=host, port=port, is_shared=bool(self._companions))

    def _prepare(self, stack: ExitStack) -> list[Watch]:
        """Make database, Redis and first data ready; return what of it must be watched."""
        watches = []
        embedded = starting.embedded_server()
        if embedded is not None:
            with step(self._say, "PostgreSQL"):
                stack.enter_context(embedded)
                if self._leader is None:
                    starting.check_in_charge(embedded)
            watches.append(Watch(name="postgres", run=embedded.keep_running))
        stack.callback(_close_pool)
        if self._leader is not None:
            return watches
        with step(self._say, "Tables"):
            starting.reach_database()
            starting.migrate()
        if settings.REDIS_URL:
            with step(self._say, "Redis"):
                starting.reach_redis()
        with step(self._say, "First data"):
            starting.load_first_data()
        if settings.PRODUCTION and Role.WEB in self._roles:
            with step(self._say, "Files of the pages"):
                starting.collect_static()
        return watches

    def _start_parts(self, stack: ExitStack, watches: list[Watch]) -> None:
        watches += [Watch(name=p.name, run=p.resolve()) for p in parts.of_roles(self._roles)]
        watches += [
            Watch(name=f"web-{number}", run=companion.run)
            for number, companion in enumerate(self._companions, start=2)
        ]
        supervisor = Supervisor(watches)
        stack.callback(supervisor.stop, PARTS_STOP_SECONDS_MAX)
        with step(self._say, f"{len(watches)} parts, from {watches[0].name} to {watches[-1].name}"):
            supervisor.start()
            silent = supervisor.wait_until_all_beat(FIRST_BEAT_SECONDS_MAX)
        for name in silent:
            self._say(f"  {name} is not at work yet: /readyz tells more.")

    def _serve(self, web: WebServer) -> None:
        self._stopping.once_asked(lambda: self._stop_serving(web))
        try:
            web.run(on_ready=self._announcing())
        except OSError as error:
            raise UnableToStart(
                f"Port {settings.PORT} cannot be listened on ({error.strerror}): set PORT."
            ) from error
        if not self._stopping.is_asked.is_set():
            raise UnableToStart(f"The web server {self._server} has ended by itself.")

    def _stop_serving(self, web: WebServer) -> None:
        for companion in self._companions:
            companion.begin_to_stop()
        web.stop()

    def _announcing(self) -> Callable[[], None]:
        """Return what to do once connections are accepted."""
        if self._leader is not None:
            return self._leader.hear_that_we_serve
        welcome = _welcome()
        return lambda: self._say(welcome)


def _welcome() -> str:
    """Return how to come in, with a fresh one-time link for each of the first people."""
    base = f"http://localhost:{settings.PORT}"
    lines = ["", f"Openfloor is open at {base}", ""]
    if settings.DEMO:
        now = timezone.now()
        lines.append("  Sign in, each link once and within 10 minutes:")
        for user in first_data.people():
            token = accounts.new_sign_in_link(user, now)
            path = reverse("sign_in_link", kwargs={"token": token})
            lines.append(f"  {user.name:<14} {base}{path}")
        lines += [
            "",
            f"  Another link    {MANAGE} sign_in_link EMAIL",
            f"  For programs    {MANAGE} open_account EMAIL --deposit 100000 --api-key",
            "",
        ]
    return "\n".join([*lines, "  Ctrl-C stops everything. Your data stays for the next start.", ""])


def _keep_what_was_made() -> None:
    """Take what the start has made out of every later collection of garbage.

    It stays until the end: to look through it again stopped all threads for some 70 ms.
    """
    gc.collect()
    gc.freeze()


def _close_pool() -> None:
    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]
