"""What is kept of closing days, of holding our books against others', and of statements."""

from reconciliation.day.models import DayRun as DayRun
from reconciliation.day.models import JobRun as JobRun
from reconciliation.day.models import JobStep as JobStep
from reconciliation.statements.models import ArchivedStatements as ArchivedStatements
from reconciliation.statements.models import ClosingMark as ClosingMark
from reconciliation.statements.models import LegalHold as LegalHold
from reconciliation.statements.models import LegalHoldRelease as LegalHoldRelease
from reconciliation.statements.models import Statement as Statement
from reconciliation.statements.models import StatementDay as StatementDay
