"""Celery jobs of accounts; thin."""

from celery import shared_task
from django.utils import timezone

from accounts import retention


@shared_task(name="accounts.drop_old_rows")
def drop_old_rows() -> int:
    return retention.drop(now=timezone.now())
