"""Kind Team: a team and its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from common.errors import Conflict, Invalid
from manifests.kinds.kind import Kind, Step, given
from manifests.manifest import Manifest
from manifests.schema import TEXT, one_of, whole_number
from teams.models import Team, User
from teams.roles import teams_of
from teams.services.people import TEAM_FIELDS, create_team, update_team
from teams.services.tree import move_team


class TeamKind(Kind[Team]):
    """A team; who applies becomes its owner when it is new."""

    name = "Team"
    identity = ("slug",)
    permission = "team.manage"
    properties = {
        "parent": {"type": ["string", "null"], "description": "The slug of the team it lies below; null at the top."},
        "name": TEXT,
        "description": TEXT,
        "contact_email": TEXT,
        "required_approvals": whole_number(0, 20),
        "minimum_notice_days": whole_number(0, 3650),
        "reviewer_role": one_of("publisher", "owner"),
        "review_checklist": TEXT,
    }

    def needs(self, manifest: Manifest) -> Iterable[str]:
        """Ask for the team above it first."""
        return filter(None, (manifest.spec.get("parent"),))

    def find(self, metadata: Mapping[str, Any], actor: User) -> Team | None:
        """Return a team that the actor is in."""
        return teams_of(actor).select_related("parent").filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Team]:
        """Return the team itself."""
        return [team] if team else []

    def identify(self, row: Team) -> dict[str, Any]:
        """Name it by its slug."""
        return {"slug": row.slug}

    def read(self, row: Team) -> dict[str, Any]:
        """Return its place and its rules."""
        parent = row.parent.slug if row.parent else None
        return {"parent": parent, **{name: getattr(row, name) for name in TEAM_FIELDS}}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the team."""
        fields, parent = {"name": metadata["slug"], **given(spec, TEAM_FIELDS)}, _parent(spec, step.actor)
        try:
            create_team(slug=metadata["slug"], parent=parent, actor=step.actor, **fields)
        except Conflict as error:
            raise Conflict(f"{error.detail} You are not in it.", code=error.code) from error
        step.notes.append(f"Who manages {parent} manages it too." if parent else "You become its owner.")

    def update(self, row: Team, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Move it, then change its rules; the other way round where the team above asks for the new ones."""
        rules = given(spec, [name for name in TEAM_FIELDS if name in changed])
        if "parent" not in changed:
            update_team(team=row, actor=step.actor, **rules)
            return
        parent = _parent(spec, step.actor)
        try:
            with transaction.atomic():
                move_team(team=row, parent=parent, actor=step.actor)
        except Invalid:
            if not rules:
                raise
            row.refresh_from_db()
            update_team(team=row, actor=step.actor, **rules)
            move_team(team=row, parent=parent, actor=step.actor)
        else:
            if rules:
                update_team(team=row, actor=step.actor, **rules)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give each team a file in its folder."""
        return f"{metadata['slug']}/team.yaml"

    def url(self, row: Team) -> str:
        """Return the team's page."""
        return f"/teams/{row.slug}"


def _parent(spec: Mapping[str, Any], actor: User) -> Team | None:
    slug = spec.get("parent")
    found = teams_of(actor).filter(slug=slug).first() if slug is not None else None
    if slug is not None and found is None:
        detail = f"There is no team called {slug[:60]!r} that you are in."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/parent"}])
    return found
