"""Joining as a customer, the browsers a person is known by, and the security log."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="profile",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("legal_name", models.CharField(blank=True, max_length=120)),
                ("born_on", models.DateField(null=True)),
                ("country", models.CharField(blank=True, help_text="Of residence.", max_length=2)),
                ("street", models.CharField(blank=True, max_length=120)),
                ("city", models.CharField(blank=True, max_length=80)),
                ("region", models.CharField(blank=True, max_length=80)),
                ("postal_code", models.CharField(blank=True, max_length=16)),
                ("tax_country", models.CharField(blank=True, max_length=2)),
                ("sealed_tax_id", models.TextField(blank=True, editable=False)),
                (
                    "tax_id_end",
                    models.CharField(
                        blank=True, help_text="What may be shown of it.", max_length=4
                    ),
                ),
                (
                    "employment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("employed", "Employed"),
                            ("self_employed", "Self-employed"),
                            ("student", "Student"),
                            ("retired", "Retired"),
                            ("not_employed", "Not employed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("employer", models.CharField(blank=True, max_length=120)),
                (
                    "works_for_broker",
                    models.BooleanField(
                        help_text="Or for an exchange: the employer is told (FINRA 3210).",
                        null=True,
                    ),
                ),
                (
                    "controls_company",
                    models.BooleanField(
                        help_text="Directs, or owns a tenth of, a company whose shares are traded.",
                        null=True,
                    ),
                ),
                ("company_symbol", models.CharField(blank=True, max_length=24)),
                (
                    "holds_public_office",
                    models.BooleanField(
                        help_text="They or their family: politically exposed.", null=True
                    ),
                ),
                (
                    "income",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("to_25k", "Up to 25,000"),
                            ("to_50k", "25,000 to 50,000"),
                            ("to_100k", "50,000 to 100,000"),
                            ("to_250k", "100,000 to 250,000"),
                            ("more", "More than 250,000"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "wealth",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("to_10k", "Up to 10,000"),
                            ("to_50k", "10,000 to 50,000"),
                            ("to_250k", "50,000 to 250,000"),
                            ("to_1m", "250,000 to 1,000,000"),
                            ("more", "More than 1,000,000"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "source_of_funds",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("earnings", "Earnings from work"),
                            ("savings", "Savings and investments"),
                            ("business", "A business of mine"),
                            ("pension", "A pension or benefits"),
                            ("inheritance", "An inheritance or gift"),
                            ("property", "The sale of property"),
                        ],
                        max_length=16,
                    ),
                ),
                ("completed_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="signin",
            name="place",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AlterField(
            model_name="account",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("active", "Active"),
                    ("restricted", "Restricted"),
                    ("closed", "Closed"),
                ],
                default="active",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="historicalaccount",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("active", "Active"),
                    ("restricted", "Restricted"),
                    ("closed", "Closed"),
                ],
                default="active",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="user",
            field=models.ForeignKey(
                help_text="Nobody yet: who asks for an account.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="letters",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="signin",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("signed_out", "signed out"),
                    ("idle", "idle for too long"),
                    ("too_long", "signed in for too long"),
                    ("password_changed", "password changed"),
                    ("factor_changed", "a way of signing in changed"),
                    ("too_many", "signed in at a newer browser"),
                    ("elsewhere", "ended from another browser"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="HistoricalProfile",
            fields=[
                ("legal_name", models.CharField(blank=True, max_length=120)),
                ("born_on", models.DateField(null=True)),
                ("country", models.CharField(blank=True, help_text="Of residence.", max_length=2)),
                ("street", models.CharField(blank=True, max_length=120)),
                ("city", models.CharField(blank=True, max_length=80)),
                ("region", models.CharField(blank=True, max_length=80)),
                ("postal_code", models.CharField(blank=True, max_length=16)),
                ("tax_country", models.CharField(blank=True, max_length=2)),
                (
                    "tax_id_end",
                    models.CharField(
                        blank=True, help_text="What may be shown of it.", max_length=4
                    ),
                ),
                (
                    "employment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("employed", "Employed"),
                            ("self_employed", "Self-employed"),
                            ("student", "Student"),
                            ("retired", "Retired"),
                            ("not_employed", "Not employed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("employer", models.CharField(blank=True, max_length=120)),
                (
                    "works_for_broker",
                    models.BooleanField(
                        help_text="Or for an exchange: the employer is told (FINRA 3210).",
                        null=True,
                    ),
                ),
                (
                    "controls_company",
                    models.BooleanField(
                        help_text="Directs, or owns a tenth of, a company whose shares are traded.",
                        null=True,
                    ),
                ),
                ("company_symbol", models.CharField(blank=True, max_length=24)),
                (
                    "holds_public_office",
                    models.BooleanField(
                        help_text="They or their family: politically exposed.", null=True
                    ),
                ),
                (
                    "income",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("to_25k", "Up to 25,000"),
                            ("to_50k", "25,000 to 50,000"),
                            ("to_100k", "50,000 to 100,000"),
                            ("to_250k", "100,000 to 250,000"),
                            ("more", "More than 250,000"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "wealth",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("to_10k", "Up to 10,000"),
                            ("to_50k", "10,000 to 50,000"),
                            ("to_250k", "50,000 to 250,000"),
                            ("to_1m", "250,000 to 1,000,000"),
                            ("more", "More than 1,000,000"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "source_of_funds",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("earnings", "Earnings from work"),
                            ("savings", "Savings and investments"),
                            ("business", "A business of mine"),
                            ("pension", "A pension or benefits"),
                            ("inheritance", "An inheritance or gift"),
                            ("property", "The sale of property"),
                        ],
                        max_length=16,
                    ),
                ),
                ("completed_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical profile",
                "verbose_name_plural": "historical profiles",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Joining",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("token_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("address", models.GenericIPAddressField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["email"], name="joining_of")],
            },
        ),
        migrations.CreateModel(
            name="KnownDevice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_digest", models.CharField(editable=False, max_length=64)),
                ("browser", models.CharField(blank=True, max_length=200)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="known_devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "token_digest"), name="known_device_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=40)),
                ("about", models.CharField(blank=True, max_length=200)),
                ("address", models.GenericIPAddressField(null=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("place", models.CharField(blank=True, max_length=80)),
                ("browser", models.CharField(blank=True, max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="security_events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "-at"], name="security_event_of")],
            },
        ),
        migrations.CreateModel(
            name="TermsAcceptance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(max_length=16)),
                ("accepted_at", models.DateTimeField()),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terms_accepted",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "version"), name="terms_accepted_once")
                ],
            },
        ),
        AppendOnly("accounts_securityevent"),
        AppendOnly("accounts_termsacceptance"),
        AppendOnly("accounts_historicalprofile"),
    ]
