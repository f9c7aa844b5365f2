"""The transition table against every pair of state and event."""

from contextlib import suppress

import pytest

from orders.lifecycle import Event, IllegalTransition, Status, next_status

S, E = Status, Event

LEGAL = {
    (S.PENDING, E.DENY): S.REJECTED,
    (S.PENDING, E.SUBMIT): S.SUBMITTED,
    (S.SUBMITTED, E.ACCEPT): S.SUBMITTED,
    (S.SUBMITTED, E.REJECT): S.REJECTED,
    (S.SUBMITTED, E.FILL): S.PARTIALLY_FILLED,
    (S.SUBMITTED, E.REQUEST_CANCEL): S.PENDING_CANCEL,
    (S.SUBMITTED, E.CANCEL): S.CANCELLED,
    (S.SUBMITTED, E.EXPIRE): S.EXPIRED,
    (S.PARTIALLY_FILLED, E.ACCEPT): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, E.FILL): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, E.REQUEST_CANCEL): S.PENDING_CANCEL,
    (S.PARTIALLY_FILLED, E.CANCEL): S.CANCELLED,
    (S.PARTIALLY_FILLED, E.EXPIRE): S.EXPIRED,
    (S.PENDING_CANCEL, E.ACCEPT): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.REJECT): S.REJECTED,
    (S.PENDING_CANCEL, E.FILL): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.CANCEL): S.CANCELLED,
    (S.PENDING_CANCEL, E.EXPIRE): S.EXPIRED,
    (S.PENDING_CANCEL, E.REJECT_CANCEL): S.PARTIALLY_FILLED,
    (S.FILLED, E.ACCEPT): S.FILLED,
    (S.FILLED, E.REJECT_CANCEL): S.FILLED,
    (S.REJECTED, E.REJECT_CANCEL): S.REJECTED,
    (S.EXPIRED, E.REJECT_CANCEL): S.EXPIRED,
    (S.CANCELLED, E.REJECT_CANCEL): S.CANCELLED,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", Event)
def test_every_pair_is_either_listed_or_refused(status, event):
    if (status, event) in LEGAL:
        found = next_status(status, event, is_filled=False, has_fills=True)
        assert found is LEGAL[status, event]
    else:
        with pytest.raises(IllegalTransition, match=status.value):
            next_status(status, event, is_filled=False, has_fills=True)


@pytest.mark.parametrize("status", [S.SUBMITTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL])
def test_the_last_fill_fills_the_order_whatever_was_asked_meanwhile(status):
    assert next_status(status, E.FILL, is_filled=True, has_fills=True) is S.FILLED


def test_a_rejected_cancel_leads_back_to_where_the_order_was():
    back = next_status(S.PENDING_CANCEL, E.REJECT_CANCEL, is_filled=False, has_fills=False)
    assert back is S.SUBMITTED


@pytest.mark.parametrize("status", [s for s in Status if s.is_final])
@pytest.mark.parametrize("event", Event)
def test_nothing_leads_out_of_a_final_state(status, event):
    with suppress(IllegalTransition):
        assert next_status(status, event, is_filled=False, has_fills=True) is status
