"""Operations halt an instrument, with a reason; prices are for looking at."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone

from marketdata import services
from marketdata.admin import FeedHealthAdmin
from marketdata.batches.columns import TickColumns
from marketdata.instruments import listing, restating
from marketdata.models import ArchivedTicks, FeedHealth, Instrument, SuspectTick
from marketdata.ticks import TradeTick
from tests import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def operations() -> Client:
    return staff.at_work()[1]


@pytest.fixture
def ibm() -> Instrument:
    listing.load(now=timezone.now())
    return Instrument.objects.get(symbol="IBM")


def test_a_halt_wants_a_reason_and_is_kept_in_the_history(
    operations: Client, ibm: Instrument
) -> None:
    address = f"/admin/marketdata/instrument/{ibm.pk}/change/"
    assert operations.get(address).status_code == 200
    fields = {**model_to_dict(ibm, exclude=["id"]), "halted": "on", "fractionable": ""}
    refused = operations.post(address, fields)
    assert refused.status_code == 200  # the form again, with what is missing
    ibm.refresh_from_db()
    assert not ibm.halted
    operations.post(address, {**fields, "reason": "News pending."})
    ibm.refresh_from_db()
    assert ibm.halted
    latest = ibm.history.latest()
    assert latest.history_change_reason == "News pending."
    assert latest.history_user is not None


def test_the_source_of_prices_is_one_that_there_is_and_is_kept_in_the_history(
    operations: Client, ibm: Instrument, settings: LazySettings
) -> None:
    settings.FEEDS = {"acme": "ws://127.0.0.1:1"}
    address = f"/admin/marketdata/instrument/{ibm.pk}/change/"
    fields = {**model_to_dict(ibm, exclude=["id"]), "fractionable": "", "reason": "A test."}
    assert operations.post(address, {**fields, "source": "nobody"}).status_code == 200
    ibm.refresh_from_db()
    assert ibm.source == ""
    assert operations.post(address, {**fields, "source": "acme"}).status_code == 302
    ibm.refresh_from_db()
    assert (ibm.source, ibm.history.latest().source) == ("acme", "acme")


def test_the_health_of_a_feed_is_shown_with_what_was_kept_aside(
    operations: Client, ibm: Instrument, settings: LazySettings
) -> None:
    settings.FEEDS = {"acme": "ws://127.0.0.1:1"}
    now = timezone.now()
    health = FeedHealth.objects.create(
        feed="acme", market="us_equity", state="live", since=now, counted_since=now, written_at=now
    )
    services.accept(
        TickColumns.of([TradeTick("IBM", now, Decimal(1), Decimal(1), "7")]), source="acme", now=now
    )
    assert operations.get("/admin/marketdata/feedhealth/").status_code == 200
    shown = admin.site._registry[FeedHealth]
    assert isinstance(shown, FeedHealthAdmin)
    assert shown.refused_today(health) == 1


@pytest.mark.parametrize("name", ["quote", "bar", "suspecttick", "suspectcount", "instrument"])
def test_every_list_opens_and_nothing_is_added_by_hand(
    operations: Client, ibm: Instrument, name: str
) -> None:
    now = timezone.now()
    ticks = [TradeTick("IBM", now, Decimal(price), Decimal(1), "") for price in (246, 0)]
    services.accept(TickColumns.of(ticks), source="feed", now=now)
    assert operations.get(f"/admin/marketdata/{name}/").status_code == 200
    assert operations.get(f"/admin/marketdata/{name}/add/").status_code == 403


def test_a_suspect_is_looked_at_and_not_changed(operations: Client, ibm: Instrument) -> None:
    now = timezone.now()
    services.accept(
        TickColumns.of([TradeTick("IBM", now, Decimal(0), Decimal(1), "")]), source="feed", now=now
    )
    address = f"/admin/marketdata/suspecttick/{SuspectTick.objects.get().pk}/change/"
    assert operations.get(address).status_code == 200
    assert operations.post(address, {"reason": "fine"}).status_code == 403
    assert operations.post(address.replace("change", "delete")).status_code == 403


@pytest.mark.parametrize("name", ["bar", "priceadjustment", "archivedticks"])
def test_what_is_kept_of_the_market_can_be_looked_at(
    operations: Client, ibm: Instrument, name: str
) -> None:
    restating.adjust_for_split(ibm.pk, "2 for 1", ex_date=date(2026, 3, 2), new=2, old=1)
    ArchivedTicks.objects.create(
        kind="tapetrade", day=date(2026, 3, 2), part=1, rows=7, file="a.parquet", at=timezone.now()
    )
    shown = operations.get(f"/admin/marketdata/{name}/")
    assert shown.status_code == 200
    seen = {"bar": "1Min", "priceadjustment": "2 for 1", "archivedticks": "a.parquet"}[name]
    assert seen in shown.content.decode()
    assert operations.get(f"/admin/marketdata/{name}/add/").status_code == 403
