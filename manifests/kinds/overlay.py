"""Kind Overlay: what the document of a version says differently in some environments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import Api, ApiVersion, Environment, Overlay
from apis.services.overlays import MOST_OVERLAYS, create_overlay, delete_overlay, order_overlays, update_overlay
from common.errors import Conflict
from common.identifiers import propose_slug
from manifests.kinds.api import own_api
from manifests.kinds.environment import environment_called
from manifests.kinds.kind import Kind, Step, text_hash, text_of
from manifests.manifest import Manifest
from manifests.schema import TRUTH, WORDS, whole_number
from teams.models import Team, User


class OverlayKind(Kind[Overlay]):
    """An OpenAPI Overlay of a version; its change counts at once."""

    name = "Overlay"
    identity = ("team", "api", "version", "name")
    permission = "apis.publish"
    properties = {
        "document": {
            "description": "The OpenAPI Overlay: {file: partners.yaml}, its text, or the document itself.",
            "type": ["string", "object"],
        },
        "environments": {**WORDS, "description": "Where it counts; in all when there is none."},
        "order": {**whole_number(1, MOST_OVERLAYS), "description": "Its place among the version's overlays."},
        "is_enabled": TRUTH,
    }
    texts = {"document": "overlay"}
    required = ("document",)
    removal = "delete"

    def turn(self, manifest: Manifest) -> int:
        """Put one in its place after those before it have theirs; one without a place comes last."""
        return int(manifest.spec.get("order", MOST_OVERLAYS + 1))

    def find(self, metadata: Mapping[str, Any], actor: User) -> Overlay | None:
        """Return a version's overlay."""
        version = _version(metadata, actor)
        return version.overlays.select_related("version__api__team").filter(name=metadata["name"].strip()).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Overlay]:
        """Return the overlays of a team's versions in their order, but for archived versions."""
        rows = Overlay.objects.filter(version__api__team=team).exclude(version__state=ApiVersion.State.ARCHIVED)
        rows = rows.exclude(version__api__kind=Api.Kind.MODEL).select_related("version__api__team")
        return rows.order_by("version__api__slug", "version_id", "position") if team else []

    def identify(self, row: Overlay) -> dict[str, Any]:
        """Name it by its version and name."""
        api = row.version.api
        return {"team": api.team.slug, "api": api.slug, "version": row.version.name, "name": row.name}

    def read(self, row: Overlay) -> dict[str, Any]:
        """Return where and when it counts; the document by its hash."""
        return {
            "document": text_hash(row.source), "environments": sorted(place.slug for place in row.environments.all()),
            "order": row.position, "is_enabled": row.is_enabled,
        }  # fmt: skip

    def normal(self, spec: dict[str, Any], row: Overlay | None) -> dict[str, Any]:
        """Write the document as its hash, environments in their order, a place behind the last one as the last."""
        changes: dict[str, Any] = {"document": text_hash(text_of(spec["document"]))}
        if "environments" in spec:
            changes["environments"] = sorted(set(spec["environments"]))
        if "order" in spec and row is not None:
            changes["order"] = min(spec["order"], row.version.overlays.count())
        return {**spec, **changes}

    def write_out(self, row: Overlay) -> dict[str, Any]:
        """Return the spec with the overlay as it was written."""
        return {**self.read(row), "document": row.source}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add it behind the others, then put it in its place."""
        row = create_overlay(
            version=_version(metadata, step.actor), name=metadata["name"], source=text_of(spec["document"]),
            environments=_environments(spec), is_enabled=spec.get("is_enabled", True), actor=step.actor,
        )  # fmt: skip
        if "order" in spec:
            _move(row, spec["order"], step.actor)

    def update(self, row: Overlay, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Put it in its place, then change what it says: what it may hit depends on those before it."""
        if "order" in changed:
            _move(row, spec["order"], step.actor)
            row.refresh_from_db()
        values = {name: spec[name] for name in ("is_enabled",) if name in changed}
        if "document" in changed:
            values["source"] = text_of(spec["document"])
        if values or "environments" in changed:
            places = _environments(spec) if "environments" in changed else None
            update_overlay(overlay=row, actor=step.actor, if_match="*", environments=places, **values)

    def remove(self, row: Overlay, step: Step) -> None:
        """Delete it; the audit log keeps its text."""
        delete_overlay(overlay=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep it with its API."""
        return f"{metadata['team']}/apis/{metadata['api']}.yaml"

    def beside(self, metadata: Mapping[str, Any]) -> str:
        """Name its text after version and overlay."""
        return f"{metadata['version']}-{propose_slug(metadata['name'], fallback='overlay')}"

    def url(self, row: Overlay) -> str:
        """Return the overlay's page."""
        api = row.version.api
        return f"/workspace/{api.team.slug}/{api.slug}/{row.version.name}/overlays/{row.public_id}"


def _version(metadata: Mapping[str, Any], actor: User) -> ApiVersion:
    api, name = own_api(actor, metadata["team"], metadata["api"]), metadata["version"]
    version = api.versions.select_related("api__team").filter(name=name).first()
    if version is None:
        where = f"{metadata['team']}/{api.slug}"
        raise Conflict(
            f"{where} has no version {name}: its manifest, of kind ApiVersion, comes first.", code="not-found"
        )
    return version


def _environments(spec: Mapping[str, Any]) -> list[Environment]:
    return [environment_called(slug, "/environments") for slug in spec.get("environments", ())]


def _move(row: Overlay, place: int, actor: User) -> None:
    """Put an overlay in its place; the others keep their order among each other."""
    before = list(row.version.overlays.order_by("position").values_list("public_id", flat=True))
    order = [public_id for public_id in before if public_id != row.public_id]
    order.insert(place - 1, row.public_id)
    if order != before:
        order_overlays(version=row.version, order=order, actor=actor)
