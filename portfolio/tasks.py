"""Celery jobs of the portfolio; thin: what they do is in their modules."""

from celery import shared_task
from django.utils import timezone

from portfolio import interest
from portfolio.actions import entitlements
from portfolio.lots import tax
from portfolio.worth import closing


@shared_task(name="portfolio.snapshot_equity")  # type: ignore[untyped-decorator]
def snapshot_equity() -> int:
    return closing.snapshot_equity(now=timezone.now())


@shared_task(name="portfolio.mark_equity")  # type: ignore[untyped-decorator]
def mark_equity() -> int:
    return closing.mark_equity(now=timezone.now())


@shared_task(name="portfolio.thin_points")  # type: ignore[untyped-decorator]
def thin_points() -> int:
    return closing.thin_points(now=timezone.now())


@shared_task(name="portfolio.charge_interest")  # type: ignore[untyped-decorator]
def charge_interest() -> int:
    """Accrue the days that are over, and charge the months that are; return how many charges."""
    now = timezone.now()
    interest.accrue(now=now)
    return interest.post(now=now)


@shared_task(name="portfolio.pay_dividends")  # type: ignore[untyped-decorator]
def pay_dividends() -> int:
    """Pay what is due; return how many accounts were paid."""
    return entitlements.pay_all(now=timezone.now())


@shared_task(name="portfolio.find_wash_sales")  # type: ignore[untyped-decorator]
def find_wash_sales() -> int:
    """Write down the wash sales that the last purchases have made; return how many."""
    return tax.find_wash_sales(now=timezone.now())
