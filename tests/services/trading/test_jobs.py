"""Celery inside this process: its worker, its clock, and what they are given to do."""

from __future__ import annotations

import threading

import pytest
from django.utils.module_loading import import_string
from django_celery_beat.models import PeriodicTask

from tests.patience import DEADLINE_SECONDS, until
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
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()


def test_a_job_that_is_handed_in_is_done_by_the_worker(committed, running):
    done = threading.Event()
    app.task(name="tests.note")(done.set)

    beats = running(jobs.run_worker)
    until(lambda: beats)
    app.send_task("tests.note")

    assert done.wait(DEADLINE_SECONDS)


def test_the_clock_knows_every_job_that_is_due_some_time(committed, running):
    beats = running(jobs.run_beat)

    until(lambda: beats)
    known = set(PeriodicTask.objects.values_list("task", flat=True))
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= known


def test_every_job_in_the_schedule_exists():
    app.loader.import_default_modules()

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_jobs_wait_in_this_process_when_there_is_no_redis(settings):
    assert app.connection().transport_cls == "memory"
    assert import_string(settings.CELERY_BEAT_SCHEDULER.replace(":", "."))
