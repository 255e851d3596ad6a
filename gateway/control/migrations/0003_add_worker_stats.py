from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0002_describe_tables'),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE gateway_worker ADD COLUMN stats jsonb NOT NULL DEFAULT '{}'",
            reverse_sql="ALTER TABLE gateway_worker DROP COLUMN stats",
            state_operations=[],
        ),
        # The table is SQL's own; Django's picture of it follows.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name='worker',
                    name='stats',
                    field=models.JSONField(default=dict),
                ),
            ],
        ),
    ]
