"""Celery inside this process: its worker, its clock, and what they are given to do."""

from __future__ import annotations

import threading
import time

import pytest
from django.utils.module_loading import import_string
from django_celery_beat.models import PeriodicTask

from trading import jobs
from trading.celery import app


@pytest.fixture
def running():
    """Run parts in threads until the test has ended."""
    stop, threads = threading.Event(), []

    def run(part):
        beats = []
        threads.append(threading.Thread(target=part, args=(stop, lambda: beats.append(1))))
        threads[-1].start()
        return beats

    yield run
    stop.set()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive()


def wait_until(condition, seconds_max=20.0):
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_job_that_is_handed_in_is_done_by_the_worker(committed, running):
    done = threading.Event()
    app.task(name="tests.note")(done.set)

    beats = running(jobs.run_worker)
    assert wait_until(lambda: beats)
    app.send_task("tests.note")

    assert done.wait(20)


def test_the_clock_knows_every_job_that_is_due_some_time(committed, running):
    beats = running(jobs.run_beat)

    assert wait_until(lambda: beats)
    known = set(PeriodicTask.objects.values_list("task", flat=True))
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= known


def test_every_job_in_the_schedule_exists():
    app.loader.import_default_modules()

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_jobs_wait_in_this_process_when_there_is_no_redis(settings):
    assert app.connection().transport_cls == "memory"
    assert import_string(settings.CELERY_BEAT_SCHEDULER.replace(":", "."))
