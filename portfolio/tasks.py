"""Celery jobs of the portfolio; thin: what they do is in their modules."""

from celery import shared_task
from django.utils import timezone

from portfolio.custody import paying_out
from portfolio.worth import closing


@shared_task(name="portfolio.mark_equity")
def mark_equity() -> int:
    return closing.mark_equity(now=timezone.now())


@shared_task(name="portfolio.pay_out")
def pay_out() -> int:
    return paying_out.pay_out(now=timezone.now())
