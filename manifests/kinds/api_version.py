"""Kind ApiVersion: a version's document, how it is served, and the state it should be in."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from apis.guards import working_revision
from apis.lifecycle import DEPLOYABLE
from apis.models import Api, ApiVersion, Revision
from apis.selectors import current_revision, working_copy
from apis.services.documents import ROUTING, require_valid_document
from apis.services.linting import end_waiver, waive_rule
from apis.services.preview import list_for_preview
from apis.services.versions import create_version
from common.clock import now
from manifests.differences import digest
from manifests.kinds.api import own_api
from manifests.kinds.kind import Kind, Step, read_moment, text_of, write_moment
from manifests.kinds.secrets import hide_secrets, mark_kept
from manifests.kinds.version_content import CONTENT, bring_content, deploy_elsewhere
from manifests.kinds.version_moves import STATES, listed_applications, move_to, shown_state
from manifests.manifest import Manifest
from manifests.schema import FROM_ENV, KEPT, MOMENT, TEXT, WORDS, one_of, whole_number
from teams.models import Team, User

SECONDS = {"type": "number", "exclusiveMinimum": 0}
SECRET = {"oneOf": [TEXT, FROM_ENV, KEPT]}
GATEWAY = {
    "type": "object",
    "description": "Blocks of docs/gateway-settings.md.",
    "properties": {
        "upstream": {
            "type": "object",
            "properties": {
                "tls": {"type": "object", "properties": {"key": SECRET}},
                "headers": {"type": "object", "additionalProperties": SECRET},
            },
        }
    },
}
DEPLOYMENT = {
    "type": "object",
    "properties": {"upstream_url": TEXT, "revision": whole_number(1)},
    "additionalProperties": False,
}
WAIVER = {
    "type": "object",
    "properties": {"code": TEXT, "pointer": TEXT, "reason": TEXT, "expires_at": MOMENT},
    "required": ["code", "reason", "expires_at"],
    "additionalProperties": False,
}


class ApiVersionKind(Kind[ApiVersion]):
    """A version. What a manifest says of its content is about the revision that is served, or the draft before."""

    name = "ApiVersion"
    identity = ("team", "api", "name")
    permission = "apis.publish"
    properties = {
        "state": one_of(*STATES),
        "document": {
            "description": "The OpenAPI document: {file: openapi.yaml}, its text, or the document itself.",
            "type": ["string", "object"],
        },
        "upstream_url": TEXT,
        "connect_timeout_seconds": SECONDS,
        "total_timeout_seconds": SECONDS,
        "max_body_bytes": whole_number(1),
        "gateway": GATEWAY,
        "accepted_changes": {**WORDS, "description": "Keys of risky changes that were looked at."},
        "release_note": TEXT,
        "lint_waivers": {"type": "array", "items": WAIVER},
        "preview_applications": {**WORDS, "description": "Written as team/application."},
        "environments": {"type": "object", "additionalProperties": DEPLOYMENT},
        "sunset_at": MOMENT,
        "deprecation_reason": TEXT,
        "successor": {"type": "string", "description": "v2, or team/api/v2."},
        "retirement_reason": TEXT,
        "typed_name": {"type": "string", "description": "orders/v1, where a version is retired that is still called."},
    }
    texts = {"document": "openapi"}
    write_only = frozenset({"accepted_changes", "release_note", "typed_name"})

    def needs(self, manifest: Manifest) -> Iterable[str]:
        """Ask for the successor first: a version is deprecated once it is published."""
        successor = str(manifest.spec.get("successor") or "")
        if not successor:
            return ()
        here = f"{manifest.metadata.get('team')}/{manifest.metadata.get('api')}"
        return (successor if "/" in successor else f"{here}/{successor}",)

    def find(self, metadata: Mapping[str, Any], actor: User) -> ApiVersion | None:
        """Return an API's version."""
        api = own_api(actor, metadata["team"], metadata["api"])
        return api.versions.select_related("api__team", "successor__api__team").filter(name=metadata["name"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[ApiVersion]:
        """Return the versions of a team's APIs, but for archived ones and the built-in one."""
        rows = ApiVersion.objects.filter(api__team=team).exclude(state=ApiVersion.State.ARCHIVED)
        rows = rows.exclude(api__kind=Api.Kind.MODEL).select_related("api__team", "successor__api__team")
        return rows.order_by("api__slug", "id") if team else []

    def identify(self, row: ApiVersion) -> dict[str, Any]:
        """Name it by its API and name."""
        return {"team": row.api.team.slug, "api": row.api.slug, "name": row.name}

    def read(self, row: ApiVersion) -> dict[str, Any]:
        """Return its state and content; the document by its hash."""
        revision = shown_revision(row)
        content: dict[str, Any] = {}
        if row.api.kind == Api.Kind.REST and revision is not None:
            content = {"document": hash_of(revision), **{name: getattr(revision, name) for name in ROUTING}}
            content["gateway"] = hide_secrets(revision.gateway)
        return {
            "state": shown_state(row),
            **content,
            "lint_waivers": _waivers(row),
            "preview_applications": _previewed(row),
            "environments": _elsewhere(row, revision),
            "sunset_at": write_moment(row.sunset_at),
            "deprecation_reason": row.deprecation_reason or None,
            "successor": _successor(row),
            "retirement_reason": row.retirement_reason or None,
        }

    def more(self, row: ApiVersion) -> dict[str, Any]:
        """Tell the working copy, which waits to become current."""
        working = working_revision(row)
        content = [working.content_hash, working.upstream_url, working.gateway, working.state] if working else []
        revision = shown_revision(row)
        # Its secrets are not in what `read` tells.
        served = digest(revision.gateway) if revision else ""
        return {"state": row.state, "working": digest(content), "gateway": served}

    def normal(self, spec: dict[str, Any], row: ApiVersion | None) -> dict[str, Any]:
        """Write the document as its hash, secrets as kept, moments and lists in their form."""
        revision = shown_revision(row) if row is not None else None
        changes: dict[str, Any] = {}
        if "document" in spec:
            text = text_of(spec["document"])
            is_same = revision is not None and revision.source == text
            changes["document"] = hash_of(revision) if is_same and revision else f"sha256:{_hash(text)[:16]}"
        if "gateway" in spec:
            changes["gateway"] = mark_kept(spec["gateway"], revision.gateway if revision else {})
        if "sunset_at" in spec:
            changes["sunset_at"] = write_moment(read_moment(spec["sunset_at"], "/sunset_at"))
        if "preview_applications" in spec:
            changes["preview_applications"] = sorted(set(spec["preview_applications"]))
        if "lint_waivers" in spec:
            changes["lint_waivers"] = sorted((_waiver(item) for item in spec["lint_waivers"]), key=_place)
        return {**spec, **changes}

    def write_out(self, row: ApiVersion) -> dict[str, Any]:
        """Return the spec with the document as it was written."""
        spec = {name: value for name, value in super().write_out(row).items() if value not in ([], {}, "")}
        revision = shown_revision(row)
        if "document" in spec and revision is not None:
            spec["document"] = revision.source or text_of(revision.document)
        return spec

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the version, then bring it to where it should be."""
        api = own_api(step.actor, metadata["team"], metadata["api"])
        version = create_version(api=api, name=metadata["name"], actor=step.actor)
        changed = {name for name in spec if name not in ("state", "environments")}
        self.update(version, spec, changed, step)

    def update(self, row: ApiVersion, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Waivers, then content, then the state, then other environments: each may need those before it."""
        if "lint_waivers" in changed:
            self._waive(row, spec["lint_waivers"], step)
        if content := {name: spec[name] for name in CONTENT if name in changed}:
            if "document" in content:
                content["document"] = text_of(content["document"])
            bring_content(row, content, spec, step)
        if row.state == ApiVersion.State.PREVIEW and "preview_applications" in changed:
            applications = listed_applications(spec["preview_applications"], step.actor)
            list_for_preview(version=row, actor=step.actor, applications=applications)
        move_to(row, spec, changed, step)
        row.refresh_from_db()
        if spec.get("environments") is not None and row.state in DEPLOYABLE:
            deploy_elsewhere(row, spec["environments"], step)

    def _waive(self, row: ApiVersion, wanted: list[dict[str, Any]], step: Step) -> None:
        missing = {json.dumps(_waiver(item), sort_keys=True): item for item in wanted}
        for waiver in row.lint_waivers.filter(expires_at__gt=now()):
            if missing.pop(json.dumps(_waiver_of(waiver), sort_keys=True), None) is None:
                end_waiver(waiver=waiver, actor=step.actor)
        for item in missing.values():
            waive_rule(
                version=row, code=item["code"], pointer=item.get("pointer", ""), reason=item["reason"],
                expires_at=read_moment(item["expires_at"], "/lint_waivers"), actor=step.actor,
            )  # fmt: skip

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep it with its API."""
        return f"{metadata['team']}/apis/{metadata['api']}.yaml"

    def beside(self, metadata: Mapping[str, Any]) -> str:
        """Name its document after the version."""
        return str(metadata["name"])

    def url(self, row: ApiVersion) -> str:
        """Return the version's page."""
        return f"/workspace/{row.api.team.slug}/{row.api.slug}/{row.name}"


def shown_revision(version: ApiVersion) -> Revision | None:
    """Return the revision a manifest speaks of: what is current, before the first publication the one under work."""
    return current_revision(version) or working_copy(version)


def hash_of(revision: Revision) -> str:
    """Return what stands for a revision's document in plans; "" when there is none."""
    found = revision.content_hash or (digest(revision.source) if revision.source else "")
    return f"sha256:{found[:16]}" if found else ""


@lru_cache(maxsize=8)
def _hash(text: str) -> str:
    return require_valid_document(text).content_hash


def _waiver(item: Mapping[str, Any]) -> dict[str, Any]:
    expires_at = write_moment(read_moment(item["expires_at"], "/lint_waivers"))
    return {
        "code": item["code"], "pointer": item.get("pointer", ""), "reason": item["reason"].strip(),
        "expires_at": expires_at,
    }  # fmt: skip


def _waiver_of(row: Any) -> dict[str, Any]:
    return {
        "code": row.code, "pointer": row.pointer, "reason": row.reason, "expires_at": write_moment(row.expires_at)
    }  # fmt: skip


def _place(item: Mapping[str, Any]) -> tuple[str, str, str]:
    return item["code"], item["pointer"], item["expires_at"]


def _waivers(version: ApiVersion) -> list[dict[str, Any]]:
    return sorted(map(_waiver_of, version.lint_waivers.filter(expires_at__gt=now())), key=_place)


def _previewed(version: ApiVersion) -> list[str]:
    rows = version.preview_applications.values_list("team__slug", "name")
    return sorted(f"{team}/{name}" for team, name in rows)


def _elsewhere(version: ApiVersion, revision: Revision | None) -> dict[str, dict[str, Any]]:
    """Return what other environments have; a revision is named only where it is not the one that is current."""
    found = {}
    for row in version.deployments.exclude(environment__slug="production").select_related("environment", "revision"):
        other = {} if revision is not None and row.revision_id == revision.pk else {"revision": row.revision.number}
        found[row.environment.slug] = {**({"upstream_url": row.upstream_url} if row.upstream_url else {}), **other}
    return dict(sorted(found.items()))


def _successor(version: ApiVersion) -> str | None:
    following = version.successor
    if following is None:
        return None
    if following.api_id == version.api_id:
        return following.name
    return f"{following.api.team.slug}/{following.api.slug}/{following.name}"
