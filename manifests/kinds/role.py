"""Kind Role: a role made from permissions, of one team and those below it, or of the installation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from common.errors import Conflict
from manifests.kinds.kind import Kind, Step, given, team_in
from manifests.schema import TEXT, one_of
from teams.models import CustomRole, Team, User
from teams.permissions import BY_NAME, in_order
from teams.selectors import role_use
from teams.services.custom_roles import FIELDS, create_role, delete_role, update_role


class RoleKind(Kind[CustomRole]):
    """A custom role; the built-in ones are as they are."""

    name = "Role"
    identity = ("slug",)
    optional = ("team",)
    permission = "members.manage"
    properties = {"name": TEXT, "description": TEXT, "permissions": {"type": "array", "items": one_of(*BY_NAME)}}
    required = ("permissions",)
    removal = "delete"

    def key(self, metadata: Mapping[str, Any]) -> str:
        """Return team and slug; the slug alone of one that every team uses."""
        return "/".join(str(metadata[name]) for name in ("team", "slug") if name in metadata)

    def find(self, metadata: Mapping[str, Any], actor: User) -> CustomRole | None:
        """Return a team's role, or one of the installation."""
        rows = CustomRole.objects.select_related("team").filter(team=team_in(metadata, actor))
        return rows.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[CustomRole]:
        """Return a team's own roles, or those of the installation."""
        return CustomRole.objects.select_related("team").filter(team=team).order_by("slug")

    def identify(self, row: CustomRole) -> dict[str, Any]:
        """Name it by its team and slug."""
        return {**({"team": row.team.slug} if row.team else {}), "slug": row.slug}

    def read(self, row: CustomRole) -> dict[str, Any]:
        """Return its words and what it allows."""
        return {name: getattr(row, name) for name in FIELDS}

    def normal(self, spec: dict[str, Any], row: CustomRole | None) -> dict[str, Any]:
        """Write the permissions in the catalogue's order; every role sees its team."""
        return {**spec, "permissions": in_order({"team.view", *spec["permissions"]})}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make it; nobody gives what they lack."""
        fields = {"name": metadata["slug"], **given(spec, FIELDS)}
        create_role(slug=metadata["slug"], team=team_in(metadata, step.actor), actor=step.actor, **fields)

    def update(self, row: CustomRole, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change it for all who hold it."""
        use = role_use(row)
        if "permissions" in changed and use.is_used:
            step.notes.append(use.sentence)
        update_role(role=row, actor=step.actor, **given(spec, changed))

    def remove(self, row: CustomRole, step: Step) -> None:
        """Delete it, once nobody holds it."""
        use = role_use(row)
        if use.is_used:
            raise Conflict(f"{use.sentence} Give them another one first.", code="role-in-use")
        delete_role(role=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep the roles of a team together."""
        return f"{metadata.get('team', 'platform')}/roles.yaml"

    def url(self, row: CustomRole) -> str:
        """Return the role's page."""
        return f"/teams/{row.team.slug}/roles/{row.public_id}" if row.team else f"/admin/roles/{row.public_id}"
