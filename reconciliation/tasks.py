"""Celery jobs of reconciliation; thin."""

from celery import shared_task
from django.utils import timezone

from reconciliation import services


@shared_task(name="reconciliation.check_invariants")  # type: ignore[untyped-decorator]
def check_invariants() -> int:
    """Return how many invariants do not hold."""
    return sum(not finding.holds for finding in services.check_and_halt(now=timezone.now()))
