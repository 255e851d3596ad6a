import apis.fields
import apis.models.consumption
import apis.models.contracts
import apis.models.history
import common.clock
import django.contrib.postgres.fields
import django.core.validators
import re
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Api',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.contracts.new_api_id, editable=False, max_length=40, unique=True)),
                ('slug', models.CharField(max_length=60, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('rest', 'REST'), ('prompt', 'Prompt'), ('model', 'AI models')], max_length=6)),
                ('summary', models.CharField(blank=True, max_length=300)),
                ('description', models.TextField(blank=True)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('base_path', models.CharField(blank=True, max_length=200, unique=True)),
                ('is_base_path_fixed', models.BooleanField(default=False, editable=False)),
                ('visibility', models.CharField(choices=[('everyone', 'Everyone who signs in'), ('shared', 'Teams it is shared with'), ('team', 'The owning team')], default='everyone', max_length=8)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ApiVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.contracts.new_version_id, editable=False, max_length=40, unique=True)),
                ('name', models.CharField(max_length=5, validators=[django.core.validators.RegexValidator('^v[0-9]{1,4}$', 'A version is v and a number, such as v2.')])),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('in_review', 'In review'), ('approved', 'Approved'), ('preview', 'Preview'), ('published', 'Published'), ('deprecated', 'Deprecated'), ('retired', 'Retired'), ('archived', 'Archived')], default='draft', max_length=10)),
                ('is_blocked', models.BooleanField(default=False)),
                ('blocked_reason', models.CharField(blank=True, max_length=500)),
                ('policy_ref', models.CharField(blank=True, help_text='Such as gold@7.', max_length=80, null=True)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('deprecated_at', models.DateTimeField(blank=True, null=True)),
                ('deprecation_reason', models.CharField(blank=True, max_length=500)),
                ('sunset_at', models.DateTimeField(blank=True, null=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('retirement_reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['api_id', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('deployed_at', models.DateTimeField(default=common.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='Environment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name='ImportJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.history.new_import_id, editable=False, max_length=40, unique=True)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=7)),
                ('source', models.TextField(blank=True)),
                ('source_url', models.CharField(blank=True, max_length=1000)),
                ('fields', models.JSONField(default=dict, help_text='What the form said: name, slug, upstream_url, base_path, tags.')),
                ('findings', models.JSONField(default=list)),
                ('error', models.CharField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Operation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation_id', models.CharField(max_length=200)),
                ('method', models.CharField(max_length=10)),
                ('path', models.CharField(max_length=500)),
                ('summary', models.CharField(blank=True, max_length=300)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None)),
                ('is_deprecated', models.BooleanField(default=False)),
                ('position', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ['revision_id', 'position'],
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.consumption.new_plan_id, editable=False, max_length=40, unique=True)),
                ('slug', models.CharField(max_length=60, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('limits', models.JSONField(blank=True, default=list)),
                ('requires_approval', models.BooleanField(default=False)),
                ('is_open', models.BooleanField(default=True, help_text='Open to new subscriptions.')),
                ('on_store_error', models.CharField(choices=[('local', 'Count on each worker'), ('open', 'Let calls pass'), ('closed', 'Refuse calls')], default='local', max_length=6)),
                ('unknown_price', models.CharField(choices=[('warn', 'Serve and mark the call'), ('block', 'Refuse the call'), ('default', 'Take the default price')], default='warn', max_length=7)),
                ('allowed_models', models.JSONField(blank=True, default=list)),
                ('policy_ref', models.CharField(blank=True, help_text='Such as gold@7.', max_length=80, null=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
            ],
            options={
                'ordering': ['api_id', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('approved', 'Approved'), ('rejected', 'Rejected')], max_length=8)),
                ('comment', models.TextField(blank=True)),
                ('at', models.DateTimeField(default=common.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.contracts.new_revision_id, editable=False, max_length=40, unique=True)),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('in_review', 'In review'), ('approved', 'Approved'), ('current', 'Current'), ('superseded', 'Superseded'), ('rejected', 'Rejected')], default='draft', max_length=10)),
                ('document', apis.fields.DocumentField(blank=True, default=dict)),
                ('source', models.TextField(blank=True)),
                ('source_format', models.CharField(default='json', max_length=4)),
                ('content_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('upstream_url', models.CharField(blank=True, max_length=500)),
                ('connect_timeout_seconds', models.FloatField(default=5.0)),
                ('total_timeout_seconds', models.FloatField(default=60.0)),
                ('max_body_bytes', models.PositiveIntegerField(default=10485760)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['version_id', 'number'],
            },
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.consumption.new_subscription_id, editable=False, max_length=40, unique=True)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('active', 'Active'), ('change_pending', 'Change pending'), ('suspended', 'Suspended'), ('ended', 'Ended'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled')], default='active', max_length=14)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Transition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_state', models.CharField(max_length=10)),
                ('to_state', models.CharField(max_length=10)),
                ('move', models.CharField(max_length=20)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('at', models.DateTimeField(default=common.clock.now)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
    ]
