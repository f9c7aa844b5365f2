from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("venues", "0003_first_routes")]

    operations = []
