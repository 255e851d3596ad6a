"""Records as the gateway writes them, and the road they take into the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.db import connection

from gateway.dataplane.calls import Finished, Started, new_call_id, to_json

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
    record = orjson.loads(to_json(call))
    return {**{name: record[name] for name in STARTED}, "type": "started"}


def finished(call: Finished) -> dict[str, Any]:
    """Return the record that was written at the call's end."""
    return orjson.loads(to_json(call))


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


@pytest.fixture
def roll_up(db) -> Callable[[], None]:
    """Do what the background worker does."""
    from usage.tasks import roll_up_dirty_minutes, write_cost_reports

    def run() -> None:
        roll_up_dirty_minutes()
        write_cost_reports()

    return run


@pytest.fixture
def shop(db):
    """The consuming side: another team with an application and its developer."""
    from teams.models import Application, Membership, Team, User

    team = Team.objects.create(slug="shop", name="Shop", contact_email="shop@example.com")
    buyer = User.objects.create_user("buyer@example.com", "correct horse battery", name="Buyer")
    Membership.objects.create(user=buyer, team=team, role="viewer")
    application = Application.objects.create(team=team, name="Checkout", created_by=buyer)
    return Shop(team, application, buyer)


@dataclass(frozen=True)
class Shop:
    team: Any
    application: Any
    buyer: Any


@pytest.fixture
def version(team, owner):
    """A published version of the providing team."""
    from apis.models import Api, ApiVersion

    api = Api.objects.create(
        team=team, slug="orders", name="Orders", kind="rest", base_path="/payments/orders", created_by=owner
    )
    return ApiVersion.objects.create(api=api, name="v1", state="published")


@pytest.fixture
def call_between(version, shop) -> Callable[..., Finished]:
    """Return calls of the shop's application to the payments team's version."""

    def make(**fields: Any) -> Finished:
        return call_of(
            **{
                "version_id": version.public_id,
                "api_id": version.api.public_id,
                "owner_team_id": version.api.team.public_id,
                "application_id": shop.application.public_id,
                "team_id": shop.team.public_id,
                **fields,
            }
        )

    return make
