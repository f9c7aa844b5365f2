"""Whichever web server serves: who was being answered gets the answer, who comes late does not."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from urllib.error import URLError

import pytest

from tests.live_server import free_port
from tests.patience import DEADLINE_SECONDS, until
from trading.settings import BASE_DIR

FOR_EVER = 3600

PROGRAM = """
import asyncio, os, signal, socket, sys
from trading import web_servers
web_servers.DRAIN_SECONDS_MAX = float(sys.argv[3])

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    print("asked", flush=True)
    await asyncio.sleep(3600 if scope["path"] == "/hangs" else 1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})

listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", int(sys.argv[2])))
server = web_servers.SERVERS[sys.argv[1]](application, listening)

def hear(*_):
    server.stop()
    os.write(1, b"told to stop\\n")

def hear_two(*_):
    server.stop()
    server.stop()

signal.signal(signal.SIGINT, hear)
signal.signal(signal.SIGTERM, hear_two)
if sys.argv[4:]:
    server.stop()
server.run(on_ready=lambda: print("ready", flush=True))
print("returned", flush=True)
os._exit(0)
"""


class Served:
    """A web server in a process of its own, which drains for so many seconds at most.

    One that is to be "stopped" was told so before it runs.
    """

    def __init__(self, server, drain_seconds_max, *options):
        self.port = free_port()
        given = (server, str(self.port), str(drain_seconds_max), *options)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *given],
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not options:
            self.wait_for("ready")
            until(self.is_open)  # Granian opens the port by itself, and does not say when

    def is_open(self):
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_for(self, word):
        for line in self.process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError(f"it never said {word!r}")

    def get(self, path):
        """Return the answer; nobody gives up, as a server may end by that."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}{path}", timeout=FOR_EVER
        ) as answer:
            return answer.read()


def asked_in_vain(served):
    """Have somebody ask for what never comes; return who waits for it."""

    def ask():
        with pytest.raises((URLError, OSError)):
            served.get("/hangs")

    asking = threading.Thread(target=ask)
    asking.start()
    served.wait_for("asked")
    return asking


@pytest.fixture(params=["daphne", "uvicorn", "granian"])
def serve(request):
    """A maker of servers, of each kind in turn."""
    made = []

    def make(*options, drain_seconds_max):
        made.append(Served(request.param, drain_seconds_max, *options))
        return made[-1]

    yield make
    for served in made:
        served.process.kill()
        served.process.wait()


def test_a_request_in_flight_is_answered_and_no_other_is_taken(serve):
    served = serve(drain_seconds_max=FOR_EVER)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(served.get("/")))
    asking.start()
    served.wait_for("asked")

    served.process.send_signal(signal.SIGINT)
    asking.join(DEADLINE_SECONDS)
    served.wait_for("returned")

    assert answers == [b"answered"]
    with pytest.raises(URLError):
        served.get("/")


def test_a_request_that_hangs_holds_it_up_for_seconds_only(serve):
    served = serve(drain_seconds_max=1)
    asking = asked_in_vain(served)

    served.process.send_signal(signal.SIGINT)

    served.wait_for("returned")
    asking.join(DEADLINE_SECONDS)


def test_asked_twice_it_does_not_drain(serve):
    served = serve(drain_seconds_max=FOR_EVER)
    asking = asked_in_vain(served)

    served.process.send_signal(signal.SIGINT)
    served.wait_for("told to stop")  # two signals at once may be heard as one
    served.process.send_signal(signal.SIGINT)

    served.wait_for("returned")
    asking.join(DEADLINE_SECONDS)


def test_asked_twice_in_one_moment_it_does_not_drain_either(serve):
    """Before its loop has heard of the first time."""
    served = serve(drain_seconds_max=FOR_EVER)
    asking = asked_in_vain(served)

    served.process.send_signal(signal.SIGTERM)

    served.wait_for("returned")
    asking.join(DEADLINE_SECONDS)


def test_asked_before_it_runs_it_ends_at_once(serve):
    serve("stopped", drain_seconds_max=FOR_EVER).wait_for("returned")
