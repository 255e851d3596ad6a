import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.clock
import teams.models.sign_in

ROLES = [('owner', 'Owner'), ('publisher', 'Publisher'), ('developer', 'Developer'), ('viewer', 'Viewer')]


class Migration(migrations.Migration):

    dependencies = [
        ('teams', '0010_add_session_epoch'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignInProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=teams.models.sign_in.new_provider_id, editable=False, max_length=40, unique=True)),
                ('name', models.CharField(max_length=60, unique=True)),
                ('issuer', models.CharField(max_length=500, unique=True)),
                ('client_id', models.CharField(max_length=250)),
                ('secret', models.BinaryField(blank=True, default=bytes, editable=False)),
                ('scopes', models.CharField(default='openid profile email', max_length=300)),
                ('allowed_domains', models.JSONField(blank=True, default=list)),
                ('groups_claim', models.CharField(default='groups', max_length=100)),
                ('is_enabled', models.BooleanField(default=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
            ],
            options={'ordering': ['name']},
        ),
        migrations.AddField(
            model_name='membership',
            name='provider',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='teams.signinprovider'),
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=255)),
                ('email', models.CharField(blank=True, max_length=254)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to='teams.signinprovider')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'subject'), name='identity_once')],
            },
        ),
        migrations.CreateModel(
            name='GroupRole',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.CharField(max_length=250)),
                ('role', models.CharField(choices=ROLES, max_length=10)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_roles', to='teams.signinprovider')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='teams.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'group', 'team'), name='group_role_once')],
            },
        ),
    ]
