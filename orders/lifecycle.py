"""The one transition table of an order: from which state, on which event, to which state.

Pure. What is not in the table cannot happen: a report that asks for it is parked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    PENDING = "pending"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL: Final = frozenset({Status.FILLED, Status.CANCELLED, Status.REJECTED, Status.EXPIRED})


class Event(StrEnum):
    """What can happen to an order. The last six are what a venue says."""

    DENY = "deny"
    SUBMIT = "submit"
    REQUEST_CANCEL = "request_cancel"
    ACCEPT = "accept"
    REJECT = "reject"
    FILL = "fill"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REJECT_CANCEL = "reject_cancel"


class IllegalTransition(ValueError):
    """The event cannot happen to an order in this state."""


# FILL leads to PARTIALLY_FILLED here; `next_status` says FILLED when nothing is left.
# REJECT_CANCEL leads back to where the order was, which its filled quantity tells.
_TABLE: Final[dict[tuple[Status, Event], Status]] = {
    (Status.PENDING, Event.DENY): Status.REJECTED,
    (Status.PENDING, Event.SUBMIT): Status.SUBMITTED,
    (Status.SUBMITTED, Event.ACCEPT): Status.SUBMITTED,
    (Status.SUBMITTED, Event.REJECT): Status.REJECTED,
    (Status.SUBMITTED, Event.FILL): Status.PARTIALLY_FILLED,
    (Status.SUBMITTED, Event.REQUEST_CANCEL): Status.PENDING_CANCEL,
    (Status.SUBMITTED, Event.CANCEL): Status.CANCELLED,
    (Status.SUBMITTED, Event.EXPIRE): Status.EXPIRED,
    # A fill can overtake the acknowledgement: the late acknowledgement then changes nothing.
    (Status.PARTIALLY_FILLED, Event.ACCEPT): Status.PARTIALLY_FILLED,
    (Status.PARTIALLY_FILLED, Event.FILL): Status.PARTIALLY_FILLED,
    (Status.PARTIALLY_FILLED, Event.REQUEST_CANCEL): Status.PENDING_CANCEL,
    (Status.PARTIALLY_FILLED, Event.CANCEL): Status.CANCELLED,
    (Status.PARTIALLY_FILLED, Event.EXPIRE): Status.EXPIRED,
    (Status.FILLED, Event.ACCEPT): Status.FILLED,
    # The cancel came too late: the venue rejects it after the fill that was faster.
    (Status.FILLED, Event.REJECT_CANCEL): Status.FILLED,
    # What the venue does while our request to cancel is under way.
    (Status.PENDING_CANCEL, Event.ACCEPT): Status.PENDING_CANCEL,
    (Status.PENDING_CANCEL, Event.REJECT): Status.REJECTED,
    (Status.PENDING_CANCEL, Event.FILL): Status.PENDING_CANCEL,
    (Status.PENDING_CANCEL, Event.CANCEL): Status.CANCELLED,
    (Status.PENDING_CANCEL, Event.EXPIRE): Status.EXPIRED,
    (Status.PENDING_CANCEL, Event.REJECT_CANCEL): Status.SUBMITTED,
    # The order ended at the venue before our request to cancel arrived there.
    (Status.REJECTED, Event.REJECT_CANCEL): Status.REJECTED,
    (Status.EXPIRED, Event.REJECT_CANCEL): Status.EXPIRED,
    (Status.CANCELLED, Event.REJECT_CANCEL): Status.CANCELLED,
}


def next_status(status: Status, event: Event, *, is_filled: bool, has_fills: bool) -> Status:
    """Return the state after `event`.

    `is_filled` and `has_fills` describe the order *after* the event: nothing is left of it;
    something of it was filled. Raises IllegalTransition.
    """
    try:
        following = _TABLE[status, event]
    except KeyError:
        raise IllegalTransition(
            f"{event.value} cannot happen to an order that is {status.value}"
        ) from None
    if event is Event.FILL and is_filled:
        return Status.FILLED
    if event is Event.REJECT_CANCEL and status is Status.PENDING_CANCEL and has_fills:
        return Status.PARTIALLY_FILLED
    return following
