"""Celery jobs of market data; thin."""

from celery import shared_task
from django.utils import timezone

from marketdata.history import partitions


@shared_task
def make_partitions() -> None:
    """Make the partitions of the days to come."""
    partitions.make_ahead(now=timezone.now())
