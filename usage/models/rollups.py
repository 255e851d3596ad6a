"""The rollups: calls counted per minute, hour and day; keys' last use; how far the counting is."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apis.models import ApiVersion
from teams.models import Application


class Bucket(models.Model):
    """The calls of one span of time that agree in all dimensions. Ids are public ids, "" when not known.

    `calls` are attempts that are over; a fault counts them as an error. `latency` is a histogram (usage.histogram) of
    those that reached an upstream. Money is exact USD.
    """

    start_at = models.DateTimeField()
    version_id = models.CharField(max_length=40)
    api_id = models.CharField(max_length=40)
    operation_id = models.CharField(max_length=200)
    application_id = models.CharField(max_length=40)
    subscription_id = models.CharField(max_length=40)
    team_id = models.CharField(max_length=40)
    owner_team_id = models.CharField(max_length=40)
    model = models.CharField(max_length=260)
    is_try_it = models.BooleanField()
    calls = models.BigIntegerField()
    caller_errors = models.BigIntegerField()
    policy_errors = models.BigIntegerField()
    upstream_errors = models.BigIntegerField()
    gateway_errors = models.BigIntegerField()
    answers_2xx = models.BigIntegerField()
    answers_3xx = models.BigIntegerField()
    answers_4xx = models.BigIntegerField()
    answers_5xx = models.BigIntegerField()
    interrupted = models.BigIntegerField()
    clients_gone = models.BigIntegerField()
    unpriced = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    request_bytes = models.BigIntegerField()
    response_bytes = models.BigIntegerField()
    cost_usd = models.DecimalField(max_digits=24, decimal_places=9)
    last_at = models.DateTimeField()
    latency = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        abstract = True
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["start_at"]),
            models.Index(fields=["version_id", "start_at"]),
            models.Index(fields=["application_id", "start_at"]),
            models.Index(fields=["team_id", "start_at"]),
            models.Index(fields=["owner_team_id", "start_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls from {self.start_at:%Y-%m-%d %H:%M}"


class UsageMinute(Bucket):
    """One minute, recomputed from the ledger whenever a shipper marks it."""

    class Meta(Bucket.Meta):
        pass


class UsageHour(Bucket):
    """One hour, the sum of its minutes."""

    class Meta(Bucket.Meta):
        pass


class UsageDay(Bucket):
    """One UTC day, the sum of its hours."""

    class Meta(Bucket.Meta):
        pass


class CredentialUse(models.Model):
    """When a key was last seen at the gateway."""

    credential_id = models.CharField(max_length=40, unique=True)
    last_used_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.credential_id


class VersionUse(models.Model):
    """One application's calls of one version in the last 30 days (whole UTC days, so up to 31); none, no row.

    Written from the days with each count (usage.version_uses), so that lists can be sorted by it.
    """

    # Calls are counted for what is deleted meanwhile too; a constraint would stop the counting of all others.
    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, db_constraint=False, related_name="uses")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    calls = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "application"], name="version_use_once")]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.version}"


class Progress(models.Model):
    """How far the counting is, one row: calls shipped before `as_of` are in the rollups; `ran_at` is the last run."""

    as_of = models.DateTimeField()
    ran_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"as of {self.as_of:%Y-%m-%d %H:%M:%S}"
