"""Each channel that tells of alerts is served by itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from risk.findings import Severity
from risk.models import Telling
from risk.surveillance import alerts, escalating, paths, telling
from tests.patience import DEADLINE_SECONDS

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_a_channel_that_hangs_holds_up_no_other(committed):
    alerts.raise_alert(
        kind="feed_lost", severity=Severity.SEVERE, account_id=None, evidence={}, now=NOW
    )
    escalating.hand_out(paths.read({"severe": "0:mail+desk"}, channels=("mail", "desk")), now=NOW)
    let_go, begun, told = threading.Event(), threading.Event(), threading.Event()

    class Hanging:
        def send(self, _told):
            begun.set()
            let_go.wait(DEADLINE_SECONDS)

    class Quick:
        def send(self, _told):
            told.set()

    lines = telling._Lines({"desk": Hanging(), "mail": Quick()})
    lines.serve(now=NOW)
    try:
        assert begun.wait(DEADLINE_SECONDS)
        assert told.wait(DEADLINE_SECONDS)
        hanging = lines._busy["desk"]
        lines.serve(now=NOW)
        assert lines._busy["desk"] is hanging
    finally:
        let_go.set()
        for thread in lines._busy.values():
            thread.join(DEADLINE_SECONDS)
    assert Telling.objects.filter(sent_at=None).count() == 0
