"""A real Prometheus, unmodified, scrapes the real program; and the log follows an order through it.

One order is placed for both: its answer shows in the histogram, its life in the log.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_server import LiveServer, free_port
from tests.patience import DEADLINE_SECONDS, until

REQUEST_ID = "a-click-1234"


@pytest.fixture(scope="module")
def order(program: LiveServer) -> str:
    """The id of an order that somebody has placed."""
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    opened = json.loads(program.console("open_account", email, "--deposit", "100000", "--api-key"))
    wanted = {
        "symbol": "BTC/USD",
        "notional": "100",
        "side": "buy",
        "type": "market",
        "time_in_force": "gtc",
    }
    request = urllib.request.Request(
        f"{program.base_url}/v2/orders",
        json.dumps(wanted).encode(),
        {
            "APCA-API-KEY-ID": opened["key_id"],
            "APCA-API-SECRET-KEY": opened["secret_key"],
            "Content-Type": "application/json",
            "X-Request-ID": REQUEST_ID,
        },
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
        assert answer.headers["X-Request-ID"] == REQUEST_ID
        return str(json.load(answer)["id"])


def test_the_log_follows_an_order_from_the_click_to_the_ledger(
    program: LiveServer, order: str
) -> None:
    def events() -> list[str]:
        lines = [line for line in program.log.splitlines() if order in line]
        return [re.sub(r"^\S+ \[info *\] (\S+) .*", r"\1", line) for line in lines]

    until(lambda: "fill_booked" in events())
    seen = list(dict.fromkeys(events()))
    assert seen == [
        "ticket_decided",
        "request_sent",
        "report_received",
        "report_handled",
        "fill_booked",
    ]
    [decided] = [line for line in program.log.splitlines() if REQUEST_ID in line]
    assert order in decided
    booked = next(
        line for line in program.log.splitlines() if order in line and "fill_booked" in line
    )
    [reference] = re.findall(r"transfers=(\S+)", booked)
    assert re.fullmatch(r"trade:[0-9a-f-]{36}", reference)


@pytest.fixture
def prometheus(program: LiveServer, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes the program every second."""
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {
                        "job_name": "openfloor",
                        "static_configs": [{"targets": [f"127.0.0.1:{program.port}"]}],
                    }
                ],
            }
        )
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait(DEADLINE_SECONDS)


@pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="prometheus is not here: apt-get install prometheus",
)
def test_prometheus_scrapes_what_the_order_has_left(prometheus: str, order: str) -> None:
    def found(query: str) -> list[float]:
        asked = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(asked, timeout=DEADLINE_SECONDS) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:  # it is still starting
            return []
        return [float(each["value"][1]) for each in result]

    # Of what was scraped last: whether the newest scrape was answered in time is up to the machine.
    def scraped(series: str) -> list[float]:
        return found(f"last_over_time({series}[1h])")

    placed = 'openfloor_order_acknowledgement_seconds_count{call="place"}'
    until(lambda: any(count >= 1 for count in scraped(placed)))
    assert found("max_over_time(up[1h])") == [1.0]
    assert scraped("openfloor_database_up") == [1.0]
    assert scraped('openfloor_venue_link_up{venue="openfloor-exchange"}') == [1.0]
    assert scraped("openfloor_durable_commits_lost_total") == [0.0]
