"""Kind Collection: APIs that a team puts together for a purpose."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping
from typing import Any

from apis.models import Api, Collection
from apis.selectors import visible_apis
from apis.services.collections import create_collection, delete_collection, update_collection
from common.errors import Invalid
from manifests.kinds.kind import Kind, Step, own_team
from manifests.schema import TEXT, WORDS
from teams.models import Team, User


class CollectionKind(Kind[Collection]):
    """A collection; its APIs are written as team/api."""

    name = "Collection"
    identity = ("team", "slug")
    properties = {"name": TEXT, "description": TEXT, "apis": WORDS}
    removal = "delete"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Collection | None:
        """Return a team's collection."""
        rows = own_team(actor, metadata["team"]).collections.select_related("team")
        return rows.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Collection]:
        """Return a team's collections."""
        return team.collections.select_related("team").order_by("slug") if team else []

    def identify(self, row: Collection) -> dict[str, Any]:
        """Name it by team and slug."""
        return {"team": row.team.slug, "slug": row.slug}

    def read(self, row: Collection) -> dict[str, Any]:
        """Return what is in it."""
        apis = [f"{team}/{slug}" for team, slug in row.apis.values_list("team__slug", "slug")]
        return {"name": row.name, "description": row.description, "apis": sorted(apis)}

    def normal(self, spec: dict[str, Any], row: Collection | None) -> dict[str, Any]:
        """Write the APIs in their order."""
        return {**spec, "apis": sorted(set(spec["apis"]))} if "apis" in spec else spec

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make it."""
        create_collection(
            team=own_team(step.actor, metadata["team"]), slug=metadata["slug"], actor=step.actor,
            name=spec.get("name", metadata["slug"]), description=spec.get("description", ""),
            apis=_apis(spec.get("apis", ()), step.actor),
        )  # fmt: skip

    def update(self, row: Collection, spec: dict[str, Any], changed: Names[str], step: Step) -> None:
        """Change it."""
        wanted = {**self.read(row), **{name: spec[name] for name in changed}}
        apis = _apis(wanted.pop("apis"), step.actor)
        update_collection(collection=row, actor=step.actor, row_version=row.row_version, apis=apis, **wanted)

    def remove(self, row: Collection, step: Step) -> None:
        """Delete it; its APIs stay as they are."""
        delete_collection(collection=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep a team's collections together."""
        return f"{metadata['team']}/collections.yaml"

    def url(self, row: Collection) -> str:
        """Return the collection's page."""
        return f"/catalog/collections/{row.slug}"


def _apis(names: Iterable[str], actor: User) -> list[Api]:
    found = []
    for name in names:
        team, _, slug = name.partition("/")
        api = visible_apis(actor).filter(team__slug=team, slug=slug).first()
        if api is None:
            detail = f"There is no API {name!r} that you see: write team/api."
            raise Invalid(detail, errors=[{"detail": detail, "pointer": "/apis"}])
        found.append(api)
    return found
