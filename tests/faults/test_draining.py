"""Whichever web server serves: who was being answered gets the answer, who comes late does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.error import URLError

import pytest

from tests.live_server import free_port
from trading.settings import BASE_DIR

PROGRAM = """
import asyncio, os, signal, socket, sys, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django; django.setup()
from trading.web_servers import SERVERS

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    print("asked", flush=True)
    await asyncio.sleep(60 if scope["path"] == "/hangs" else 1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})

listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", int(sys.argv[2])))
server = SERVERS[sys.argv[1]](application, listening)
signal.signal(signal.SIGINT, lambda *_: server.stop())
server.run(on_ready=lambda: print("ready", flush=True))
print("returned", flush=True)
os._exit(0)
"""


class Served:
    def __init__(self, server):
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, server, str(self.port)],
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.wait_for("ready")

    def wait_for(self, word):
        for line in self.process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError(f"it never said {word!r}")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return answer.read()


@pytest.fixture(params=["daphne", "uvicorn", "granian"])
def served(request):
    served = Served(request.param)
    yield served
    served.process.kill()
    served.process.wait()


def test_a_request_in_flight_is_answered_and_no_other_is_taken(served):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(served.get("/")))
    asking.start()
    served.wait_for("asked")

    served.process.send_signal(signal.SIGINT)
    asking.join(20)
    served.wait_for("returned")

    assert answers == [b"answered"]
    with pytest.raises(URLError):
        served.get("/")


def test_a_request_that_hangs_holds_it_up_for_seconds_only(served):
    def ask():
        with pytest.raises((URLError, OSError)):
            served.get("/hangs")

    asking = threading.Thread(target=ask)
    asking.start()
    served.wait_for("asked")
    begun = time.monotonic()

    served.process.send_signal(signal.SIGINT)
    served.wait_for("returned")

    assert time.monotonic() - begun < 12
    asking.join(20)


def test_asked_twice_it_does_not_drain(served):
    def ask():
        with pytest.raises((URLError, OSError)):
            served.get("/hangs")

    asking = threading.Thread(target=ask)
    asking.start()
    served.wait_for("asked")
    begun = time.monotonic()

    served.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    served.process.send_signal(signal.SIGINT)
    served.wait_for("returned")

    assert time.monotonic() - begun < 4
    asking.join(20)
