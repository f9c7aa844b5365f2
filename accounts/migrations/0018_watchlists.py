"""Several named lists an account: the one that there was is the first, as it was."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

KEEP = """
INSERT INTO accounts_watchlist (id, account_id, name, symbols, created_at, updated_at)
SELECT gen_random_uuid(), account_id, 'Watchlist', symbols, updated_at, updated_at
FROM accounts_onewatchlist
"""
KEEP_THE_FIRST = """
INSERT INTO accounts_onewatchlist (account_id, symbols, updated_at)
SELECT DISTINCT ON (account_id) account_id, symbols, updated_at
FROM accounts_watchlist ORDER BY account_id, created_at, id
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_approval_over")]

    operations = [
        migrations.RenameModel("Watchlist", "OneWatchlist"),
        migrations.CreateModel(
            name="Watchlist",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="accounts.account",
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                (
                    "symbols",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=24), size=None
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="watchlist",
            constraint=models.UniqueConstraint(
                fields=("account", "name"), name="watchlist_name_once"
            ),
        ),
        migrations.RunSQL(KEEP, KEEP_THE_FIRST),
        migrations.DeleteModel("OneWatchlist"),
    ]
