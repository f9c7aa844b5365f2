"""The one transition table of an order: from which state, on which event, to which state.

Pure. What is not in the table cannot happen: a report that asks for it is parked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where an order is.

    `PENDING` waits for the venue's answer to a replace, as the order that is to take over. `HELD`
    is kept by us: it waits for its price, or for the order that it belongs to. `UNKNOWN` may have
    reached the venue or not: the link was lost, and the venue will be asked.
    """

    PENDING = "pending"
    HELD = "held"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REPLACED = "replaced"

    @property
    def is_final(self) -> bool:
        return self in _FINAL

    @property
    def is_at_venue(self) -> bool:
        """Tell whether the venue may execute the order."""
        return not self.is_final and self not in (Status.PENDING, Status.HELD)


_FINAL: Final = frozenset(
    {Status.FILLED, Status.CANCELLED, Status.REJECTED, Status.EXPIRED, Status.REPLACED}
)


class Event(StrEnum):
    """What can happen to an order: first what we do, then what a venue says of it."""

    DENY = "deny"
    HOLD = "hold"
    SUBMIT = "submit"
    REQUEST_CANCEL = "request_cancel"
    REQUEST_REPLACE = "request_replace"
    DOUBT = "doubt"
    ACCEPT = "accept"
    REJECT = "reject"
    FILL = "fill"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REPLACE = "replace"
    REJECT_CANCEL = "reject_cancel"
    REJECT_REPLACE = "reject_replace"
    CONFIRM = "confirm"
    BUST = "bust"


class IllegalTransition(ValueError):
    """The event cannot happen to an order in this state."""


class _Working:
    """Where an order is that stands at the venue: its filled quantity tells."""


_WORKING: Final = _Working()

