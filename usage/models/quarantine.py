"""What could not be stored."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Quarantine(models.Model):
    """A record, or the bytes of a damaged segment, that the ledger refused, with the reason. Written by SQL alone."""

    node = models.TextField()
    segment = models.TextField()
    byte_offset = models.BigIntegerField()
    reason = models.TextField()
    payload = models.TextField()
    raw = models.BinaryField()
    quarantined_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "usage_quarantine"
        ordering: ClassVar[list[str]] = ["-id"]
        verbose_name_plural = "quarantine"

    def __str__(self) -> str:
        return f"{self.segment}: {self.reason}"
