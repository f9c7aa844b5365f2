"""What operations sees of reconciliation: one module for each subject."""

from reconciliation.breaks import admin as breaks_admin  # noqa: F401 - registers its pages
from reconciliation.statements import admin as statement_admin  # noqa: F401 - registers its pages
