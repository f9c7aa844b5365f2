"""What whoever watches the program is told: true, fenced, and described."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

import trading.asgi  # noqa: F401  what the calls are counted with
from foundation.models import Heartbeat, Measured
from orders.entry import counting
from orders.entry.answers import Answer, refused
from orders.models import Order
from orders.tickets import CancelTicket
from risk.findings import Severity
from risk.models import Alert
from risk.surveillance import alerts
from tests import world
from tests.patience import DEADLINE_SECONDS
from trading import parts
from trading.metrics.tables import tables
from trading.operations.runbooks import read
from trading.settings import BASE_DIR
from trading.status import measuring
from venues import inbox
from venues.models import InboxReport, OutboxMessage

DEPLOY = BASE_DIR / "deploy"
SUFFIXES = ("_bucket", "_count", "_sum")
promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus"
)


@pytest.fixture
def scrape(db, client):
    """Ask for the metrics as they are now."""

    for part in parts.PARTS:
        part.resolve()  # and with it all that it counts

    def ask(**more):
        tables.forget()
        answer = client.get("/metrics", **more)
        assert answer.status_code == 200
        return answer.content.decode()

    yield ask
    tables.forget()


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names(text):
    return set(re.findall(r"^# TYPE (openfloor_\w+) ", text, re.MULTILINE))


def named_in(text):
    """Return the metrics that a text names, histograms by their own name."""
    found = set(re.findall(r"\b(openfloor_[a-z_]+)", text)) - {"openfloor_app"}
    return {name.removesuffix(s) for name in found for s in SUFFIXES if name.endswith(s)} | {
        name for name in found if not name.endswith(SUFFIXES)
    }


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)


# --- What it says --------------------------------------------------------------------------------


def test_parts_are_told_of_with_the_age_of_their_beat(scrape):
    Heartbeat.objects.create(part="gateway", at=timezone.now() - timedelta(hours=2), restarts=3)
    found = samples(scrape())
    assert found["openfloor_part_restarts", "gateway"] == 3
    assert 7_200 <= found["openfloor_part_beat_age_seconds", "gateway"] < 9_000


def test_what_waits_on_the_wire_is_counted_by_box_and_its_oldest_has_an_age(scrape):
    then = timezone.now() - timedelta(hours=1)
    for number in range(3):
        InboxReport.objects.create(
            venue="V", execution_id=f"e{number}", sequence=number, client_order_id="x",
            report={}, received_at=then, state="parked" if number else "new",
        )  # fmt: skip
    OutboxMessage.objects.create(
        venue="V", order_id="00000000-0000-4000-8000-000000000000", kind="new", message={},
        created_at=then,
    )  # fmt: skip
    found = samples(scrape())
    waiting = {box: found["openfloor_wire_waiting_messages", *sorted(("V", box))]
               for box in ("unsent", "new", "parked")}  # fmt: skip
    assert waiting == {"unsent": 1, "new": 1, "parked": 2}
    assert found["openfloor_wire_oldest_age_seconds", *sorted(("V", "parked"))] >= 3_600
    report = InboxReport.objects.get(execution_id="e1")
    inbox.dismiss(report, reason="A test", now=then)
    assert samples(scrape())["openfloor_wire_waiting_messages", *sorted(("V", "parked"))] == 1


def test_stale_instruments_are_counted_by_source(scrape):
    world.instrument(at=timezone.now() - timedelta(days=1))
    found = samples(scrape())
    [source] = {key[1] for key in found if key[0] == "openfloor_instruments_quoted"}
    assert found["openfloor_instruments_quoted", source] == 1
    assert found["openfloor_instruments_stale", source] == 1
    assert found["openfloor_quote_age_seconds", source] >= 86_400


def test_alerts_are_counted_by_severity_and_whether_somebody_has_them(scrape):
    for kind in ("feed_lost", "clock_drift"):
        alerts.raise_alert(
            kind=kind, severity=Severity.SEVERE, account_id=None, evidence={}, now=timezone.now()
        )
    Alert.objects.filter(kind="feed_lost").update(acknowledged_at=timezone.now())
    found = samples(scrape())
    assert found["openfloor_alerts_open", "severe", "yes"] == 1
    assert found["openfloor_alerts_open", "no", "severe"] == 1
    assert found["openfloor_alerts_open", "no", "warning"] == 0


def test_the_database_is_told_of(scrape):
    found = samples(scrape())
    assert found[("openfloor_database_up",)] == 1
    assert found[("openfloor_database_size_bytes",)] > 1_000_000
    assert found[("openfloor_database_connections_max",)] >= 20


def test_tables_are_read_once_for_whoever_comes_soon_after(scrape, client):
    scrape()
    Heartbeat.objects.create(part="gateway", at=timezone.now())
    assert b'part="gateway"' not in client.get("/metrics").content


def test_a_batch_is_counted_by_what_became_of_its_tickets(db):
    ticket = CancelTicket(
        account_id=world.customer(cash="0").pk, order_id=None, actor="user:1", source_address="",
        reason="", received_at=timezone.now(),
    )  # fmt: skip
    denied = Answer(order=Order(denial_code="quote_stale"))

    def counted():
        return (
            counting.TICKETS.labels("cancel", "accepted")._value.get(),
            counting.TICKETS.labels("cancel", "denied")._value.get(),
            counting.TICKETS.labels("cancel", "refused")._value.get(),
            counting.TICKETS.labels("cancel", "failed")._value.get(),
            counting.DENIED.labels("quote_stale")._value.get(),
            counting.REFUSED.labels("unknown_order")._value.get(),
        )

    before = counted()
    counting.decided(
        [ticket] * 3, [Answer(order=Order()), denied, refused("unknown_order", "None such")]
    )
    counting.failed([ticket, ticket])
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 1, 2, 1, 1]


# --- Who may read it, and how --------------------------------------------------------------------


def test_strangers_and_proxies_are_turned_away_and_told_nothing(db, client):
    for more in ({"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}):
        answer = client.get("/metrics", **more)
        assert (answer.status_code, b"openfloor" in answer.content) == (403, False)


def test_with_a_token_it_is_asked_for_everywhere(db, client, settings):
    settings.METRICS_TOKEN = "t0ken"
    assert client.get("/metrics").status_code == 403
    bearer = {"HTTP_AUTHORIZATION": "Bearer t0ken", "REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", **bearer).status_code == 200


def test_each_half_can_be_asked_for_alone(scrape, client):
    whole = names(scrape())
    process, tables_ = (
        names(client.get(f"/metrics?only={part}").content.decode())
        for part in ("process", "tables")
    )
    assert process | tables_ == whole
    assert process & tables_ == set()
    assert "openfloor_database_up" in tables_
    assert client.get("/metrics?only=else").status_code == 400


def test_it_leaves_no_session_behind(db, client):
    assert client.get("/metrics").cookies == {}


# --- What is said of it --------------------------------------------------------------------------


def test_every_metric_is_described_and_no_other(scrape):
    page = (BASE_DIR / "docs" / "monitoring.md").read_text()
    assert set(re.findall(r"^\| `(openfloor_\w+)` \|", page, re.MULTILINE)) == names(scrape())


@pytest.mark.parametrize("name", ["alert-rules.yml", "grafana/openfloor.json"])
def test_rules_and_dashboard_use_metrics_that_exist(scrape, name):
    used = named_in((DEPLOY / name).read_text())
    assert len(used) > 10
    assert used - names(scrape()) == set()


def test_each_rule_leads_to_a_runbook_that_is_there():

    links = re.findall(r"runbook: (\S+)", (DEPLOY / "alert-rules.yml").read_text())
    assert len(links) > 10
    for link in links:
        path, _, place = link.partition("#")
        places = read(BASE_DIR / path).places
        assert not place or place in places, link


def test_what_wakes_somebody_is_on_the_dashboard():
    board, rules = (
        (DEPLOY / name).read_text() for name in ("grafana/openfloor.json", "alert-rules.yml")
    )
    assert named_in(rules) - named_in(board) == set()


def test_the_dashboard_is_whole():
    board = json.loads((DEPLOY / "grafana" / "openfloor.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(target["expr"] for panel in panels for target in panel["targets"])


@promtool
def test_prometheus_finds_nothing_wrong_with_what_is_said(scrape):
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=scrape(), capture_output=True, text=True, timeout=60
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@promtool
@pytest.mark.parametrize(
    "check",
    [
        ("check", "config", "deploy/prometheus.yml"),
        ("check", "rules", "deploy/alert-rules.yml"),
        ("test", "rules", "deploy/rules.test.yml"),
    ],
    ids=["config", "rules", "tests of rules"],
)
def test_prometheus_takes_our_files(check):
    done = run("promtool", check[0], check[1], str(BASE_DIR / check[2]))
    assert done.returncode == 0, done.stdout + done.stderr


# --- The probe of durability ---------------------------------------------------------------------


def test_a_process_measures_itself_and_keeps_five_minutes(db):
    now, measured = timezone.now(), measuring.Measuring(process="here:1")

    for moment in (0.0, 100.0, 200.0):
        measured.measure(now=now, moment=moment)
    row = Measured.objects.get()
    assert (row.process, sum(row.commits), row.commit_ms > 0) == ("here:1", 3, True)
    measured.measure(now=now, moment=450.0)  # what was before 150 s counts no more
    assert sum(Measured.objects.get().commits) == 2
