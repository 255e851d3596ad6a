"""The ledger as Django reads it. Rows are written by SQL alone (usage_ingest, usage_close_interrupted)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class UsageEvent(models.Model):
    """One attempt of one call. Times are UTC, durations milliseconds, money exact USD; text is "" when not known."""

    class State(models.TextChoices):
        OPEN = "open", "Under way"
        FINISHED = "finished", "Finished"
        INTERRUPTED = "interrupted", "Interrupted"

    pk = models.CompositePrimaryKey("at", "id", "attempt")
    at = models.DateTimeField()
    id = models.UUIDField()
    attempt = models.IntegerField()
    state = models.TextField(choices=State.choices)
    ingested_at = models.DateTimeField()
    writer = models.TextField()
    environment = models.TextField()
    node = models.TextField()
    worker = models.TextField()
    generation = models.BigIntegerField()
    kind = models.TextField()
    api_id = models.TextField()
    version_id = models.TextField()
    operation_id = models.TextField()
    owner_team_id = models.TextField()
    application_id = models.TextField()
    team_id = models.TextField()
    subscription_id = models.TextField()
    plan_id = models.TextField()
    credential_id = models.TextField()
    user_id = models.TextField()
    is_try_it = models.BooleanField()
    method = models.TextField()
    path = models.TextField()
    client_request_id = models.TextField()
    provider = models.TextField()
    model = models.TextField()
    reserved_tokens = models.BigIntegerField()
    reserved_usd = models.DecimalField(max_digits=24, decimal_places=9)
    status = models.IntegerField()
    code = models.TextField()
    fault = models.TextField()
    rule = models.TextField()
    verdict = models.TextField()
    upstream_status = models.IntegerField()
    is_streamed = models.BooleanField()
    is_client_gone = models.BooleanField()
    total_ms = models.FloatField()
    overhead_ms = models.FloatField()
    upstream_ms = models.FloatField()
    first_byte_ms = models.FloatField()
    request_bytes = models.BigIntegerField()
    response_bytes = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    is_estimated = models.BooleanField()
    cost_usd = models.DecimalField(max_digits=24, decimal_places=9)
    price_state = models.TextField()

    class Meta:
        managed = False
        db_table = "usage_event"
        ordering: ClassVar[list[str]] = ["at", "id", "attempt"]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.state}"
