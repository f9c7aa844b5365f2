from django.db import migrations


class Migration(migrations.Migration):
    """Where account numbers come from. Foundation's first migration lets the program draw them."""

    dependencies = [("accounts", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE accounts_account_number START WITH 10000001",
            reverse_sql="DROP SEQUENCE accounts_account_number",
        )
    ]
