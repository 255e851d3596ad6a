"""Kind Team: a team and its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from common.errors import Conflict
from manifests.kinds.kind import Kind, Step, given
from manifests.schema import TEXT, one_of, whole_number
from teams.models import Team, User
from teams.roles import teams_of
from teams.services.people import TEAM_FIELDS, create_team, update_team


class TeamKind(Kind[Team]):
    """A team; who applies becomes its owner when it is new."""

    name = "Team"
    identity = ("slug",)
    permission = "team.manage"
    properties = {
        "name": TEXT,
        "description": TEXT,
        "contact_email": TEXT,
        "required_approvals": whole_number(0, 20),
        "minimum_notice_days": whole_number(0, 3650),
        "reviewer_role": one_of("publisher", "owner"),
        "review_checklist": TEXT,
    }

    def find(self, metadata: Mapping[str, Any], actor: User) -> Team | None:
        """Return a team that the actor is in."""
        return teams_of(actor).filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Team]:
        """Return the team itself."""
        return [team] if team else []

    def identify(self, row: Team) -> dict[str, Any]:
        """Name it by its slug."""
        return {"slug": row.slug}

    def read(self, row: Team) -> dict[str, Any]:
        """Return its rules."""
        return {name: getattr(row, name) for name in TEAM_FIELDS}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the team."""
        fields = {"name": metadata["slug"], **given(spec, TEAM_FIELDS)}
        try:
            create_team(slug=metadata["slug"], actor=step.actor, **fields)
        except Conflict as error:
            raise Conflict(f"{error.detail} You are not in it.", code=error.code) from error
        step.notes.append("You become its owner.")

    def update(self, row: Team, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change its rules."""
        update_team(team=row, actor=step.actor, **given(spec, changed))

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give each team a file in its folder."""
        return f"{metadata['slug']}/team.yaml"

    def url(self, row: Team) -> str:
        """Return the team's page."""
        return f"/teams/{row.slug}"
