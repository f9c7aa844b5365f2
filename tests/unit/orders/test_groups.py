"""Brackets, OCO and OTO: what the group does next, and that no course of events closes too much."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from orders import groups
from orders.groups import Member, Plan
from orders.lifecycle import Status
from orders.tickets import Role

D, S = Decimal, Status
ENTRY, PROFIT, LOSS = (UUID(int=number) for number in (1, 2, 3))


def member(id_, role, status, quantity=10, filled=0, **more):
    return Member(id_, role, status, D(quantity), D(filled), **more)


def bracket(entry, filled=0, profit=S.HELD, loss=S.HELD, **of_loss):
    return [
        member(ENTRY, Role.ENTRY, entry, filled=filled),
        member(PROFIT, Role.TAKE_PROFIT, profit),
        member(LOSS, Role.STOP_LOSS, loss, **of_loss),
    ]


def test_legs_wait_while_nothing_is_opened():
    assert groups.plan(bracket(S.SUBMITTED)) == Plan()
    assert groups.plan(bracket(S.HELD)) == Plan()


def test_the_stop_protects_what_is_filled_while_the_entry_still_works():
    plan = groups.plan(bracket(S.PARTIALLY_FILLED, filled=4))
    assert plan == Plan(sizes={PROFIT: D(4), LOSS: D(4)}, watched=(LOSS,), holder=LOSS, held=D(4))


def test_the_profit_goes_to_the_venue_when_the_entry_has_ended():
    plan = groups.plan(bracket(S.FILLED, filled=10))
    assert plan == Plan(watched=(LOSS,), sent=PROFIT)
    plan = groups.plan(bracket(S.CANCELLED, filled=3))
    assert plan == Plan(sizes={PROFIT: D(3), LOSS: D(3)}, watched=(LOSS,), sent=PROFIT)


def test_an_entry_that_opened_nothing_ends_its_legs():
    plan = groups.plan(bracket(S.EXPIRED))
    assert plan == Plan(dropped=(PROFIT, LOSS))


def test_a_triggered_stop_waits_until_the_profit_has_left_the_venue():
    members = bracket(S.FILLED, filled=10, profit=S.SUBMITTED, is_triggered=True)
    assert groups.plan(members) == Plan(cancelled=(PROFIT,))
    members[1] = replace(members[1], status=S.PENDING_CANCEL, filled=D(2))
    assert groups.plan(members) == Plan(sizes={LOSS: D(8)})
    members[1] = replace(members[1], status=S.CANCELLED, filled=D(3))
    assert groups.plan(members) == Plan(sizes={LOSS: D(7)}, sent=LOSS)


def test_a_triggered_stop_takes_what_is_left_of_its_entry_out_of_the_market_first():
    members = bracket(S.PARTIALLY_FILLED, filled=4, is_triggered=True)
    plan = groups.plan(members)
    assert plan == Plan(
        sizes={PROFIT: D(4), LOSS: D(4)}, cancelled=(ENTRY,), holder=LOSS, held=D(4)
    )
    members[0] = replace(members[0], status=S.CANCELLED, filled=D(5))
    assert groups.plan(members) == Plan(sizes={PROFIT: D(5), LOSS: D(5)}, sent=LOSS)


def test_what_a_late_fill_adds_is_held_for_the_stop():
    members = bracket(S.CANCELLED, filled=8, profit=S.SUBMITTED)
    members[1] = replace(members[1], quantity=D(5))
    plan = groups.plan(members)
    assert plan == Plan(sizes={LOSS: D(8)}, watched=(LOSS,), holder=LOSS, held=D(3))


def test_a_profit_that_is_filled_ends_the_stop():
    members = bracket(S.FILLED, filled=10, profit=S.FILLED)
    members[1] = replace(members[1], filled=D(10))
    assert groups.plan(members) == Plan(dropped=(LOSS,))


def test_an_oco_is_as_large_as_its_take_profit():
    members = [
        member(PROFIT, Role.TAKE_PROFIT, S.PARTIALLY_FILLED, filled=4),
        member(LOSS, Role.STOP_LOSS, S.HELD),
    ]
    assert groups.plan(members) == Plan(sizes={LOSS: D(6)}, watched=(LOSS,))


def test_a_bust_of_the_entry_takes_what_is_too_much_out_of_the_market():
    members = bracket(S.CANCELLED, filled=6, profit=S.SUBMITTED)
    assert groups.plan(members).cancelled == (PROFIT,)


class Course:
    """A group, and a venue and a market that do whatever chance says, at any moment."""

    def __init__(self, *, has_entry: bool) -> None:
        self.orders = {
            PROFIT: member(PROFIT, Role.TAKE_PROFIT, S.HELD),
            LOSS: member(LOSS, Role.STOP_LOSS, S.HELD),
        }
        if has_entry:
            self.orders = {ENTRY: member(ENTRY, Role.ENTRY, S.SUBMITTED), **self.orders}
        self.has_entry = has_entry
        self.watched: set[UUID] = set()
        self.settle()

    def set(self, id_, **changes):
        self.orders[id_] = replace(self.orders[id_], **changes)

    def settle(self):
        for _ in range(4):
            plan = groups.plan(list(self.orders.values()))
            for id_, size in plan.sizes.items():
                self.set(id_, quantity=size)
            for id_ in plan.cancelled:
                self.set(id_, status=S.PENDING_CANCEL)
            for id_ in plan.dropped:
                self.set(id_, status=S.CANCELLED)
            self.watched = set(plan.watched)
            if plan.sent is not None:
                self.set(plan.sent, status=S.SUBMITTED)
                self.watched.discard(plan.sent)

    def at_venue(self):
        return [m for m in self.orders.values() if m.status.is_at_venue]

    def happen(self, choice, size):
        """Let one thing happen that can: a fill, a cancel, a trigger; then settle."""
        working = self.at_venue()
        if choice == "trigger" and self.watched:
            self.set(min(self.watched), is_triggered=True)
        elif working:
            order = working[size % len(working)]
            filled = min(D(1 + size % 7), order.leaves)
            if choice == "fill" and filled:
                done = order.filled + filled
                status = S.FILLED if done == order.quantity else order.status
                self.set(order.id, filled=done, status=status)
            elif choice == "cancel":
                self.set(order.id, status=S.CANCELLED)
            elif choice == "reject_cancel" and order.status is S.PENDING_CANCEL:
                self.set(order.id, status=S.PARTIALLY_FILLED if order.filled else S.SUBMITTED)
        self.settle()

    def opened(self):
        return self.orders[ENTRY].filled if self.has_entry else D(10)

    def closed(self):
        return self.orders[PROFIT].filled + self.orders[LOSS].filled


@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(["fill", "fill", "cancel", "trigger", "reject_cancel"]),
            st.integers(0, 50),
        ),
        max_size=30,
    ),
)
@settings(max_examples=200)
def test_no_course_of_events_closes_more_than_was_opened(has_entry, events):
    course = Course(has_entry=has_entry)
    for choice, size in events:
        course.happen(choice, size)
        legs_at_venue = [m for m in course.at_venue() if m.role in groups.LEGS]
        assert len(legs_at_venue) <= 1
        # Even if all that is at the venue were executed now.
        could_close = course.closed() + sum(m.leaves for m in legs_at_venue)
        assert could_close <= course.opened()
