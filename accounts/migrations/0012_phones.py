"""Phones that are signed in, and their tokens."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_joining"),
    ]

    operations = [
        migrations.CreateModel(
            name="HalfwayPhone",
            fields=[
                (
                    "token_digest",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=60)),
                ("device_digest", models.CharField(max_length=64)),
                ("begun_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Phone",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("device_digest", models.CharField(editable=False, max_length=64)),
                ("password_stamp", models.CharField(editable=False, max_length=64)),
                (
                    "factor",
                    models.CharField(help_text="What the second factor was.", max_length=64),
                ),
                ("address", models.GenericIPAddressField(null=True)),
                ("place", models.CharField(blank=True, max_length=80)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                (
                    "proved_at",
                    models.DateTimeField(help_text="When a second factor was last proved."),
                ),
                (
                    "strength",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "weak"), (2, "strong"), (3, "verified")],
                        help_text="Of that proof.",
                    ),
                ),
                ("access_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("access_until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ending",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("signed_out", "signed out"),
                            ("ended", "ended by its owner"),
                            ("again", "signed in again"),
                            ("security_changed", "a way of signing in changed"),
                            ("too_long", "signed in or silent for too long"),
                            ("reused", "a token was used twice"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phones",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("issued_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("salt", models.CharField(blank=True, max_length=64)),
                (
                    "phone",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresh_tokens",
                        to="accounts.phone",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="phone",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("user", "device_digest"),
                name="phone_signed_in_once",
            ),
        ),
    ]
