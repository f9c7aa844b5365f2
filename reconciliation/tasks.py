"""Celery jobs of reconciliation; thin."""

from celery import shared_task
from django.utils import timezone

from reconciliation import comparing, services
from reconciliation.breaks import working
from reconciliation.day import services as day
from reconciliation.proof import runs
from venues import statements


@shared_task(name="reconciliation.check_invariants")
def check_invariants() -> int:
    """Return how many invariants do not hold."""
    return sum(not finding.holds for finding in services.check_and_halt(now=timezone.now()))


@shared_task(name="reconciliation.compare_so_far")
def compare_so_far() -> int:
    """Hold today's executions against what venues say so far; return how many breaks are new."""
    now = timezone.now()
    made = [comparing.compare_so_far(name, now=now) for name in statements.fetchable()]
    return sum(each.new for each in made)


@shared_task(name="reconciliation.let_corrections_lapse")
def let_corrections_lapse() -> int:
    """Carry on breaks whose correction nobody has decided on in time; return how many."""
    return working.let_lapse(now=timezone.now())


@shared_task(name="reconciliation.go_on")
def go_on() -> int:
    """Do the jobs of the days that are due; return how many were done."""
    return day.go_on(now=timezone.now())


@shared_task(name="reconciliation.prove")
def prove() -> bool:
    """Do the proof that somebody has asked for, if nobody is at one; tell whether there was."""
    return runs.go_on(clock=timezone.now) is not None