_S, _E = Status, Event
_TABLE: Final[dict[tuple[Status, Event], Status | _Working]] = {
    (_S.PENDING, _E.DENY): _S.REJECTED,
    (_S.PENDING, _E.HOLD): _S.HELD,
    (_S.PENDING, _E.SUBMIT): _S.SUBMITTED,
    # A replacement: the venue lets it take over, or refuses.
    (_S.PENDING, _E.ACCEPT): _S.SUBMITTED,
    (_S.PENDING, _E.REJECT): _S.REJECTED,
    (_S.PENDING, _E.REQUEST_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING, _E.DOUBT): _S.PENDING,
    # What we hold ourselves ends by our word alone.
    (_S.HELD, _E.SUBMIT): _S.SUBMITTED,
    (_S.HELD, _E.CANCEL): _S.CANCELLED,
    (_S.HELD, _E.EXPIRE): _S.EXPIRED,
    (_S.HELD, _E.REPLACE): _S.REPLACED,
    (_S.SUBMITTED, _E.ACCEPT): _S.SUBMITTED,
    (_S.SUBMITTED, _E.REJECT): _S.REJECTED,
    (_S.SUBMITTED, _E.FILL): _S.PARTIALLY_FILLED,
    (_S.SUBMITTED, _E.CANCEL): _S.CANCELLED,
    (_S.SUBMITTED, _E.EXPIRE): _S.EXPIRED,
    (_S.SUBMITTED, _E.REQUEST_CANCEL): _S.PENDING_CANCEL,
    (_S.SUBMITTED, _E.REQUEST_REPLACE): _S.PENDING_REPLACE,
    (_S.SUBMITTED, _E.DOUBT): _S.UNKNOWN,
    (_S.SUBMITTED, _E.CONFIRM): _S.SUBMITTED,
    # The answer to a replace can come behind that to a later cancel, which led back here.
    (_S.SUBMITTED, _E.REPLACE): _S.REPLACED,
    (_S.SUBMITTED, _E.REJECT_REPLACE): _S.SUBMITTED,
    # A fill can overtake the acknowledgement: the late acknowledgement then changes nothing.
    (_S.PARTIALLY_FILLED, _E.ACCEPT): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FILL): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL): _S.CANCELLED,
    (_S.PARTIALLY_FILLED, _E.EXPIRE): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _E.REQUEST_CANCEL): _S.PENDING_CANCEL,
    (_S.PARTIALLY_FILLED, _E.REQUEST_REPLACE): _S.PENDING_REPLACE,
    (_S.PARTIALLY_FILLED, _E.DOUBT): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.CONFIRM): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.REPLACE): _S.REPLACED,
    (_S.PARTIALLY_FILLED, _E.REJECT_REPLACE): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.BUST): _WORKING,
    # The link was lost before the venue had answered: whatever it says then is the truth.
    (_S.UNKNOWN, _E.ACCEPT): _S.SUBMITTED,
    (_S.UNKNOWN, _E.REJECT): _S.REJECTED,
    (_S.UNKNOWN, _E.FILL): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.CANCEL): _S.CANCELLED,
    (_S.UNKNOWN, _E.EXPIRE): _S.EXPIRED,
    (_S.UNKNOWN, _E.REQUEST_CANCEL): _S.PENDING_CANCEL,
    (_S.UNKNOWN, _E.DOUBT): _S.UNKNOWN,
    (_S.UNKNOWN, _E.CONFIRM): _WORKING,
    (_S.UNKNOWN, _E.REPLACE): _S.REPLACED,
    (_S.UNKNOWN, _E.REJECT_REPLACE): _S.UNKNOWN,
    # What the venue does while our request to cancel is under way. A replacement that is to be
    # cancelled may still take over, and the replaced order may still go.
    (_S.PENDING_CANCEL, _E.ACCEPT): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.REJECT): _S.REJECTED,
    (_S.PENDING_CANCEL, _E.FILL): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.CANCEL): _S.CANCELLED,
    (_S.PENDING_CANCEL, _E.EXPIRE): _S.EXPIRED,
    (_S.PENDING_CANCEL, _E.REPLACE): _S.REPLACED,
    (_S.PENDING_CANCEL, _E.REJECT_CANCEL): _WORKING,
    (_S.PENDING_CANCEL, _E.REJECT_REPLACE): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.DOUBT): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.CONFIRM): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.BUST): _S.PENDING_CANCEL,
    # The same while our request to replace is under way.
    (_S.PENDING_REPLACE, _E.ACCEPT): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.REJECT): _S.REJECTED,
    (_S.PENDING_REPLACE, _E.FILL): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.CANCEL): _S.CANCELLED,
    (_S.PENDING_REPLACE, _E.EXPIRE): _S.EXPIRED,
    (_S.PENDING_REPLACE, _E.REQUEST_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING_REPLACE, _E.REPLACE): _S.REPLACED,
    (_S.PENDING_REPLACE, _E.REJECT_REPLACE): _WORKING,
    (_S.PENDING_REPLACE, _E.DOUBT): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.CONFIRM): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.BUST): _S.PENDING_REPLACE,
    # An order that has ended stays as it ended. Its acknowledgement may come late;
    (_S.FILLED, _E.ACCEPT): _S.FILLED,
    (_S.CANCELLED, _E.ACCEPT): _S.CANCELLED,
    (_S.EXPIRED, _E.ACCEPT): _S.EXPIRED,
    (_S.REPLACED, _E.ACCEPT): _S.REPLACED,
    # a fill that the venue made before the end, too, and it is ours all the same;
    (_S.CANCELLED, _E.FILL): _S.CANCELLED,
    (_S.EXPIRED, _E.FILL): _S.EXPIRED,
    # so is one of an order by value that has ended because its value was spent;
    (_S.FILLED, _E.FILL): _S.FILLED,
    # a cancel or replace that came too late is refused;
    **{(end, _E.REJECT_CANCEL): end for end in _FINAL},
    **{(end, _E.REJECT_REPLACE): end for end in _FINAL},
    # what was in doubt is so no more;
    **{(end, _E.DOUBT): end for end in _FINAL},
    **{(end, _E.CONFIRM): end for end in _FINAL},
    # and what the venue takes back afterwards is not executed again.
    (_S.FILLED, _E.BUST): _S.CANCELLED,
    (_S.CANCELLED, _E.BUST): _S.CANCELLED,
    (_S.EXPIRED, _E.BUST): _S.EXPIRED,
    (_S.REPLACED, _E.BUST): _S.REPLACED,
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
    if isinstance(following, _Working):
        return Status.PARTIALLY_FILLED if has_fills else Status.SUBMITTED
    return following
