"""Celery jobs of the portfolio; thin: what they do is in their modules."""

from celery import shared_task
from django.utils import timezone

from portfolio.worth import closing


@shared_task(name="portfolio.mark_equity")  # type: ignore[untyped-decorator]
def mark_equity() -> int:
    return closing.mark_equity(now=timezone.now())
