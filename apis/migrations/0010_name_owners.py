"""Name who answers for the APIs that were made before an owner was asked for: whoever made them."""

from django.db import migrations


def name_owners(apps, schema_editor):
    for api in apps.get_model("apis", "Api").objects.filter(owner=None).exclude(created_by=None):
        api.owner = api.created_by
        api.on_call = api.team.contact_email or api.created_by.email
        api.save(update_fields=["owner", "on_call"])


class Migration(migrations.Migration):
    dependencies = [("apis", "0009_add_access")]

    operations = [migrations.RunPython(name_owners, migrations.RunPython.noop)]
