"""What the program says of itself, and to whom."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest
import structlog

from foundation import trail
from trading import logs, settings


@pytest.fixture
def speaking(capsys):
    """Configure logs as the program would, and put the tests' own back."""

    def configure(**arguments):
        logging.config.dictConfig(logs.configure(**arguments))
        return lambda: capsys.readouterr().err

    yield configure
    logging.config.dictConfig(logs.configure(level=settings.LOG_LEVEL, as_json=False))


def test_production_speaks_json_also_of_what_others_log(speaking):
    said = speaking(level="INFO", as_json=True)

    structlog.get_logger("orders").info("order_taken", quantity=3)
    logging.getLogger("some.library").warning("its %s", "matter")

    ours, theirs = map(json.loads, said().splitlines())
    assert (ours["event"], ours["quantity"], ours["logger"]) == ("order_taken", 3, "orders")
    assert (theirs["event"], theirs["level"]) == ("its matter", "warning")


def test_the_terminal_is_quiet_about_requests_and_plain_about_failures(speaking):
    said = speaking(level="WARNING", as_json=False)

    logging.getLogger("django_structlog.middlewares.request").warning("request_finished")
    structlog.get_logger("trading").error("part_failed", part="feed")

    lines = said().splitlines()
    assert len(lines) == 1
    assert "part_failed" in lines[0]
    assert "part=feed" in lines[0]


def test_nobody_hears_of_probes(speaking):
    said = speaking(level="INFO", as_json=True)

    structlog.get_logger("django_structlog.middlewares.request").info(
        "request_finished", request="GET /readyz", code=503
    )

    assert said() == ""


def test_the_trail_of_orders_is_kept_when_asked_for_whatever_the_level(speaking):
    lines = [{"order_id": "o-1", "status": "submitted"}, {"order_id": "o-2", "denial": ""}]
    said = speaking(level="WARNING", as_json=True, with_trail=True)
    assert trail.is_kept()
    trail.note("ticket_decided", lines)
    first, second = map(json.loads, said().splitlines())
    assert (first["event"], first["order_id"], first["status"]) == (
        "ticket_decided", "o-1", "submitted",
    )  # fmt: skip
    assert (second["order_id"], second["level"]) == ("o-2", "info")


def test_the_trail_is_read_by_people_too_and_not_kept_unless_asked_for(speaking):
    said = speaking(level="INFO", as_json=False, with_trail=True)
    trail.note("request_sent", [{"order_id": "o-1", "venue": "V", "denial": ""}])
    [line] = said().splitlines()
    assert line.endswith("[info     ] request_sent order_id=o-1 venue=V")
    said = speaking(level="INFO", as_json=False)
    assert not trail.is_kept()
    trail.note("request_sent", [{"order_id": "o-1"}])
    assert said() == ""
