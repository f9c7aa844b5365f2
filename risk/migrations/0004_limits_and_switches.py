import uuid
from datetime import UTC, datetime
from decimal import Decimal

import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import portfolio.models
import risk.limits.models
from foundation.append_only import AppendOnly

FIRM = {
    "order_volume_max": Decimal("0.25"),
    "position_quantity_max": Decimal(1_000_000),
    "gross_exposure_max": Decimal(50_000_000),
    "price_collar": Decimal("0.50"),
    "price_distance_max": Decimal("0.95"),
    "open_orders_max": 10_000,
    "messages_per_second_max": 2_000,
    "messages_per_minute_max": 60_000,
    "executions_per_minute_max": 10_000,
    "firm_open_buys_max": Decimal(100_000_000_000),
}
"""What the firm's limits have had no word for so far: wide enough for whoever trades already."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = ("order_quantity_max", "order_value_max", "position_value_max", "market_buffer")


def restate(apps, schema_editor):
    """Make a row of each change that the history tells of; what holds now is the last of them."""
    database = schema_editor.connection.alias
    Limits = apps.get_model("risk", "Limits")
    History = apps.get_model("risk", "HistoricalLimits")
    standing = list(Limits.objects.using(database).all())
    for row in standing:
        new = FIRM if row.account_id is None else {}
        told = list(History.objects.using(database).filter(id=row.pk).order_by("history_id"))
        at, by, why = BEGINNING, "", "As it was"
        for former in told:
            at, why = former.history_date, former.history_change_reason or "As it was"
            by = f"operator:{former.history_user_id}" if former.history_user_id else ""
            if former is not told[-1]:
                Limits.objects.using(database).create(
                    account_id=row.account_id,
                    **{name: getattr(former, name) for name in KEPT},
                    **new,
                    valid_from=at,
                    set_at=at,
                    set_by=by,
                    reason=why,
                )
        Limits.objects.using(database).filter(pk=row.pk).update(
            **new, valid_from=at, set_at=at, set_by=by, reason=why
        )
    FirmExposure = apps.get_model("risk", "FirmExposure")
    FirmExposure.objects.using(database).create(pk=1, at=datetime.now(UTC))
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("marketdata", "0005_margin_terms"),
        ("risk", "0003_limits_of_everybody"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClockReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("host", models.CharField(max_length=80)),
                ("source", models.CharField(max_length=20)),
                ("offset_ms", models.FloatField(help_text="Positive: our clock is ahead.")),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="FirmExposure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "open_buys",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="HistoricalSwitch",
            fields=[
                ("id", models.UUIDField(db_index=True, default=uuid.uuid4, editable=False)),
                (
                    "effect",
                    models.CharField(
                        choices=[
                            ("closing_only", "Positions may only be reduced"),
                            ("halt", "No new orders; what rests stays"),
                            ("kill", "No new orders; everything open is cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("code", models.CharField(editable=False, max_length=40)),
                ("order_id", models.UUIDField(blank=True, null=True)),
                ("venue", models.CharField(blank=True, default="", max_length=24)),
                ("reason", models.CharField(max_length=300)),
                ("engaged_by", models.CharField(editable=False, max_length=80)),
                ("engaged_at", models.DateTimeField(editable=False)),
                (
                    "released_by",
                    models.CharField(blank=True, default="", editable=False, max_length=170),
                ),
                ("released_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
            ],
            options={
                "verbose_name": "historical switch",
                "verbose_name_plural": "historical switches",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "effect",
                    models.CharField(
                        choices=[
                            ("closing_only", "Positions may only be reduced"),
                            ("halt", "No new orders; what rests stays"),
                            ("kill", "No new orders; everything open is cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("code", models.CharField(editable=False, max_length=40)),
                ("order_id", models.UUIDField(blank=True, null=True)),
                ("venue", models.CharField(blank=True, default="", max_length=24)),
                ("reason", models.CharField(max_length=300)),
                ("engaged_by", models.CharField(editable=False, max_length=80)),
                ("engaged_at", models.DateTimeField(editable=False)),
                (
                    "released_by",
                    models.CharField(blank=True, default="", editable=False, max_length=170),
                ),
                ("released_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name_plural": "switches",
                "ordering": ("-engaged_at",),
            },
        ),
        migrations.RemoveConstraint(
            model_name="limits",
            name="limits_once",
        ),
        migrations.RemoveConstraint(
            model_name="limits",
            name="limits_buffer",
        ),
        migrations.AddField(
            model_name="limits",
            name="approved_by",
            field=models.CharField(blank=True, default="", editable=False, max_length=80),
        ),
        migrations.AddField(
            model_name="limits",
            name="executions_per_minute_max",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="In one instrument; more of them stop the account in it.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="firm_open_buys_max",
            field=portfolio.models.AmountField(
                blank=True,
                decimal_places=9,
                help_text="USD, of all customers together.",
                max_digits=38,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="gross_exposure_max",
            field=portfolio.models.AmountField(
                blank=True,
                decimal_places=9,
                help_text="USD, all positions and opening orders.",
                max_digits=38,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="instrument",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="marketdata.instrument",
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="is_override",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="limits",
            name="messages_per_minute_max",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="limits",
            name="messages_per_second_max",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="limits",
            name="open_orders_max",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="limits",
            name="order_volume_max",
            field=risk.limits.models._PartField(
                blank=True,
                decimal_places=4,
                help_text="Of the average day's volume.",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="position_quantity_max",
            field=portfolio.models.AmountField(
                blank=True, decimal_places=9, max_digits=38, null=True
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="price_collar",
            field=risk.limits.models._PartField(
                blank=True,
                decimal_places=4,
                help_text="How much worse than the market a limit may be.",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="price_distance_max",
            field=risk.limits.models._PartField(
                blank=True,
                decimal_places=4,
                help_text="How much better than the market a limit may be.",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="limits",
            name="reason",
            field=models.CharField(default="", max_length=300),
        ),
        migrations.AddField(
            model_name="limits",
            name="set_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="limits",
            name="set_by",
            field=models.CharField(default="", editable=False, max_length=80),
        ),
        migrations.AddField(
            model_name="limits",
            name="tier",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
        migrations.AddField(
            model_name="limits",
            name="valid_from",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name="limits",
            name="valid_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="limits",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.account",
            ),
        ),
        migrations.AlterField(
            model_name="limits",
            name="market_buffer",
            field=risk.limits.models._PartField(
                blank=True,
                decimal_places=4,
                help_text="How far beyond the far quote a market order is held for, and may execute.",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="limits",
            name="order_quantity_max",
            field=portfolio.models.AmountField(
                blank=True, decimal_places=9, max_digits=38, null=True
            ),
        ),
        migrations.AlterField(
            model_name="limits",
            name="order_value_max",
            field=portfolio.models.AmountField(
                blank=True, decimal_places=9, help_text="USD", max_digits=38, null=True
            ),
        ),
        migrations.AlterField(
            model_name="limits",
            name="position_value_max",
            field=portfolio.models.AmountField(
                blank=True,
                decimal_places=9,
                help_text="USD, per instrument, long or short.",
                max_digits=38,
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="limits",
            index=models.Index(
                fields=["account", "tier", "instrument", "is_override", "-valid_from", "-id"],
                name="limits_by_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="limits",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("market_buffer__isnull", True),
                    models.Q(("market_buffer__gte", 0), ("market_buffer__lt", 1)),
                    _connector="OR",
                ),
                name="limits_buffer",
            ),
        ),
        migrations.AddConstraint(
            model_name="limits",
            constraint=models.CheckConstraint(
                condition=models.Q(("account", None), ("tier", ""), _connector="OR"),
                name="limits_of_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="limits",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_override", False),
                    models.Q(
                        ("valid_until__isnull", False), models.Q(("approved_by", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="limits_override_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="clockreading",
            constraint=models.UniqueConstraint(
                fields=("host", "source"), name="clock_reading_once"
            ),
        ),
        migrations.AddField(
            model_name="historicalswitch",
            name="account",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.account",
            ),
        ),
        migrations.AddField(
            model_name="historicalswitch",
            name="history_user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalswitch",
            name="instrument",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="marketdata.instrument",
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.account",
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="instrument",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="marketdata.instrument",
            ),
        ),
        migrations.AddIndex(
            model_name="switch",
            index=models.Index(
                condition=models.Q(("released_at", None)),
                fields=["engaged_at"],
                name="switch_engaged",
            ),
        ),
        migrations.RunPython(restate, migrations.RunPython.noop),
        migrations.DeleteModel(name="HistoricalLimits"),
        AppendOnly("risk_limits"),
        AppendOnly("risk_historicalswitch"),
    ]
