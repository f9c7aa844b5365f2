"""The settings of the tests: the program's own, in a folder and a database of this run alone."""

import os
import sys
import tempfile
from pathlib import Path

# The run's first process makes the folder; pytest-xdist's workers inherit its name.
RUN = os.environ.setdefault("OPENFLOOR_TEST_RUN", "") or tempfile.mkdtemp(prefix="openfloor-run-")
os.environ["OPENFLOOR_TEST_RUN"] = os.environ["OPENFLOOR_HOME"] = RUN
for name in ("DATABASE_URL", "REDIS_URL", "PRODUCTION", "SECRET_KEY", "PORT", "MARKET_HOURS"):
    os.environ.pop(name, None)
# Workers and dozens of programs are started: only the first of them compiles what all of them read.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from trading.settings import *  # noqa: E402, F403
from trading.settings import DATABASES  # noqa: E402

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
for database in DATABASES.values():
    database["NAME"] = f"openfloor_{WORKER}"
DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 0, "max_size": 24, "timeout": 240}  # type: ignore[index]
# A test's transaction is open from its first line to its last. While the machine stands still in
# between, the server's clock goes on: it would end whoever holds or waits for a lock for so long.
for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
    DATABASES["default"]["OPTIONS"]["options"] += f" -c {limit}=240s"  # type: ignore[index]
# Each browser of a test has a program of its own around it, which would read all files that pages
# are made of at its first request. Few ask for one.
WHITENOISE_AUTOREFRESH = True
# What a test's password is hashed with need not withstand anybody: 46 MiB a hash add up.
PASSWORD_HASHERS = ["tests.people.Cheap", "accounts.factors.passwords.Argon2id"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT = Path(RUN) / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Between a price and the order on it a machine may stand still; who looks at age says how old.
QUOTE_AGE_SECONDS_MAX = 240.0
# No gateway is at work in most tests; those that look at silence set their own.
VENUE_SILENCE_SECONDS_MAX = 1e10
# Nor does anybody sum up what the firm has at stake.
FIRM_EXPOSURE_SECONDS_MAX = 1e10
