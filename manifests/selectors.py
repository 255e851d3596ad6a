"""What is asked of manifests: which applies one may see, what manages an object."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from common.errors import NotFound
from manifests.kinds import KINDS
from manifests.models import ManagedObject, ManifestApply
from teams.models import User
from teams.roles import teams_of


def applies_for(user: User) -> QuerySet[ManifestApply]:
    """Return one's own applies and those that touched one's teams; all for who sees everything."""
    rows = ManifestApply.objects.select_related("actor")
    if user.sees_everything:
        return rows
    mine = list(teams_of(user).values_list("slug", flat=True))
    return rows.filter(Q(actor=user) | Q(teams__overlap=mine))


def apply_for(user: User, public_id: str) -> ManifestApply:
    """Return one apply the person may see; raise NotFound."""
    row = applies_for(user).filter(public_id=public_id).first()
    if row is None:
        raise NotFound("There is nothing here, or it is not shared with you.")
    return row


def entries_for(user: User, row: ManifestApply) -> list[dict[str, Any]]:
    """Return the entries of an apply that the person may see: of others' applies those of own teams alone."""
    if user.sees_everything or row.actor_id == user.pk:
        return list(row.entries)
    mine = set(teams_of(user).values_list("slug", flat=True))
    return [entry for entry in row.entries if entry["team"] in mine]


def management_of(kind: str, row: Any) -> ManagedObject | None:
    """Return what manages an object, None when nothing does."""
    return ManagedObject.objects.select_related("applied_by").filter(kind=kind, object_id=KINDS[kind].mark(row)).first()
