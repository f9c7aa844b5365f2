"""Companions of a web process, as the machine shows them."""

from __future__ import annotations

import socket

import psutil

from tests.live_server import LiveServer

CONNECTIONS_MAX = 64


def companion_of(server: LiveServer) -> psutil.Process | None:
    """Return the process that serves beside the first one, once it listens."""
    for process in psutil.Process(server.pid).children():
        try:
            listens = any(c.status == psutil.CONN_LISTEN for c in process.net_connections())
            if listens and "--companion" in process.cmdline():
                return process
        except psutil.NoSuchProcess:
            continue
    return None


def has_accepted(companion: psutil.Process, ours: socket.socket) -> bool:
    accepted = {c.raddr.port for c in companion.net_connections() if c.raddr}
    return ours.getsockname()[1] in accepted
