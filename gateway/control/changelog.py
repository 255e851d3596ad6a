"""Writes the changelog, in the transaction of the change it tells of."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson
from django.db import connection
from django.db.models import F

from common.sealed import sealer
from gateway.control.models import Change, Counter
from gateway.dataplane.records import FORMAT, SEALED_KINDS, Record, to_payload

# Three parameters each: far from what one statement may hold.
ROWS_PER_STATEMENT = 2000
# A compiled change: kind, key, and the record, or None to delete the key.
Entry = tuple[str, str, Record | None]


def record_change(kind: str, key: str, record: Record | None) -> None:
    """Write one change; outside a transaction it is one of its own."""
    record_changes([(kind, key, record)])


def record_changes(entries: Iterable[Entry]) -> None:
    """Write changes, leaving out those whose payload is what the changelog says already."""
    rest = iter(entries)
    while batch := list(islice(rest, ROWS_PER_STATEMENT)):
        _record([(kind, key, _payload(kind, key, record)) for kind, key, record in batch])


def _record(rows: list[tuple[str, str, dict[str, Any] | None]]) -> None:
    newest = _newest(rows)
    rows = [row for row in rows if row[:2] not in newest or newest[row[:2]] != row[2]]
    rows = [row for row in rows if row[2] is not None or newest.get(row[:2]) is not None]
    if not rows:
        return
    values = ", ".join(["(%s, %s, %s::jsonb)"] * len(rows))
    parameters = [
        part
        for kind, key, payload in rows
        for part in (kind, key, None if payload is None else orjson.dumps(payload).decode())
    ]
    with connection.cursor() as cursor:
        # The statement is built of placeholders alone.
        cursor.execute(f"INSERT INTO gateway_change (kind, key, payload) VALUES {values}", parameters)  # noqa: S608


def _payload(kind: str, key: str, record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    payload = to_payload(record)
    if kind not in SEALED_KINDS:
        return payload
    box = sealer().seal(orjson.dumps(payload), context=f"{kind}:{key}")
    return {"v": FORMAT, "sealed": base64.b64encode(box).decode()}


def _newest(rows: list[tuple[str, str, dict[str, Any] | None]]) -> dict[tuple[str, str], dict[str, Any] | None]:
    if not rows:
        return {}
    kinds = {kind for kind, _, _ in rows}
    found = (
        Change.objects.filter(kind__in=kinds, key__in=[key for _, key, _ in rows])
        .order_by("kind", "key", F("generation").desc(nulls_first=True), "-id")
        .distinct("kind", "key")
        .values_list("kind", "key", "payload")
    )
    return {(kind, key): payload for kind, key, payload in found}


def current_generation() -> int:
    """Return the newest generation given."""
    return Counter.objects.values_list("generation", flat=True).get()


def latest_generation_of(kind: str, key: str) -> int:
    """Return the generation of the newest change of a key, 0 when there is none."""
    newest = Change.objects.filter(kind=kind, key=key, generation__isnull=False).order_by("-id").first()
    return newest.generation or 0 if newest else 0
