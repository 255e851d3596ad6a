"""The changelog's rows as Django reads them. Their tables, triggers and functions are SQL in the migrations."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """The one row that counts generations; `epoch` names this history of the database."""

    epoch = models.UUIDField()
    generation = models.BigIntegerField()
    horizon = models.BigIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "gateway_counter"

    def __str__(self) -> str:
        return f"generation {self.generation}"


class Change(models.Model):
    """One changed key of one kind; a payload of NULL deletes it. The generation is given at commit."""

    generation = models.BigIntegerField(null=True)
    kind = models.TextField()
    key = models.TextField()
    payload = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "gateway_change"

    def __str__(self) -> str:
        return f"{self.kind}:{self.key} @{self.generation}"


class Worker(models.Model):
    """What a gateway worker last reported of itself."""

    node = models.TextField()
    worker = models.TextField()
    pid = models.IntegerField()
    epoch = models.UUIDField(null=True)
    generation = models.BigIntegerField()
    is_stale = models.BooleanField()
    rejected = models.JSONField(default=list)
    spool_bytes = models.BigIntegerField(default=0)
    decoded = models.BigIntegerField(default=0)
    stats = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    reported_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "gateway_worker"
        ordering = ["node", "worker"]

    def __str__(self) -> str:
        return f"{self.node} {self.worker}"
