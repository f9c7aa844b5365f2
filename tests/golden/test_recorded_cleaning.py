"""Wrong prices planted in a recorded day are found, and the day itself is believed."""

from __future__ import annotations

from benchmarks import cleaning as measurement
from marketdata.cleaning.rules import Reason
from tests import recorded, recorded_ticks

SMALL = {"0.7 % off", "0.5 % off"}  # as far as a true price may go at once


@recorded.needs(recorded_ticks.name("IBM", "2013-10-07", "quotes"))
def test_planted_errors_are_found_in_a_recorded_day() -> None:
    found = measurement.measure("IBM", "2013-10-07", kinds=measurement.KINDS)
    missed = {kind for kind, planted in found.planted.items() if found.found[kind] < planted}
    assert missed <= SMALL
    assert found.recall > 0.95
    assert found.precision > 0.88
    assert found.marked_found == found.marked == 1
    # A best bid above the best offer is what the rule says it is; nobody has planted these.
    assert found.false[Reason.CROSSED] < 100
    assert found.false[Reason.OUTLYING] <= 10
    assert found.false.keys() <= {Reason.CROSSED, Reason.OUTLYING}
