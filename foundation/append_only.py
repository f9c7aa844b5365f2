"""Rows that are never edited: the database itself refuses, for everybody.

Two locks on one door. A trigger refuses UPDATE, DELETE and TRUNCATE whoever asks; and the
role that the running program uses (`APP_ROLE`) is never granted them in the first place.
"""

from __future__ import annotations

from django.db import migrations

APP_ROLE = "openfloor_app"


class AppendOnly(migrations.RunSQL):
    """Make `table` refuse UPDATE, DELETE and TRUNCATE."""

    def __init__(self, table: str) -> None:
        super().__init__(
            sql=f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
              FOR EACH ROW EXECUTE FUNCTION openfloor_refuse_change();
            CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}
              FOR EACH STATEMENT EXECUTE FUNCTION openfloor_refuse_change();
            REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE};
            """,
            reverse_sql=f"""
            DROP TRIGGER append_only ON {table};
            DROP TRIGGER append_only_truncate ON {table};
            GRANT UPDATE, DELETE ON {table} TO {APP_ROLE};
            """,
        )
        self.table = table

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__name__, [self.table], {})
