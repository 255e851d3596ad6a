"""The audit log's hash chain: sealed afterwards in the order of commit, so that no writer waits for another.

Each entry gets a place and a seal over the seal before it. What can hold personal data (names, values, reasons) is in
the seal by a salted digest alone: erased, the digest stays and the chain holds; changed in any other way, it breaks.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from common.clock import now
from teams.models import AuditAnchor, AuditEvent, User
from teams.services.notices import notify

# One number for this lock among PostgreSQL's advisory locks.
SEALING = 7_303
BATCH = 1000
ERASED = "Erased person"


def seal_entries() -> int:
    """Give the entries without a seal their places and seals; return how many. One caller at a time."""
    sealed = 0
    while count := _seal_batch():
        sealed += count
    return sealed


def _seal_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEALING])
        rows = list(AuditEvent.objects.filter(position=None).order_by("id")[:BATCH])
        position, seal = _end_of_chain()
        for row in rows:
            position += 1
            row.position, row.salt = position, secrets.token_hex(16)
            row.digest = digest_of(row)
            row.seal = seal = seal_of(row, seal)
        AuditEvent.objects.bulk_update(rows, ["position", "salt", "digest", "seal"])
    return len(rows)


def _end_of_chain() -> tuple[int, str]:
    last = AuditEvent.objects.exclude(position=None).order_by("-position").first()
    if last is not None and last.position is not None:
        return last.position, last.seal
    anchor = AuditAnchor.objects.first()
    return (anchor.position, anchor.seal) if anchor else (0, "")


def digest_of(row: AuditEvent) -> str:
    """Return the salted digest of what may be personal in an entry."""
    personal = [row.actor_name, row.object_name, row.before, row.after, row.reason]
    return hashlib.sha256(f"{row.salt}\n{_canonical(personal)}".encode("utf-8", "surrogatepass")).hexdigest()


def seal_of(row: AuditEvent, before: str) -> str:
    """Return the seal of an entry over the one before it."""
    facts = [row.position, row.at.isoformat(), row.verb, row.object_type, row.object_id, row.request_id, row.digest]
    return hashlib.sha256(f"{before}\n{_canonical(facts)}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Check:
    """What a reading of the chain found: how many entries fit, the first that does not, and where the chain ends."""

    fitting: int
    broken: AuditEvent | None
    last_position: int
    last_seal: str


def check_chain() -> Check:
    """Read the sealed entries in order, up to the first that does not fit."""
    anchor = AuditAnchor.objects.first()
    start, seal = (anchor.position, anchor.seal) if anchor else (0, "")
    position, broken = start, None
    for row in _sealed():
        is_whole = row.position == position + 1 and row.seal == seal_of(row, seal)
        # An erased entry has no salt any more: its digest stands for what it said.
        if not is_whole or (row.salt and row.digest != digest_of(row)):
            broken = row
            break
        position, seal = position + 1, row.seal
    return Check(position - start, broken, *_end_of_chain())


def warn_of_break() -> bool:
    """Tell the platform's admins when the chain is broken, each of them once per broken entry; return whether it is."""
    broken = check_chain().broken
    if broken is None:
        return False
    title = f"The audit log was changed at entry {broken.position}"
    admins = User.objects.filter(is_platform_admin=True, is_active=True).exclude(notices__title=title)
    text = "An entry does not fit the hash chain: it was changed, or entries before it were taken out."
    notify(people=admins, title=title, text=text, url="/admin/audit/chain", icon="history")
    return True


def _sealed() -> Iterator[AuditEvent]:
    return AuditEvent.objects.exclude(position=None).order_by("position").iterator(chunk_size=BATCH)


def erase_entries(rows: Any) -> int:
    """Take what is personal out of entries and keep their places in the chain; return how many."""
    seal_entries()
    return int(rows.update(actor_name=ERASED, object_name="", before={}, after={}, reason="", salt="", actor=None))


def drop_old_entries() -> int:
    """Delete entries older than GATEHOUSE_AUDIT_DAYS (0: never); the chain goes on from where it was cut."""
    if not settings.GATEHOUSE_AUDIT_DAYS:
        return 0
    old = AuditEvent.objects.exclude(position=None).filter(at__lt=now() - timedelta(days=settings.GATEHOUSE_AUDIT_DAYS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEALING])
        last = old.aggregate(last=Max("position"))["last"]
        if last is None:
            return 0
        cut = AuditEvent.objects.get(position=last)
        AuditAnchor.objects.update_or_create(pk=1, defaults={"position": last, "seal": cut.seal, "at": now()})
        # Up to the cut all go, also one that a clock set back has dated later: the chain has no holes.
        return AuditEvent.objects.filter(position__lte=last).delete()[0]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
