"""Kind Application: a program of a team. Its keys are secrets, and made where they are used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from common.identifiers import propose_slug
from manifests.kinds.kind import Kind, Step, own_team
from manifests.schema import TEXT
from teams.models import Application, Team, User
from teams.services.applications import create_application, update_application


class ApplicationKind(Kind[Application]):
    """An application, named within its team."""

    name = "Application"
    identity = ("team", "name")
    permission = "applications.manage"
    properties = {"description": TEXT}

    def find(self, metadata: Mapping[str, Any], actor: User) -> Application | None:
        """Return a team's application of that name."""
        rows = own_team(actor, metadata["team"]).applications.select_related("team")
        return rows.filter(name=metadata["name"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Application]:
        """Return a team's applications."""
        return team.applications.select_related("team").order_by("name") if team else []

    def identify(self, row: Application) -> dict[str, Any]:
        """Name it by its team and name."""
        return {"team": row.team.slug, "name": row.name}

    def read(self, row: Application) -> dict[str, Any]:
        """Return what it says of itself."""
        return {"description": row.description}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the application."""
        team = own_team(step.actor, metadata["team"])
        description = spec.get("description", "")
        create_application(team=team, name=metadata["name"], description=description, actor=step.actor)

    def update(self, row: Application, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change its description."""
        update_application(application=row, actor=step.actor, name=row.name, description=spec["description"])

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep an application and its subscriptions together."""
        return f"{metadata['team']}/applications/{propose_slug(metadata['name'], fallback='application')}.yaml"

    def url(self, row: Application) -> str:
        """Return the application's page."""
        return f"/applications/{row.public_id}"
