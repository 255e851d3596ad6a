import django.db.models.deletion
from django.db import migrations, models

# What has been called so far; from here on the counting writes it.
FILL = """
INSERT INTO usage_versionuse (version_id, application_id, calls, last_at)
SELECT version.id, application.id, sum(day.calls), max(day.last_at)
FROM usage_usageday AS day
JOIN apis_apiversion AS version ON version.public_id = day.version_id
JOIN teams_application AS application ON application.public_id = day.application_id
WHERE day.start_at >= date_trunc('day', now() - interval '30 days')
GROUP BY version.id, application.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0014_add_plan_changes'),
        ('teams', '0006_auditors'),
        ('usage', '0006_describe_quarantine'),
    ]

    operations = [
        migrations.CreateModel(
            name='VersionUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('calls', models.BigIntegerField()),
                ('last_at', models.DateTimeField()),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='teams.application')),
                ('version', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='uses', to='apis.apiversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'application'), name='version_use_once')],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
