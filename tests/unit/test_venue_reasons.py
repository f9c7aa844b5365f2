"""Every reason of the exchange has its sentence."""

import pytest

from venues import reasons
from venues.exchange.commands import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_the_exchange_has_a_sentence(reason):
    assert reasons.sentence(reason.value).endswith(".")


def test_other_words_are_given_back():
    assert reasons.sentence("The desk is on fire") == "The desk is on fire"
