import common.clock
import django.core.validators
import prompts.models
import re
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='PromptTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=prompts.models.new_template_id, editable=False, max_length=40, unique=True)),
                ('slug', models.CharField(max_length=60, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='PromptVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=prompts.models.new_prompt_version_id, editable=False, max_length=40, unique=True)),
                ('number', models.PositiveIntegerField()),
                ('system', models.TextField(blank=True, max_length=100000)),
                ('text', models.TextField(max_length=100000)),
                ('parameters', models.JSONField(blank=True, default=list)),
                ('model', models.CharField(max_length=260)),
                ('output', models.CharField(choices=[('text', 'Text'), ('json', 'JSON')], default='text', max_length=4)),
                ('schema', models.JSONField(blank=True, null=True)),
                ('temperature', models.FloatField(blank=True, null=True)),
                ('max_output_tokens', models.PositiveIntegerField(default=256)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                'ordering': ['template_id', 'number'],
            },
        ),
    ]
