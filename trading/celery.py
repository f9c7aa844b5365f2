"""Jobs that may be late: nothing about money or the state of an order goes through here.

Every job is idempotent and reads its work from tables, so that one which runs twice, late or
not at all does no harm. Orders expire at the venue, not here.
"""

from __future__ import annotations

import os
from typing import Final

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")

TEN_MINUTES: Final = 600.0

app = Celery("openfloor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # Times are New York's, where the session day ends.
    "Check the invariants": {
        "task": "reconciliation.check_invariants",
        "schedule": TEN_MINUTES,
    },
    "Keep each account's equity at the end of the day": {
        "task": "portfolio.snapshot_equity",
        "schedule": crontab(hour=0, minute=5),
    },
    "Mark the equity of every account in which something moved": {
        "task": "portfolio.mark_equity",
        "schedule": crontab(minute="*/5"),
    },
    "Drop the marks of equity that are past their time": {
        "task": "portfolio.thin_points",
        "schedule": crontab(hour=3, minute=30),
    },
    "Accrue interest on what is lent, and charge it when the month is over": {
        "task": "portfolio.charge_interest",
        "schedule": crontab(hour=0, minute=20),
    },
    "Find wash sales": {
        "task": "portfolio.find_wash_sales",
        "schedule": crontab(hour=1, minute=10),
    },
    "Pay dividends": {
        "task": "portfolio.pay_dividends",
        "schedule": crontab(hour=6, minute=0),
    },
    "Drop sessions, sign-ins and links that are past their time": {
        "task": "accounts.drop_old_rows",
        "schedule": crontab(hour=3, minute=20),
    },
    "Make partitions for the ticks of the days to come": {
        "task": "marketdata.tasks.make_partitions",
        "schedule": crontab(minute=35),
    },
    "Put ticks that are past their time into the archive": {
        "task": "marketdata.tasks.archive_old_ticks",
        "schedule": crontab(hour=2, minute=40),
    },
    "Drop market data that is past its time": {
        "task": "marketdata.tasks.drop_old_rows",
        "schedule": crontab(hour=3, minute=10),
    },
}
