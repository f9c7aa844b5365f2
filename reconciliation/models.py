"""What is kept of closing days, of holding our books against others', of statements and seals."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from reconciliation.breaks.models import Break as Break
from reconciliation.breaks.models import BreakStep as BreakStep
from reconciliation.breaks.models import Comparison as Comparison
from reconciliation.day.models import DayRun as DayRun
from reconciliation.day.models import JobRun as JobRun
from reconciliation.day.models import JobStep as JobStep
from reconciliation.proof.models import OwedBlock as OwedBlock
from reconciliation.proof.models import ProofRun as ProofRun
from reconciliation.proof.models import Seal as Seal
from reconciliation.proof.models import SealedBlock as SealedBlock
from reconciliation.statements.models import ArchivedStatements as ArchivedStatements
from reconciliation.statements.models import ClosingMark as ClosingMark
from reconciliation.statements.models import LegalHold as LegalHold
from reconciliation.statements.models import LegalHoldRelease as LegalHoldRelease
from reconciliation.statements.models import Statement as Statement
from reconciliation.statements.models import StatementDay as StatementDay
from reconciliation.venue_statements.models import StatementFile as StatementFile
from reconciliation.venue_statements.models import StatementSource as StatementSource


class InvariantCheck(models.Model):
    """What the last check of the invariants came to; `broken` are the numbers of those that broke.

    What broke is a break of our books with themselves, which stays.
    """

    at = models.DateTimeField()
    count = models.PositiveSmallIntegerField(help_text="How many were checked.")
    broken = models.JSONField(default=list)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="invariant_check_once"),)

    def __str__(self) -> str:
        return f"{len(self.broken)} of {self.count} broken at {self.at:%Y-%m-%d %H:%M}"
