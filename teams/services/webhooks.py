"""Webhooks of a team: made, changed, given a new secret, tried, replayed. What is sent is in `deliveries`."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max

from common.clock import now
from common.errors import Conflict, Invalid, Stale
from common.outbound import check_url
from common.sealed import sealer
from teams.event_types import TYPE_NAMES
from teams.models import Delivery, Event, Team, User, Webhook
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.services.events import number_events, write_event

SECRET_PREFIX = "whsec_"  # noqa: S105  the prefix is public
SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
MOST_PER_TEAM = 50


def create_webhook(
    *, team: Team, url: str, actor: User, description: str = "", event_types: Iterable[str] = ()
) -> tuple[Webhook, str]:
    """Add a webhook; it is told of what happens from now on. The second value is its secret, seen only now."""
    require_permission(actor=actor, team=team, permission="team.manage", what="add webhooks")
    if team.webhooks.count() >= MOST_PER_TEAM:
        raise Conflict(f"{team} has {MOST_PER_TEAM} webhooks already. Delete one first.", code="conflict")
    number_events()
    webhook = Webhook(team=team, created_by=actor, **_checked(url, description, event_types))
    secret = _seal_new_secret(webhook)
    webhook.position = Event.objects.aggregate(newest=Max("number"))["newest"] or 0
    webhook.full_clean(exclude=["secret"])
    with transaction.atomic():
        webhook.save()
        _audit(webhook, "create", actor, after=_values(webhook))
    return webhook, secret


def update_webhook(
    *,
    webhook: Webhook,
    actor: User,
    row_version: int,
    url: str,
    description: str,
    event_types: Iterable[str],
    is_active: bool,
) -> Webhook:
    """Change a webhook; set active again, it goes on with what happens from now on."""
    require_permission(actor=actor, team=webhook.team, permission="team.manage", what="change webhooks")
    changes: dict[str, Any] = {**_checked(url, description, event_types), "is_active": is_active}
    if is_active and not webhook.is_active:
        newest = Event.objects.aggregate(newest=Max("number"))["newest"] or 0
        changes |= {"position": newest, "stopped_reason": "", "failing_since": None}
    return _change(webhook, actor, row_version, "update", changes)


def rotate_secret(*, webhook: Webhook, actor: User, row_version: int) -> tuple[Webhook, str]:
    """Give a webhook a new secret; for 24 hours what is sent is signed with both."""
    require_permission(actor=actor, team=webhook.team, permission="team.manage", what="rotate a webhook's secret")
    changes: dict[str, Any] = {"previous_secret": bytes(webhook.secret), "previous_until": now() + OVERLAP}
    secret = _seal_new_secret(webhook)
    changes["secret"] = webhook.secret
    return _change(webhook, actor, row_version, "rotate_secret", changes), secret


def delete_webhook(*, webhook: Webhook, actor: User) -> None:
    """Delete a webhook with its delivery log."""
    require_permission(actor=actor, team=webhook.team, permission="team.manage", what="delete webhooks")
    with transaction.atomic():
        _audit(webhook, "delete", actor, before=_values(webhook))
        webhook.delete()


def send_test(*, webhook: Webhook, actor: User) -> Delivery:
    """Send one `webhook.test` event to a webhook, whatever types it chose."""
    require_permission(actor=actor, team=webhook.team, permission="team.manage", what="try webhooks")
    with transaction.atomic():
        event = write_event(type="webhook.test", target=webhook, team=webhook.team, actor=actor)
        return Delivery.objects.create(webhook=webhook, event=event)


def replay_delivery(*, delivery: Delivery, actor: User) -> Delivery:
    """Send an event of the log once more, with the id it had: a receiver that keeps ids knows it again."""
    require_permission(actor=actor, team=delivery.webhook.team, permission="team.manage", what="replay deliveries")
    if delivery.state == Delivery.State.PENDING:
        raise Conflict("This delivery is still being tried.", code="move-not-possible")
    with transaction.atomic():
        again = Delivery.objects.create(webhook=delivery.webhook, event=delivery.event, is_replay=True)
        _audit(delivery.webhook, "replay", actor, after={"event": delivery.event.public_id})
    return again


def secrets_of(webhook: Webhook) -> list[bytes]:
    """Return the secrets to sign with: the newest first, the one before it for its last 24 hours."""
    boxes = [webhook.secret]
    if webhook.previous_secret is not None and webhook.previous_until and webhook.previous_until > now():
        boxes.append(webhook.previous_secret)
    return [sealer().open(bytes(box), context=f"webhook:{webhook.public_id}") for box in boxes]


def _seal_new_secret(webhook: Webhook) -> str:
    plain = secrets.token_bytes(SECRET_BYTES)
    webhook.secret = sealer().seal(plain, context=f"webhook:{webhook.public_id}")
    return SECRET_PREFIX + base64.b64encode(plain).decode()


def _checked(url: str, description: str, event_types: Iterable[str]) -> dict[str, Any]:
    errors: list[dict[str, Any]] = []
    try:
        check_url(url.strip())
    except Invalid as error:
        errors.append({"detail": error.detail, "pointer": "/url"})
    chosen = list(dict.fromkeys(event_types))
    errors += [
        {"detail": f"There is no event type {name!r}; /help/events lists them.", "pointer": "/event_types"}
        for name in chosen
        if name not in TYPE_NAMES
    ]
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    return {"url": url.strip(), "description": description.strip(), "event_types": chosen}


def _change(webhook: Webhook, actor: User, row_version: int, verb: str, changes: dict[str, Any]) -> Webhook:
    before = _values(webhook)
    with transaction.atomic():
        rows = Webhook.objects.filter(pk=webhook.pk, row_version=row_version)
        if rows.update(row_version=F("row_version") + 1, **changes) != 1:
            raise Stale(f"Somebody changed {webhook} meanwhile. Read it again and repeat the change.")
        webhook.refresh_from_db()
        _audit(webhook, verb, actor, before=before, after=_values(webhook))
    return webhook


def _values(webhook: Webhook) -> dict[str, Any]:
    # An address may carry a token in its query: the log keeps it without one.
    return {
        "url": webhook.url.partition("?")[0],
        "description": webhook.description,
        "event_types": webhook.event_types,
        "is_active": webhook.is_active,
    }


def _audit(webhook: Webhook, verb: str, actor: User, **values: Any) -> None:
    record_audit(actor=actor, verb=f"webhook.{verb}", target=webhook, team=webhook.team, **values)
