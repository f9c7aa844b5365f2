from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("risk", "0003_limits_of_everybody")]

    operations = []
