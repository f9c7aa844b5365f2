"""The Celery worker and its clock as parts of this process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Final

from celery.beat import Service
from celery.worker import state
from django.conf import settings

from trading.celery import app

THREADS: Final = 2
TICK_SECONDS_MAX: Final = 1.0
STOP_SECONDS_MAX: Final = 4.0


class WorkerEnded(RuntimeError):
    """Celery's worker has ended by itself; its own log says why."""


def run_worker(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Work off jobs in THREADS threads of this process until `stop`."""
    state.should_stop = None
    controller = app.WorkController(
        pool="threads",
        concurrency=THREADS,
        hostname=f"openfloor-{os.getpid()}@{socket.gethostname()}",
        loglevel="WARNING",
        without_gossip=True,
        without_heartbeat=True,
        without_mingle=True,
    )
    thread = threading.Thread(target=controller.start, name="celery", daemon=True)
    thread.start()
    while not stop.wait(TICK_SECONDS_MAX / 2):
        if not thread.is_alive():
            raise WorkerEnded
        beat()
    state.should_stop = os.EX_OK  # Celery's own way to be told, read between two looks
    thread.join(STOP_SECONDS_MAX)


def run_beat(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Hand out the jobs that are due until `stop`."""
    scheduler = Service(app, scheduler_cls=settings.CELERY_BEAT_SCHEDULER).get_scheduler()
    try:
        while not stop.is_set():
            interval = scheduler.tick()
            beat()
            stop.wait(min(max(interval, 0.05), TICK_SECONDS_MAX))
    finally:
        scheduler.close()
