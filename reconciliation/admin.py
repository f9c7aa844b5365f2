"""What operations sees of reconciliation: one module for each subject."""

from reconciliation.statements import admin as statement_admin  # noqa: F401
