from django.db import migrations


def add_production(apps, schema_editor):
    apps.get_model("apis", "Environment").objects.get_or_create(slug="production", defaults={"name": "Production"})


class Migration(migrations.Migration):
    dependencies = [("apis", "0002_link_people")]
    operations = [migrations.RunPython(add_production, migrations.RunPython.noop)]
