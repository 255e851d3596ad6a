"""What the tests of manifests share: a document, plan and apply in few words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from manifests.exporting import as_stream, export_manifests
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests, plan_manifests

DOCUMENT = """openapi: 3.1.0
info: {title: Orders, version: 1.0.0, description: Takes orders.}
paths:
  /orders:
    get:
      operationId: listOrders
      parameters:
        - {name: limit, in: query, schema: {type: integer}}
      responses:
        "200": {description: The orders.}
"""
OVERLAY = """# For partners.
overlay: 1.1.0
info: {title: Partners, version: 1.0.0}
actions:
  - {target: $.info, update: {x-for: partners}}
"""
SPECTRAL = """# House rules.
rules:
  paths-in-kebab:
    given: $.paths[*]~
    message: Write paths in kebab-case.
    then: {function: pattern, functionOptions: {match: "^[a-z/{}-]+$"}}
"""
ORDERS = """apiVersion: gatehouse/v1
kind: Api
metadata: {team: payments, slug: orders}
spec:
  name: Orders
  summary: Orders of the shop.
  tags: [Orders, shop]
  visibility: everyone
---
apiVersion: gatehouse/v1
kind: Plan
metadata: {team: payments, api: orders, slug: gold}
spec:
  name: Gold
  limits:
    - {id: minute, unit: requests, limit: 100, window: 60s}
---
apiVersion: gatehouse/v1
kind: ApiVersion
metadata: {team: payments, api: orders, name: v1}
spec:
  state: published
  document: {file: openapi.yaml}
  upstream_url: https://orders.internal
---
apiVersion: gatehouse/v1
kind: Application
metadata: {team: payments, name: Checkout}
spec: {description: The shop's checkout.}
---
apiVersion: gatehouse/v1
kind: Subscription
metadata: {team: payments, application: Checkout, api: payments/orders, version: v1}
spec: {plan: gold}
"""


@pytest.fixture
def files() -> dict[str, str]:
    return {"payments/orders.yaml": ORDERS, "payments/openapi.yaml": DOCUMENT}


@pytest.fixture
def plan(owner) -> Callable:
    def make(files, actor=owner, **options):
        return plan_manifests(manifests=read_manifests(files=files), actor=actor, options=Options(**options))

    return make


@pytest.fixture
def apply(owner) -> Callable:
    def make(files, actor=owner, secrets=None, **options):
        manifests = read_manifests(files=files, secrets=secrets)
        return apply_manifests(manifests=manifests, actor=actor, options=Options(**options))

    return make


@pytest.fixture
def export(owner) -> Callable:
    def make(actor=owner, team="payments", **more):
        return as_stream(export_manifests(actor=actor, team=team, **more))

    return make


def actions(plan) -> dict[str, str]:
    """Return each object's action; a refusal is its first sentence."""
    return {
        f"{entry.kind} {entry.key}": entry.problems[0].detail if entry.problems else entry.action
        for entry in plan.entries
    }


def dump(value) -> str:
    return json.dumps(value, indent=1, default=str)
