"""Overlays of a version's document: added, changed, put in order, switched on and off. Each counts at once.

An overlay is no part of a revision: its change is a live change of what is shown, and the audit log keeps each text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.design.overlays import parse_overlay
from apis.design.problems import DesignError, Finding
from apis.models import ApiVersion, Environment, Overlay
from apis.selectors.environments import environments
from apis.selectors.overlays import overlay_document, overlays_in
from apis.selectors.versions import callers_document, revision_in
from apis.services.catalog import refresh_entry
from apis.services.documents import finding_json
from apis.services.moves import lock_version
from common.clock import now
from common.concurrency import require_match
from common.errors import Conflict, Invalid, Stale
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

MOST_OVERLAYS = 20
LONGEST_NAME = 60


def create_overlay(
    *, version: ApiVersion, name: str, source: str, actor: User, environments: Sequence[Environment] = (),
    is_enabled: bool = True,
) -> Overlay:  # fmt: skip
    """Add an overlay after those there are; raise Invalid when it is none, or cannot be applied to the document now."""
    _require_publisher(version, actor, "add overlays")
    overlay = Overlay(version=version, name=name.strip(), source=source, is_enabled=is_enabled, updated_by=actor)
    _check(overlay, environments)

    def write() -> None:
        count = lock_version(version).overlays.count()
        if count >= MOST_OVERLAYS:
            raise Conflict(f"{version} has {count} overlays, the most there can be. Join some, or delete one.")
        overlay.position = count + 1
        overlay.save()
        overlay.environments.set(environments)
        _audit(overlay, "create", actor, after=_values(overlay, environments))

    _write(version, overlay.name, write)
    return overlay


def update_overlay(
    *, overlay: Overlay, actor: User, if_match: str | None, environments: Sequence[Environment] | None = None,
    **values: Any,
) -> Overlay:  # fmt: skip
    """Change an overlay: any of name, source, is_enabled; `environments` None keeps them. Raise Stale as save_draft."""
    version = overlay.version
    _require_publisher(version, actor, "change overlays")
    require_match(overlay, if_match)
    if unknown := set(values) - {"name", "source", "is_enabled"}:
        raise Invalid(f"{', '.join(sorted(unknown))} cannot be changed of an overlay.")
    before_places = list(overlay.environments.all())
    before = _values(overlay, before_places)
    for field, value in values.items():
        setattr(overlay, field, value.strip() if field == "name" else value)
    places = before_places if environments is None else list(environments)
    _check(overlay, places)

    def write() -> None:
        rows = Overlay.objects.filter(pk=overlay.pk, row_version=overlay.row_version)
        changed = rows.update(
            name=overlay.name, source=overlay.source, is_enabled=overlay.is_enabled, updated_by=actor,
            updated_at=now(), row_version=F("row_version") + 1,
        )  # fmt: skip
        if changed != 1:
            raise Stale("Somebody changed this overlay meanwhile. Read it again and repeat the change.")
        overlay.environments.set(places)
        after = _values(overlay, places)
        changes = {key for key in after if after[key] != before[key]}
        _audit(
            overlay, "change", actor, before={key: before[key] for key in changes},
            after={key: after[key] for key in changes},
        )  # fmt: skip

    _write(version, overlay.name, write)
    overlay.refresh_from_db()
    return overlay


def order_overlays(*, version: ApiVersion, order: Sequence[str], actor: User) -> list[Overlay]:
    """Put the overlays in the order of their ids; each must be named once."""
    _require_publisher(version, actor, "order overlays")
    with transaction.atomic():
        lock_version(version)
        rows = {row.public_id: row for row in version.overlays.all()}
        if sorted(order) != sorted(rows):
            detail = f"Name each of the {len(rows)} overlays once: {', '.join(rows) or 'there are none'}."
            raise Invalid(detail, errors=[{"detail": detail, "pointer": "/order"}])
        before = [row.name for row in rows.values()]
        for position, public_id in enumerate(order, start=1):
            rows[public_id].position = position
            Overlay.objects.filter(pk=rows[public_id].pk).update(position=position)
        record_audit(
            actor=actor, verb="overlay.order", target=version, team=version.api.team,
            before={"order": before}, after={"order": [rows[name].name for name in order]},
        )  # fmt: skip
        refresh_entry(version.api)
    return [rows[name] for name in order]


def delete_overlay(*, overlay: Overlay, actor: User) -> None:
    """Take an overlay away; the audit log keeps its text."""
    version = overlay.version
    _require_publisher(version, actor, "delete overlays")
    with transaction.atomic():
        lock_version(version)
        _audit(overlay, "delete", actor, before=_values(overlay, overlay.environments.all()))
        version.overlays.filter(position__gt=overlay.position).update(position=F("position") - 1)
        Overlay.objects.filter(pk=overlay.pk).delete()
        refresh_entry(version.api)


def _require_publisher(version: ApiVersion, actor: User, what: str) -> None:
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what=what)


def _write(version: ApiVersion, name: str, write: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            write()
            # What is found in the catalog follows what is shown there.
            refresh_entry(version.api)
    except IntegrityError as error:
        raise Conflict(f"{version} has an overlay called {name!r} already.", code="name-taken") from error


def _check(overlay: Overlay, places: Sequence[Environment]) -> None:
    """Raise Invalid for a name or text that is none, and for an enabled one that cannot be applied as things are."""
    if not 0 < len(overlay.name) <= LONGEST_NAME:
        detail = f"Give the overlay a name of at most {LONGEST_NAME} characters."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/name"}])
    try:
        parse_overlay(overlay.source)
    except DesignError as error:
        raise _refusal(error.findings) from error
    for environment in (places or environments()) if overlay.is_enabled else ():
        if wrong := errors_in(overlay, environment.slug):
            raise _refusal(wrong, f" This is so in {environment}.")


def errors_in(overlay: Overlay, environment: str) -> list[Finding]:
    """Return what keeps an overlay, saved or not, from being applied in an environment after those before it."""
    version = overlay.version
    revision = revision_in(version, environment)
    plain = callers_document(version, revision) if revision else {}
    if not plain:
        return []
    rows = in_place(overlay, environment)
    result = overlay_document(plain, rows)
    own = result.findings[rows.index(overlay)]
    errors = [finding for finding in own if finding.severity == "error"]
    return errors or result.problems()


def in_place(overlay: Overlay, environment: str) -> list[Overlay]:
    """Return the overlays that count in an environment with this one in its place, as it is in memory."""
    rows = [row for row in overlays_in(overlay.version, environment) if row.pk != overlay.pk]
    position = overlay.position or MOST_OVERLAYS + 1
    before = sum(1 for row in rows if row.position < position)
    return [*rows[:before], overlay, *rows[before:]]


def _refusal(findings: Sequence[Finding], where: str = "") -> Invalid:
    errors = [finding_json(finding) for finding in findings]
    return Invalid(f"{errors[0]['detail']}{where}", errors=errors)


def _values(overlay: Overlay, places: Any) -> dict[str, Any]:
    return {
        "name": overlay.name, "source": overlay.source, "is_enabled": overlay.is_enabled, "position": overlay.position,
        "environments": sorted(place.slug for place in places),
    }  # fmt: skip


def _audit(overlay: Overlay, verb: str, actor: User, **values: Any) -> None:
    record_audit(actor=actor, verb=f"overlay.{verb}", target=overlay, team=overlay.version.api.team, **values)
