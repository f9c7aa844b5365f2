"""Jobs that Celery has run in this process: how they ended, how long they took, what they found."""

from __future__ import annotations

import time
from typing import Any, Final

from amqp.exceptions import AMQPError
from celery import current_app
from celery.signals import task_postrun, task_prerun
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from foundation import metrics

RUNS: Final = metrics.counter(
    "openfloor_job_runs_total", "Jobs that have ended, by how.", "job", "state"
)
SECONDS: Final = metrics.histogram(
    "openfloor_job_seconds",
    "How long jobs took.",
    "job",
    bounds=(0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0),
)
ENDED: Final = metrics.level(
    "openfloor_job_succeeded_timestamp_seconds", "When a job has last succeeded.", "job"
)
BROKEN: Final = metrics.level(
    "openfloor_invariants_broken",
    "How many invariants did not hold when they were last checked here: 0, or the books are wrong.",
)
APP: Final = "openfloor"
QUEUE: Final = "celery"
CHECK: Final = "reconciliation.check_invariants"

_begun: Final[dict[str, float]] = {}


def _waiting() -> list[tuple[tuple[str, ...], float]]:
    """Return how many jobs nobody has begun; nothing where the broker cannot be asked."""
    if current_app.main != APP:
        return []  # no worker or clock in this process, and perhaps no way to the broker
    try:
        with current_app.connection_for_read(connect_timeout=1) as broker:
            queue = broker.channel().queue_declare(QUEUE, passive=True)
            return [((), queue.message_count)]
    except (OSError, AMQPError, KombuError, RedisError):
        return []


metrics.reading(
    "openfloor_job_queue_messages",
    "Jobs that were handed out and that no worker has begun.",
    read=_waiting,
)


def _begin(task_id: str = "", **_: Any) -> None:
    _begun[task_id] = time.monotonic()


def _end(
    task_id: str = "", task: Any = None, retval: Any = None, state: str | None = None, **_: Any
) -> None:
    begun = _begun.pop(task_id, None)
    job = str(task.name)
    RUNS.labels(job, (state or "unknown").lower()).inc()
    if begun is not None:
        SECONDS.labels(job).observe(time.monotonic() - begun)
    if state == "SUCCESS":
        ENDED.labels(job).set(time.time())
        if job == CHECK and isinstance(retval, int):
            BROKEN.set(retval)


task_prerun.connect(_begin, weak=False)
task_postrun.connect(_end, weak=False)
