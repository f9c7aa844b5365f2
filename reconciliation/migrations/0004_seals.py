import django.db.models.deletion
from django.db import migrations, models

import portfolio.amounts
from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0003_breaks")]

    operations = [
        migrations.CreateModel(
            name="ProofRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.CharField(max_length=80)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("done", models.PositiveBigIntegerField(default=0, help_text="Rows.")),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("seals", models.PositiveIntegerField(default=0)),
                (
                    "findings",
                    models.JSONField(
                        default=list, help_text="Of each its table, key, and what differs."
                    ),
                ),
                ("failed", models.CharField(blank=True, default="", max_length=300)),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("day", models.DateField(unique=True)),
                ("sealed_at", models.DateTimeField()),
                ("root", models.CharField(max_length=64)),
                (
                    "digest",
                    models.CharField(
                        help_text="Of the content: the next seal names it.", max_length=64
                    ),
                ),
                ("content", models.JSONField()),
                ("key", models.CharField(help_text="The public key.", max_length=64)),
                ("signature", models.CharField(max_length=128)),
                ("secret", models.BinaryField(max_length=32)),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="OwedBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asset", models.CharField(max_length=24)),
                ("number", models.PositiveIntegerField()),
                ("first_salt", models.BinaryField(max_length=32)),
                ("accounts", models.BinaryField()),
                ("amounts", models.TextField()),
                ("total", portfolio.amounts.AmountField(decimal_places=9, max_digits=38)),
                ("digest", models.CharField(max_length=64)),
                (
                    "seal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owed",
                        to="reconciliation.seal",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("seal", "asset", "number"), name="owed_block_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SealedBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=63)),
                ("number", models.PositiveIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("keys", models.TextField()),
                ("digests", models.BinaryField()),
                (
                    "seal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blocks",
                        to="reconciliation.seal",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("table", "seal", "number"), name="sealed_block_once"
                    )
                ],
            },
        ),
        AppendOnly("reconciliation_seal"),
        AppendOnly("reconciliation_sealedblock"),
        AppendOnly("reconciliation_owedblock"),
    ]
