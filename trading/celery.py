"""Jobs that may be late: nothing about money or the state of an order goes through here.

Every job is idempotent and reads its work from tables, so that one which runs twice, late or
not at all does no harm. Orders expire at the venue, not here.
"""

from __future__ import annotations

import os
from typing import Final

from celery import Celery
from celery.schedules import crontab

from trading.metrics import jobs as jobs  # counts what is run

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")

MINUTE: Final = 60.0
TWO_MINUTES: Final = 120.0
TEN_MINUTES: Final = 600.0

app = Celery("openfloor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "Check the invariants": {
        "task": "reconciliation.check_invariants",
        "schedule": TEN_MINUTES,
    },
    "Hold what was executed today against what venues say of it": {
        "task": "reconciliation.compare_so_far",
        "schedule": crontab(minute="*/5"),
    },
    "Let corrections lapse that nobody has decided on": {
        "task": "reconciliation.let_corrections_lapse",
        "schedule": crontab(minute="*/5"),
    },
    # What is done about each day once it is over: `reconciliation.day.plan` says what, and when.
    "Go on with the days": {
        "task": "reconciliation.go_on",
        "schedule": MINUTE,
    },
    "Do the proof that was asked for": {
        "task": "reconciliation.prove",
        "schedule": MINUTE,
    },
    "Mark the equity of every account in which something moved": {
        "task": "portfolio.mark_equity",
        "schedule": crontab(minute="*/5"),
    },
    "Send the coins that were approved, and follow those that were sent": {
        "task": "portfolio.pay_out",
        "schedule": MINUTE,
    },
    # 20,000 accounts take some two seconds: too long for a page that somebody waits for.
    "Add up what all customers have at stake": {
        "task": "risk.measure_firm",
        "schedule": TWO_MINUTES,
    },
    "Make partitions for the ticks of the days to come": {
        "task": "marketdata.tasks.make_partitions",
        "schedule": crontab(minute=35),
    },
}
