"""What a key may do, from where, how often and until when; its secret before, and its last use."""

import django.contrib.postgres.fields
from django.db import migrations, models

import accounts.keys.models

SCOPES = django.contrib.postgres.fields.ArrayField(
    models.CharField(choices=[("read", "read"), ("trade", "trade")], max_length=12),
    default=accounts.keys.models._all_scopes,
)
NETWORKS = django.contrib.postgres.fields.ArrayField(
    models.CharField(max_length=43),
    blank=True,
    default=list,
    help_text="From where it may be used; none: from anywhere.",
)
TERMS = {
    "scopes": SCOPES,
    "networks": NETWORKS,
    "expires_at": models.DateTimeField(blank=True, null=True),
    "calls_per_minute": models.PositiveIntegerField(
        blank=True, help_text="Instead of what every key may.", null=True
    ),
    "former_until": models.DateTimeField(blank=True, null=True),
}
KEPT_FROM_HISTORY = {
    "former_digest": models.CharField(blank=True, default="", max_length=64),
    "last_used_at": models.DateTimeField(editable=False, null=True),
    "last_used_from": models.GenericIPAddressField(editable=False, null=True),
}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_letters")]

    operations = [
        *(
            migrations.AddField(model, name, field.clone())
            for model in ("apikey", "historicalapikey")
            for name, field in TERMS.items()
        ),
        *(
            migrations.AddField(
                "apikey", name, field.clone(), preserve_default=name != "former_digest"
            )
            for name, field in KEPT_FROM_HISTORY.items()
        ),
    ]
