"""Where an order goes, and whether the link there can be relied on."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests import world
from venues import links, outbox, routing
from venues.models import Route, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def afresh():
    """What a process remembers for a second must not outlive the rows of a test."""
    routing.forget()
    links.forget()
    yield
    routing.forget()
    links.forget()


def venue(name: str, **changes: object) -> Venue:
    return Venue.objects.create(
        **{"name": name, "kind": "line", "address": "192.0.2.1:7", "member": "US", **changes}
    )


def venue_for(instrument) -> str:
    routing.forget()
    return routing.routes().venue_for(instrument.pk, instrument.asset_class)


def test_without_any_other_route_everything_goes_to_the_embedded_exchange():
    assert venue_for(world.instrument()) == outbox.EMBEDDED


def test_the_more_specific_route_wins():
    aapl, ibm = world.instrument("AAPL"), world.instrument("IBM")
    Route.objects.create(venue=venue("EQUITIES"), asset_class="us_equity")
    Route.objects.create(venue=venue("APPLES"), instrument=aapl)
    assert [venue_for(aapl), venue_for(ibm)] == ["APPLES", "EQUITIES"]
    assert routing.routes().venue_for(uuid.uuid4(), "crypto") == outbox.EMBEDDED


@pytest.mark.parametrize("of_the_venue", [True, False])
def test_what_is_disabled_counts_for_nothing(of_the_venue):
    aapl = world.instrument()
    there = venue("APPLES", is_enabled=not of_the_venue)
    Route.objects.create(venue=there, instrument=aapl, is_enabled=of_the_venue)
    assert venue_for(aapl) == outbox.EMBEDDED


@pytest.mark.parametrize(("seconds", "goes_to"), [(60, "SPARE"), (0, "APPLES")])
def test_an_override_goes_first_as_long_as_it_lasts(seconds, goes_to):
    aapl = world.instrument()
    Route.objects.create(venue=venue("APPLES"), instrument=aapl)
    until = timezone.now() + timedelta(seconds=seconds)
    Route.objects.create(
        venue=venue("SPARE"), is_override=True, reason="APPLES is silent", until=until
    )
    assert venue_for(aapl) == goes_to


def test_without_a_route_there_is_no_venue():
    Venue.objects.update(is_enabled=False)
    with pytest.raises(routing.NoRoute):
        venue_for(world.instrument())


@pytest.mark.parametrize(
    "wrong",
    [
        {},  # there is a route for everything
        {"is_override": True, "reason": "just so"},
        {"is_override": True, "until": timezone.now()},
    ],
)
def test_routes_that_contradict_or_do_not_explain_themselves_are_refused(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Route.objects.create(venue=venue("OTHER"), **wrong)


def test_a_change_of_a_route_is_kept():
    route = Route.objects.get()
    route.venue = venue("OTHER")
    route.save()
    assert [row.venue.name for row in route.history.all()] == ["OTHER"]


@pytest.fixture
def silence_max(settings):
    settings.VENUE_SILENCE_SECONDS_MAX = 15.0


def is_up(now, name=outbox.EMBEDDED) -> bool:
    links.forget()
    return links.is_up(name, now)


def test_a_venue_is_up_as_long_as_it_is_heard_of(silence_max):
    now = timezone.now()
    assert not is_up(now)  # nobody has spoken to it yet
    links.hear(outbox.EMBEDDED, now=now)
    assert is_up(now + timedelta(seconds=15))
    assert not is_up(now + timedelta(seconds=15.1))
    links.hear(outbox.EMBEDDED, now=now + timedelta(seconds=20))
    assert is_up(now + timedelta(seconds=21))


def test_a_lost_link_is_down_at_once_and_says_since_when_and_why(silence_max):
    now = timezone.now()
    links.hear(outbox.EMBEDDED, now=now)
    for later in (1, 2):
        links.lose(outbox.EMBEDDED, now=now + timedelta(seconds=later), detail="nobody answers")
    assert not is_up(now + timedelta(seconds=2))
    [link] = links.current()
    assert (link.detail, link.since) == ("nobody answers", now + timedelta(seconds=1))
    assert link.heard_at == now


def test_what_is_no_venue_or_disabled_is_not_up(silence_max):
    now = timezone.now()
    links.hear(outbox.EMBEDDED, now=now)
    assert not is_up(now, "NOWHERE")
    Venue.objects.update(is_enabled=False)
    assert not is_up(now)


def test_what_was_read_is_believed_for_a_second(silence_max, django_assert_num_queries):
    now = timezone.now()
    links.hear(outbox.EMBEDDED, now=now)
    with django_assert_num_queries(2):
        for _ in range(3):
            assert links.is_up(outbox.EMBEDDED, now)
            routing.routes()
