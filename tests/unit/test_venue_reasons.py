"""Every reason of the exchange, and of our gateway, has its sentence."""

import pytest

from venues import own_reports, reasons
from venues.exchange.commands import Reason


@pytest.mark.parametrize("reason", [*Reason, own_reports.NEVER_SENT, own_reports.TOO_LATE_TO_SEND])
def test_every_reason_of_the_exchange_and_of_our_gateway_has_a_sentence(reason):
    assert reasons.sentence(str(reason)).endswith(".")


def test_other_words_are_given_back():
    assert reasons.sentence("The desk is on fire") == "The desk is on fire"
