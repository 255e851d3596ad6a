"""Records as the gateway writes them, and the road they take into the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import connection

from gateway.dataplane.calls import Finished, Started, new_call_id, to_record

STARTED = set(Started.__dataclass_fields__)


def call_of(**fields: Any) -> Finished:
    """Return a good call of a moment ago; fields override."""
    at = fields.pop("at", time.time() - 5)
    values = {
        "id": str(new_call_id(at)),
        "attempt": 1,
        "at": at,
        "worker": "w1",
        "version_id": "ver_orders",
        "api_id": "api_orders",
        "application_id": "app_shop",
        "team_id": "team_shop",
        "owner_team_id": "team_orders",
        "method": "GET",
        "path": "/orders",
        "status": 200,
        "total_ms": 20.0,
        **fields,
    }
    return Finished(**values)


def started(call: Finished) -> dict[str, Any]:
    """Return the record that was written before the call went up."""
    record = to_record(call)
    return {"type": "started", **{name: record[name] for name in STARTED}}


def finished(call: Finished) -> dict[str, Any]:
    """Return the record that was written at the call's end."""
    return to_record(call)


@pytest.fixture
def ship(db) -> Callable[..., int]:
    """Ship records as a node does: COPY into staging, then ingest."""

    def send(*records: Any, node: str = "n1", segment: str = "w1-1763900000000-00000001.sealed") -> int:
        with connection.cursor() as cursor:
            with cursor.copy("COPY usage_staging (node, segment, payload) FROM STDIN") as copy:
                for record in records:
                    text = record if isinstance(record, str) else orjson.dumps(record).decode()
                    copy.write_row((node, segment, text))
            cursor.execute("SELECT usage_ingest(%s)", [node])
            return cursor.fetchone()[0]

    return send


@pytest.fixture
def rows(db) -> Callable[[str], list[tuple[Any, ...]]]:
    """Return the rows of a query."""

    def fetch(sql: str, *args: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall()

    return fetch
