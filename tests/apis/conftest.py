"""What the rings of apis share: filled ports, an API of the team, its document."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1.0.0", "description": "Takes orders.\n\nAnd more."},
    "servers": [{"url": "https://orders.internal/v1"}],
    "paths": {
        "/orders": {
            "get": {"operationId": "listOrders", "summary": "List orders", "responses": {"200": {"description": "ok"}}},
            "post": {"operationId": "createOrder", "responses": {"201": {"description": "made"}}},
        },
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
}


@pytest.fixture
def document() -> str:
    return json.dumps(DOCUMENT)


@pytest.fixture(autouse=True)
def callers(monkeypatch) -> list:
    """Fill the ports by hand: what is put into this list has called every version."""
    from apis import ports

    found: list = []
    monkeypatch.setattr(ports, "callers_of", lambda version, days: list(found))
    monkeypatch.setattr(ports, "callers_of_operations", lambda version, days: {})
    monkeypatch.setattr(ports, "caller_counts", lambda apis: {api: len(found) for api in apis if found})
    monkeypatch.setattr(ports, "prompt_of", lambda revision: "")
    monkeypatch.setattr(ports, "prompts_behind", lambda api: [])
    monkeypatch.setattr(ports, "calls_of_api", lambda api, days: sum(row.calls for row in found))
    return found


@pytest.fixture
def signals():
    """Record what apis tells the gateway, in order: (signal name, row)."""
    from apis import signals

    seen: list[tuple[str, object]] = []
    receivers = []
    for name, key in (
        ("version_changed", "version"),
        ("plan_changed", "plan"),
        ("subscription_changed", "subscription"),
    ):

        def receive(sender, _name=name, _key=key, **sent):
            seen.append((_name, sent[_key]))

        receivers.append((getattr(signals, name), receive))
        getattr(signals, name).connect(receive, weak=False)
    yield seen
    for signal, receive in receivers:
        signal.disconnect(receive)


@pytest.fixture
def make_api(team, publisher, document) -> Callable:
    """Return a maker of APIs with a valid draft v1."""
    from apis.services.contracts import create_api
    from apis.services.documents import save_draft

    def make(name="Orders", *, of=None, actor=publisher, source=document, upstream="https://orders.internal", **fields):
        api = create_api(team=of or team, kind="rest", name=name, actor=actor, **fields)
        revision = api.versions.get().revisions.get()
        save_draft(revision=revision, source=source, upstream_url=upstream, if_match="*", actor=actor)
        return api

    return make


@pytest.fixture
def draft(make_api):
    """The draft v1 of a REST API, ready to be published."""
    return make_api().versions.get()


@pytest.fixture
def published(draft, publisher):
    from apis.services.publishing import publish_version

    return publish_version(version=draft, actor=publisher)


@pytest.fixture
def other_team(db):
    from teams.models import Team

    return Team.objects.create(slug="web", name="Web", required_approvals=1, minimum_notice_days=30)


@pytest.fixture
def consumer(make_user, other_team):
    """A developer of another team, with an application to subscribe."""
    return make_user("consumer", other_team, "developer")


@pytest.fixture
def application(consumer, other_team):
    from teams.models import Application

    return Application.objects.create(team=other_team, name="Checkout", created_by=consumer)


@pytest.fixture
def plan(published):
    return published.api.plans.get()
