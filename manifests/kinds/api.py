"""Kind Api: what an API is called, where callers find it, who sees it and who answers for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import Api
from apis.services.contracts import CHANGEABLE, clean_tags, create_api, delete_api, update_api
from common.errors import Conflict, Invalid
from manifests.kinds.kind import Kind, Step, given, own_team
from manifests.schema import TEXT, TRUTH, WORDS, one_of
from teams.models import Team, User

AT_CREATION = ("summary", "description", "tags", "category", "base_path", "visibility")


class ApiKind(Kind[Api]):
    """An API without its versions and plans, which are kinds of their own."""

    name = "Api"
    identity = ("team", "slug")
    properties = {
        "kind": one_of(*Api.Kind.values),
        "name": TEXT,
        "summary": TEXT,
        "description": TEXT,
        "tags": WORDS,
        "category": TEXT,
        "base_path": TEXT,
        "visibility": one_of(*Api.Visibility.values),
        "shared_with": {**WORDS, "description": "Slugs of the teams that see an API of visibility shared."},
        "is_requestable": TRUTH,
        "owner": {"type": "string", "description": "The e-mail address of who answers for it."},
        "on_call": TEXT,
    }
    removal = "delete"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Api | None:
        """Return a team's API."""
        apis = own_team(actor, metadata["team"]).apis.select_related("team", "owner")
        return apis.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Api]:
        """Return a team's APIs."""
        return team.apis.select_related("team", "owner").order_by("slug") if team else []

    def identify(self, row: Api) -> dict[str, Any]:
        """Name it by its team and slug."""
        return {"team": row.team.slug, "slug": row.slug}

    def read(self, row: Api) -> dict[str, Any]:
        """Return what it says of itself."""
        return {
            "kind": row.kind,
            "name": row.name,
            "summary": row.summary,
            "description": row.description,
            "tags": row.tags,
            "category": row.category,
            "base_path": row.base_path,
            "visibility": row.visibility,
            "shared_with": sorted(row.shares.values_list("team__slug", flat=True)),
            "is_requestable": row.is_requestable,
            "owner": row.owner.email if row.owner else None,
            "on_call": row.on_call,
        }

    def normal(self, spec: dict[str, Any], row: Api | None) -> dict[str, Any]:
        """Write tags and teams as they are kept."""
        changes: dict[str, Any] = {}
        if "tags" in spec:
            changes["tags"] = clean_tags(spec["tags"])
        if "shared_with" in spec:
            changes["shared_with"] = sorted(set(spec["shared_with"]))
        if "owner" in spec:
            changes["owner"] = spec["owner"].strip().lower()
        return {**spec, **changes}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the API with its draft v1; its plans are declared, so it begins with none."""
        kind = spec.get("kind", Api.Kind.REST)
        if kind == Api.Kind.PROMPT:
            raise Conflict(
                "The API of a prompt is made by publishing the prompt: give its Prompt manifest the field publish.",
                code="move-not-possible",
            )
        team = own_team(step.actor, metadata["team"])
        name = spec.get("name") or metadata["slug"]
        api = create_api(
            team=team, kind=kind, name=name, slug=metadata["slug"], actor=step.actor, has_plan=False,
            **given(spec, AT_CREATION),
        )  # fmt: skip
        later = {name for name in spec if name not in (*AT_CREATION, "kind", "name")}
        if later:
            self.update(api, spec, later, step)

    def update(self, row: Api, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change the API, or whom it is shared with."""
        if "kind" in changed:
            raise Conflict(f"{row} is a {row.kind} API and stays one.", code="move-not-possible")
        changes = given(spec, [name for name in CHANGEABLE if name in changed])
        if "owner" in changes:
            changes["owner"] = User.objects.filter(email=spec["owner"]).first()
        if "shared_with" in changed:
            changes["shared_with"] = _teams(spec["shared_with"])
        update_api(api=row, actor=step.actor, **changes)

    def remove(self, row: Api, step: Step) -> None:
        """Delete an API that was never published."""
        delete_api(api=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep an API, its plans and its versions together."""
        return f"{metadata['team']}/apis/{metadata['slug']}.yaml"

    def url(self, row: Api) -> str:
        """Return the API's page in the workspace."""
        return f"/workspace/{row.team.slug}/{row.slug}"


def own_api(actor: User, team: Any, slug: Any) -> Api:
    """Return an API of a team the actor is in; raise Conflict, in the words of a manifest."""
    api = ApiKind().find({"team": team, "slug": slug}, actor)
    if api is None:
        raise Conflict(f"There is no API {team}/{slug}: its own manifest, of kind Api, comes first.", code="not-found")
    return api


def _teams(slugs: list[str]) -> list[Team]:
    found = list(Team.objects.filter(slug__in=slugs))
    if missing := set(slugs) - {team.slug for team in found}:
        detail = f"There is no team {', '.join(sorted(missing))}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/shared_with"}])
    return found
