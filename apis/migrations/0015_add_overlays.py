import apis.models.overlays
import common.clock
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0014_add_plan_changes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Overlay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.overlays.new_overlay_id, editable=False, max_length=40, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('source', models.TextField()),
                ('position', models.PositiveSmallIntegerField()),
                ('is_enabled', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('environments', models.ManyToManyField(blank=True, related_name='+', to='apis.environment')),
                ('updated_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='overlays', to='apis.apiversion')),
            ],
            options={
                'ordering': ['version_id', 'position'],
                'constraints': [models.UniqueConstraint(fields=('version', 'name'), name='overlay_name_once_per_version'), models.UniqueConstraint(deferrable=models.Deferrable['DEFERRED'], fields=('version', 'position'), name='overlay_position_once_per_version')],
            },
        ),
    ]
