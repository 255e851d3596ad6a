"""Sends events to webhooks: signed as Standard Webhooks has it, tried again over three days, logged attempt by attempt.

Source: https://github.com/standard-webhooks/standard-webhooks (headers webhook-id, webhook-timestamp,
webhook-signature; HMAC-SHA256 over `{id}.{timestamp}.{body}`; schedule of retries).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max

from common.clock import now
from common.errors import DomainError
from common.outbound import request
from teams.models import Delivery, Event, Webhook
from teams.services.events import number_events
from teams.services.notices import notify_owners
from teams.services.webhooks import secrets_of

TIMEOUT_SECONDS = 10.0
ANSWER_CHARACTERS = 500
BATCH = 5
# Seconds until the next try after the first, second, ... failed one; then the delivery has failed.
RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# A webhook whose every delivery failed for this long is stopped.
STOPPED_AFTER = timedelta(days=5)
LOG_KEPT = timedelta(days=30)
# The first of the two numbers of an advisory lock that one webhook's deliveries are made under.
DELIVERING = 7_302


def fan_out() -> int:
    """Queue a delivery for each new event and active webhook that wants it; return how many."""
    number_events()
    queued = 0
    newest = Event.objects.aggregate(newest=Max("number"))["newest"] or 0
    for webhook in Webhook.objects.filter(is_active=True, position__lt=newest).order_by("id"):
        queued += _queue(webhook, newest)
    return queued


def _queue(webhook: Webhook, newest: int) -> int:
    with transaction.atomic():
        # Two dispatchers at once: the second finds the position moved and does nothing.
        moved = Webhook.objects.filter(pk=webhook.pk, position=webhook.position).update(position=newest)
        if not moved:
            return 0
        events = Event.objects.filter(team=webhook.team, number__gt=webhook.position, number__lte=newest)
        # A test is sent to its webhook alone, by who asks for it.
        events = events.exclude(type="webhook.test")
        if webhook.event_types:
            events = events.filter(type__in=webhook.event_types)
        made = [Delivery(webhook=webhook, event=event) for event in events.order_by("number")]
        Delivery.objects.bulk_create(made, ignore_conflicts=True)
        return len(made)


def due_webhooks() -> list[int]:
    """Return the webhooks that have a delivery to be made now."""
    due = Delivery.objects.filter(state=Delivery.State.PENDING, next_at__lte=now(), webhook__is_active=True)
    return list(due.order_by().values_list("webhook_id", flat=True).distinct())


def deliver_due(webhook_id: int) -> int:
    """Make up to five due deliveries of one webhook, oldest first; return how many. Two at once make them once."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The lock ends with this transaction, or with the connection of a worker that died.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [DELIVERING, webhook_id % 2**31])
        if not cursor.fetchone()[0]:
            return 0
        due = Delivery.objects.filter(webhook=webhook_id, state=Delivery.State.PENDING, next_at__lte=now())
        rows = list(due.select_related("webhook__team", "event").order_by("event_id", "id")[:BATCH])
        for row in rows:
            _attempt(row)
    return len(rows)


def body_of(event: Event) -> bytes:
    """Return what a webhook is sent: {id, type, timestamp, data}."""
    payload = {
        "id": event.public_id,
        "type": event.type,
        "timestamp": event.at.isoformat(),
        "data": {
            "subject": {"type": event.subject_type, "id": event.subject_id, "name": event.subject_name},
            "actor": event.actor_id or None,
            **event.data,
        },
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(webhook: Webhook, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of one attempt, signed with every secret that is valid now."""
    seconds = str(int(now().timestamp()))
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets_of(webhook)
    ]
    return {
        "content-type": "application/json",
        "user-agent": "Gatehouse-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _attempt(delivery: Delivery) -> None:
    webhook, event = delivery.webhook, delivery.event
    body = body_of(event)
    entry: dict[str, Any] = {"at": now().isoformat(), "status": 0, "ms": 0, "error": "", "answer": ""}
    try:
        headers = signed_headers(webhook, event.public_id, body)
        answer = request("POST", webhook.url, headers=headers, content=body, timeout_seconds=TIMEOUT_SECONDS)
    except DomainError as error:
        entry["error"] = error.detail[:ANSWER_CHARACTERS]
    else:
        text = answer.content[: ANSWER_CHARACTERS * 4].decode("utf-8", "replace").replace("\0", "")
        entry |= {"status": answer.status, "ms": round(answer.elapsed_ms), "answer": text[:ANSWER_CHARACTERS]}
    _write(delivery, entry)


def _write(delivery: Delivery, entry: dict[str, Any]) -> None:
    delivery.attempts = [*delivery.attempts, entry]
    tries = len(delivery.attempts)
    if 200 <= entry["status"] < 300:
        delivery.state, delivery.delivered_at = Delivery.State.DELIVERED, now()
        Webhook.objects.filter(pk=delivery.webhook_id).update(failing_since=None)
    else:
        if tries > len(RETRY_SECONDS):
            delivery.state = Delivery.State.FAILED
        else:
            delivery.next_at = now() + timedelta(seconds=RETRY_SECONDS[tries - 1])
        _note_failure(delivery.webhook, is_gone=entry["status"] == 410)
    delivery.save(update_fields=["attempts", "state", "next_at", "delivered_at"])


def _note_failure(webhook: Webhook, *, is_gone: bool) -> None:
    webhook.refresh_from_db(fields=["failing_since", "is_active"])
    since = webhook.failing_since or now()
    Webhook.objects.filter(pk=webhook.pk, failing_since=None).update(failing_since=since)
    if not is_gone and now() - since < STOPPED_AFTER:
        return
    reason = "It answered 410 Gone." if is_gone else f"Nothing was delivered since {since:%-d %B %Y}."
    stopped = Webhook.objects.filter(pk=webhook.pk, is_active=True).update(
        is_active=False, stopped_reason=reason, row_version=F("row_version") + 1
    )
    if stopped:
        notify_owners(
            team=webhook.team,
            title=f"The webhook {webhook} was stopped",
            text=f"{reason} Nothing is sent to it until it is set active again; the feed holds what happens meanwhile.",
            url=f"/teams/{webhook.team.slug}/webhooks/{webhook.public_id}",
            icon="alert-triangle",
        )


def drop_old_deliveries() -> int:
    """Delete what was delivered or has failed more than 30 days ago."""
    old = Delivery.objects.exclude(state=Delivery.State.PENDING).filter(created_at__lt=now() - LOG_KEPT)
    return old.delete()[0]
