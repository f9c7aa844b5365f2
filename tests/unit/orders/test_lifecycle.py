"""The transition table against every pair of state and event."""

from contextlib import suppress

import pytest

from orders.lifecycle import Event, IllegalTransition, Status, next_status

S, E = Status, Event

# What is in each state's row leads there, for an order of which something was filled. Written
# from the trade's point of view, state by state, and not from the table that it checks.
LEGAL = {
    S.PENDING: {
        E.DENY: S.REJECTED,
        E.HOLD: S.HELD,
        E.SUBMIT: S.SUBMITTED,
        E.ACCEPT: S.SUBMITTED,
        E.REJECT: S.REJECTED,
        E.REQUEST_CANCEL: S.PENDING_CANCEL,
        E.DOUBT: S.PENDING,
    },
    S.HELD: {
        E.SUBMIT: S.SUBMITTED,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REPLACE: S.REPLACED,
    },
    S.SUBMITTED: {
        E.ACCEPT: S.SUBMITTED,
        E.REJECT: S.REJECTED,
        E.FILL: S.PARTIALLY_FILLED,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REQUEST_CANCEL: S.PENDING_CANCEL,
        E.REQUEST_REPLACE: S.PENDING_REPLACE,
        E.DOUBT: S.UNKNOWN,
        E.CONFIRM: S.SUBMITTED,
        E.REPLACE: S.REPLACED,
        E.REJECT_REPLACE: S.SUBMITTED,
    },
    S.PARTIALLY_FILLED: {
        E.ACCEPT: S.PARTIALLY_FILLED,
        E.FILL: S.PARTIALLY_FILLED,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REQUEST_CANCEL: S.PENDING_CANCEL,
        E.REQUEST_REPLACE: S.PENDING_REPLACE,
        E.DOUBT: S.PARTIALLY_FILLED,
        E.CONFIRM: S.PARTIALLY_FILLED,
        E.BUST: S.PARTIALLY_FILLED,
        E.REPLACE: S.REPLACED,
        E.REJECT_REPLACE: S.PARTIALLY_FILLED,
    },
    S.PENDING_CANCEL: {
        E.ACCEPT: S.PENDING_CANCEL,
        E.REJECT: S.REJECTED,
        E.FILL: S.PENDING_CANCEL,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REPLACE: S.REPLACED,
        E.REJECT_CANCEL: S.PARTIALLY_FILLED,
        E.REJECT_REPLACE: S.PENDING_CANCEL,
        E.DOUBT: S.PENDING_CANCEL,
        E.CONFIRM: S.PENDING_CANCEL,
        E.BUST: S.PENDING_CANCEL,
    },
    S.PENDING_REPLACE: {
        E.ACCEPT: S.PENDING_REPLACE,
        E.REJECT: S.REJECTED,
        E.FILL: S.PENDING_REPLACE,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REQUEST_CANCEL: S.PENDING_CANCEL,
        E.REPLACE: S.REPLACED,
        E.REJECT_REPLACE: S.PARTIALLY_FILLED,
        E.DOUBT: S.PENDING_REPLACE,
        E.CONFIRM: S.PENDING_REPLACE,
        E.BUST: S.PENDING_REPLACE,
    },
    S.UNKNOWN: {
        E.ACCEPT: S.SUBMITTED,
        E.REJECT: S.REJECTED,
        E.FILL: S.PARTIALLY_FILLED,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
        E.REQUEST_CANCEL: S.PENDING_CANCEL,
        E.DOUBT: S.UNKNOWN,
        E.CONFIRM: S.PARTIALLY_FILLED,
        E.REPLACE: S.REPLACED,
        E.REJECT_REPLACE: S.UNKNOWN,
    },
    S.FILLED: {E.ACCEPT: S.FILLED, E.FILL: S.FILLED, E.BUST: S.CANCELLED},
    S.CANCELLED: {E.ACCEPT: S.CANCELLED, E.FILL: S.CANCELLED, E.BUST: S.CANCELLED},
    S.REJECTED: {},
    S.EXPIRED: {E.ACCEPT: S.EXPIRED, E.FILL: S.EXPIRED, E.BUST: S.EXPIRED},
    S.REPLACED: {E.ACCEPT: S.REPLACED, E.BUST: S.REPLACED},
}
# An answer to what was asked before the end changes nothing any more.
for end in (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.REPLACED):
    for answer in (E.REJECT_CANCEL, E.REJECT_REPLACE, E.DOUBT, E.CONFIRM):
        LEGAL[end][answer] = end


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", Event)
def test_every_pair_is_either_listed_or_refused(status, event):
    if event in LEGAL[status]:
        found = next_status(status, event, is_filled=False, has_fills=True)
        assert found is LEGAL[status][event]
    else:
        with pytest.raises(IllegalTransition, match=status.value):
            next_status(status, event, is_filled=False, has_fills=True)


@pytest.mark.parametrize("status", [s for s in Status if E.FILL in LEGAL[s]])
def test_the_last_fill_fills_the_order_whatever_was_asked_meanwhile(status):
    assert next_status(status, E.FILL, is_filled=True, has_fills=True) is S.FILLED


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (S.PENDING_CANCEL, E.REJECT_CANCEL),
        (S.PENDING_REPLACE, E.REJECT_REPLACE),
        (S.UNKNOWN, E.CONFIRM),
        (S.PARTIALLY_FILLED, E.BUST),
    ],
)
def test_without_a_fill_it_leads_back_to_submitted(status, event):
    assert next_status(status, event, is_filled=False, has_fills=False) is S.SUBMITTED


@pytest.mark.parametrize("status", [s for s in Status if s.is_final])
@pytest.mark.parametrize("event", [event for event in Event if event is not E.BUST])
def test_nothing_but_a_bust_leads_out_of_a_final_state(status, event):
    with suppress(IllegalTransition):
        assert next_status(status, event, is_filled=False, has_fills=True) is status
