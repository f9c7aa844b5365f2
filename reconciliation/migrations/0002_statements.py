from __future__ import annotations

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import marketdata.models
from foundation.append_only import AppendOnly

# What is older than seven years leaves the table when a file has it that was read back, and while
# no legal hold is on the account. The database says so first, whoever deletes.
GUARD = """
CREATE FUNCTION reconciliation_keep_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.last >= current_date - interval '7 years' THEN
    RAISE EXCEPTION 'statement % is kept for seven years', OLD.number;
  ELSIF EXISTS (SELECT FROM reconciliation_legalhold h
                 WHERE h.account_id = OLD.account_id
                   AND (h.until IS NULL OR h.until >= current_date)
                   AND NOT EXISTS (SELECT FROM reconciliation_legalholdrelease r
                                    WHERE r.hold_id = h.id)) THEN
    RAISE EXCEPTION 'statement % is under a legal hold', OLD.number;
  ELSIF NOT EXISTS (SELECT FROM reconciliation_archivedstatements a
                     WHERE a.month = date_trunc('month', OLD.last)) THEN
    RAISE EXCEPTION 'statement % is in no archive', OLD.number;
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER unchanged BEFORE UPDATE ON reconciliation_statement
  FOR EACH ROW EXECUTE FUNCTION openfloor_refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON reconciliation_statement
  FOR EACH ROW EXECUTE FUNCTION reconciliation_keep_statement();
CREATE TRIGGER unchanged_truncate BEFORE TRUNCATE ON reconciliation_statement
  FOR EACH STATEMENT EXECUTE FUNCTION openfloor_refuse_change();
REVOKE UPDATE, TRUNCATE ON reconciliation_statement FROM openfloor_app;
"""
NO_GUARD = """
DROP TRIGGER unchanged ON reconciliation_statement;
DROP TRIGGER kept ON reconciliation_statement;
DROP TRIGGER unchanged_truncate ON reconciliation_statement;
DROP FUNCTION reconciliation_keep_statement();
GRANT UPDATE ON reconciliation_statement TO openfloor_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_phones"),
        ("foundation", "0001_initial"),
        ("portfolio", "0012_closings_numbered"),
        ("reconciliation", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                (
                    "until",
                    models.DateField(
                        blank=True, help_text="Its last day; empty: until released.", null=True
                    ),
                ),
                ("placed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="legal_holds",
                        to="accounts.account",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StatementDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("through", models.BigIntegerField()),
                ("statements", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ArchivedStatements",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField(help_text="In which their periods end: its first day.")),
                ("number", models.PositiveSmallIntegerField()),
                ("file", models.CharField(max_length=80, unique=True)),
                ("statements", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("month", "number"), name="archived_statements_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosingMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("code", models.CharField(max_length=24)),
                ("symbol", models.CharField(max_length=24)),
                ("name", models.CharField(max_length=120)),
                ("price", marketdata.models.PriceField(decimal_places=9, max_digits=20, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("day", "code"), name="closing_mark_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("confirmation", "confirmation"),
                            ("daily", "daily"),
                            ("monthly", "monthly"),
                            ("tax", "tax"),
                        ],
                        max_length=12,
                    ),
                ),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("revision", models.PositiveSmallIntegerField(default=1)),
                ("layout", models.PositiveSmallIntegerField()),
                ("number", models.CharField(max_length=40, unique=True)),
                ("before", models.BigIntegerField()),
                ("through", models.BigIntegerField()),
                ("closings", models.BigIntegerField(default=0)),
                ("washes", models.BigIntegerField(default=0)),
                ("said", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("size", models.BigIntegerField(help_text="Of its CSV, in bytes.")),
                ("made_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-last"], name="statement_of"),
                    models.Index(fields=["last"], name="statement_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "kind", "last", "revision"), name="statement_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first__lte", models.F("last"))),
                        name="statement_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LegalHoldRelease",
            fields=[
                (
                    "hold",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="release",
                        serialize=False,
                        to="reconciliation.legalhold",
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
                (
                    "agreed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("asked_by", models.F("agreed_by")), _negated=True),
                        name="legal_hold_released_by_two",
                    )
                ],
            },
        ),
        migrations.RunSQL(GUARD, NO_GUARD),
        AppendOnly("reconciliation_statementday"),
        AppendOnly("reconciliation_closingmark"),
        AppendOnly("reconciliation_legalhold"),
        AppendOnly("reconciliation_legalholdrelease"),
        AppendOnly("reconciliation_archivedstatements"),
    ]
