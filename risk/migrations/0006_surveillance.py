import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("marketdata", "0005_margin_terms"),
        ("risk", "0005_margin"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Surveyed",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("sequence", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "notice"), (2, "warning"), (3, "severe")]
                    ),
                ),
                ("summary", models.CharField(max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("assigned", "Assigned"),
                            ("escalated", "Escalated"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("explained", "explained: nothing wrong"),
                            ("false_alarm", "false alarm: the rule was wrong"),
                            ("warned", "customer spoken to"),
                            ("restricted", "account restricted"),
                            ("reported", "reported to the authority"),
                            ("resolved", "cause removed"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("raised_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="accounts.account",
                    ),
                ),
                (
                    "assigned_to",
                    models.ForeignKey(
                        limit_choices_to={"is_staff": True},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketdata.instrument",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AlertEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=160)),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "notice"), (2, "warning"), (3, "severe")]
                    ),
                ),
                ("happened_at", models.DateTimeField()),
                ("found_at", models.DateTimeField()),
                ("summary", models.CharField(max_length=300)),
                ("facts", models.JSONField()),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="risk.alert",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AlertStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("taken", "Taken"),
                            ("noted", "Noted"),
                            ("escalated", "Escalated"),
                            ("closed", "Closed"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("explained", "explained: nothing wrong"),
                            ("false_alarm", "false alarm: the rule was wrong"),
                            ("warned", "customer spoken to"),
                            ("restricted", "account restricted"),
                            ("reported", "reported to the authority"),
                            ("resolved", "cause removed"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("note", models.CharField(blank=True, default="", max_length=1000)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="risk.alert",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("state", "closed"), _negated=True),
                fields=["-severity", "raised_at"],
                name="alert_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("severity", 3), ("told_at__isnull", True)),
                fields=["raised_at"],
                name="alert_untold",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "closed"), _negated=True),
                fields=("kind", "account", "instrument"),
                name="alert_open_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("state", "closed")),
                    models.Q(
                        models.Q(("state", "closed"), _negated=True),
                        ("closed_at__isnull", True),
                        ("outcome", ""),
                    ),
                    _connector="OR",
                ),
                name="alert_closed_with_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertevidence",
            constraint=models.UniqueConstraint(fields=("kind", "key"), name="alert_evidence_once"),
        ),
        AppendOnly("risk_alertevidence"),
        AppendOnly("risk_alertstep"),
        # What happened before there was surveillance raises no alerts now.
        migrations.RunSQL(
            sql="""
            INSERT INTO risk_surveyed (account_id, sequence)
            SELECT id, activity_sequence FROM accounts_account WHERE activity_sequence > 0
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
