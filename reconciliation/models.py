"""What is kept of closing days and of holding our books against others'."""

from reconciliation.day.models import DayRun as DayRun
from reconciliation.day.models import JobRun as JobRun
from reconciliation.day.models import JobStep as JobStep
