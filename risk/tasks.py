"""Celery jobs of risk; thin."""

from celery import shared_task
from django.utils import timezone

from risk import firm_measured


@shared_task(name="risk.measure_firm")
def measure_firm() -> float:
    """Add up what all customers have at stake; return how many seconds it took."""
    return firm_measured.measure(now=timezone.now()).seconds
