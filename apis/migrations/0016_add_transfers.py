import apis.models.transfers
import common.clock
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0015_add_overlays'),
        ('teams', '0006_auditors'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FormerAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=60)),
                ('left_at', models.DateTimeField(default=common.clock.now)),
                ('api', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_addresses', to='apis.api')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='teams.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('team', 'slug'), name='former_address_once')],
            },
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.transfers.new_transfer_id, editable=False, max_length=40, unique=True)),
                ('new_name', models.CharField(blank=True, max_length=120)),
                ('state', models.CharField(choices=[('pending', 'Waiting'), ('accepted', 'Accepted'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='pending', max_length=9)),
                ('message', models.CharField(blank=True, max_length=1000)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('expires_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('api', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='transfers', to='apis.api')),
                ('application', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='transfers', to='teams.application')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('from_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='teams.team')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('to_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='teams.team')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('api__isnull', False), ('application__isnull', True)), models.Q(('api__isnull', True), ('application__isnull', False)), _connector='OR'), name='transfer_of_one_thing'), models.CheckConstraint(condition=models.Q(('from_team', models.F('to_team')), _negated=True), name='transfer_between_two_teams'), models.UniqueConstraint(condition=models.Q(('state', 'pending')), fields=('api',), name='api_offered_once'), models.UniqueConstraint(condition=models.Q(('state', 'pending')), fields=('application',), name='application_offered_once')],
            },
        ),
    ]
