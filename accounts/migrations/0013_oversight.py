"""What staff have looked at; factors that were taken; recovery codes that were kept."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_phones"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reenrolment",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("begun_at", models.DateTimeField()),
                ("token_digest", models.CharField(blank=True, max_length=64)),
                ("expires_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="recoverycodes",
            name="kept_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When the person said that they have written it down.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="Viewing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "page",
                    models.CharField(help_text="The page's name in the program.", max_length=100),
                ),
                (
                    "path",
                    models.CharField(
                        help_text="Its address, with what was searched for.", max_length=300
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="The row, of one row's page.", max_length=120
                    ),
                ),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("address", models.GenericIPAddressField(null=True)),
                ("browser", models.CharField(blank=True, max_length=200)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["by", "-at"], name="viewing_by"),
                    models.Index(fields=["-at"], name="viewing_at"),
                    django.contrib.postgres.indexes.GinIndex(fields=["people"], name="viewing_of"),
                ],
            },
        ),
        AppendOnly("accounts_viewing"),
    ]
