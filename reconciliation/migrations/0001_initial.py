from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from foundation.append_only import AppendOnly

STEPS_NOW = (
    "portfolio.snapshot_equity",
    "portfolio.thin_points",
    "portfolio.charge_interest",
    "portfolio.find_wash_sales",
    "portfolio.pay_dividends",
    "accounts.drop_old_rows",
    "marketdata.tasks.archive_old_ticks",
    "marketdata.tasks.drop_old_rows",
)


def forget(apps: Any, editor: Any) -> None:
    """Take the jobs that are steps of a day now out of the clock's table, which keeps all it was
    ever told."""
    tasks = apps.get_model("django_celery_beat", "PeriodicTask")
    tasks.objects.using(editor.connection.alias).filter(task__in=STEPS_NOW).delete()


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("foundation", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.CreateModel(
            name="DayRun",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("begun_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("-day",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["day"], name="day_open"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("skipped", "skipped"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("not_before", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("done", models.PositiveBigIntegerField(default=0)),
                ("of", models.PositiveBigIntegerField(default=0)),
                ("summary", models.CharField(blank=True, default="", max_length=300)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                ("rerun_by", models.CharField(blank=True, default="", max_length=80)),
                ("rerun_reason", models.CharField(blank=True, default="", max_length=200)),
                (
                    "day",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="reconciliation.dayrun",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="JobStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("resumed", "Resumed"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("asked", "asked for again"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=80)),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="reconciliation.jobrun",
                    ),
                ),
            ],
            options={
                "ordering": ("run", "number"),
            },
        ),
        migrations.AddConstraint(
            model_name="jobrun",
            constraint=models.UniqueConstraint(fields=("day", "job"), name="day_job_once"),
        ),
        migrations.AddConstraint(
            model_name="jobstep",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="job_step_once"),
        ),
        AppendOnly("reconciliation_jobstep"),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
