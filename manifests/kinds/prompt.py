"""Kind Prompt: a team's prompt, and the API it is published as."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import ApiVersion
from apis.services.publishing import publish_version
from common.errors import Conflict
from manifests.kinds.kind import Kind, Step, given, own_team
from manifests.schema import TEXT, one_of, whole_number
from prompts.models import PromptTemplate, PromptVersion
from prompts.parameters import clean_parameters
from prompts.selectors import latest_version, published_as
from prompts.services.prompts import FIELDS, create_prompt, save_prompt_version
from prompts.services.publication import DEFAULT_PATH, publish_prompt
from teams.models import Team, User

PUBLICATION = {
    "type": "object",
    "description": "Published as an API: its path below the version, and at first the API's base path.",
    "properties": {"path": TEXT, "base_path": TEXT},
    "additionalProperties": False,
}


class PromptKind(Kind[PromptTemplate]):
    """A prompt by its newest version. With `publish` what is saved is published, as the API's next version."""

    name = "Prompt"
    identity = ("team", "slug")
    permission = "prompts.edit"
    properties = {
        "name": TEXT,
        "description": TEXT,
        "system": TEXT,
        "text": TEXT,
        "parameters": {"type": "array", "items": {"type": "object"}},
        "model": TEXT,
        "output": one_of(*PromptVersion.Output.values),
        "schema": {"type": "object"},
        "temperature": {"type": "number", "minimum": 0},
        "max_output_tokens": whole_number(1),
        "publish": PUBLICATION,
    }

    def find(self, metadata: Mapping[str, Any], actor: User) -> PromptTemplate | None:
        """Return a team's prompt."""
        rows = own_team(actor, metadata["team"]).prompts.select_related("team")
        return rows.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[PromptTemplate]:
        """Return a team's prompts."""
        return team.prompts.select_related("team").order_by("slug") if team else []

    def identify(self, row: PromptTemplate) -> dict[str, Any]:
        """Name it by team and slug."""
        return {"team": row.team.slug, "slug": row.slug}

    def read(self, row: PromptTemplate) -> dict[str, Any]:
        """Return its newest version, and where that is published."""
        version = latest_version(row)
        content = {name: getattr(version, name) for name in FIELDS} if version else {}
        return {"name": row.name, "description": row.description, **content, "publish": _publication(version)}

    def normal(self, spec: dict[str, Any], row: PromptTemplate | None) -> dict[str, Any]:
        """Write parameters in their full form, and the publication with what it is left to."""
        changes: dict[str, Any] = {}
        if "parameters" in spec:
            changes["parameters"], _ = clean_parameters(spec["parameters"])
        if "publish" in spec:
            before = published_as(row) if row else None
            known = {"base_path": before.api.base_path} if before else {}
            changes["publish"] = {"path": DEFAULT_PATH, **known, **spec["publish"]}
        return {**spec, **changes}

    def more(self, row: PromptTemplate) -> dict[str, Any]:
        """Tell versions apart, and what is published from what waits for its approval."""
        version = latest_version(row)
        target = version.revision.version if version and version.revision else None
        return {"number": version.number if version else 0, "state": target.state if target else ""}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make it with its first version."""
        fields = {"name": metadata["slug"], **given(spec, ("name", "description", *FIELDS))}
        team = own_team(step.actor, metadata["team"])
        row = create_prompt(team=team, slug=metadata["slug"], actor=step.actor, **fields)
        self._publish(row, spec, step)

    def update(self, row: PromptTemplate, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Save its working version, then publish what is saved."""
        if fixed := [name for name in ("name", "description") if name in changed]:
            raise Conflict(f"A prompt keeps its {' and '.join(fixed)}: make another one.", code="move-not-possible")
        if content := given(spec, [name for name in FIELDS if name in changed]):
            save_prompt_version(template=row, actor=step.actor, **content)
        self._publish(row, spec, step)

    def _publish(self, row: PromptTemplate, spec: Mapping[str, Any], step: Step) -> None:
        version = latest_version(row)
        if "publish" not in spec or version is None:
            return
        if version.revision is None:
            more = given(spec["publish"], ("path", "base_path"))
            target = publish_prompt(version=version, actor=step.actor, **more)
            step.notes.append(f"It is called at {target.api.base_path}/{target.name}{more.get('path', DEFAULT_PATH)}.")
        else:
            target = version.revision.version
            if target.state == ApiVersion.State.APPROVED:
                publish_version(version=target, actor=step.actor)
            elif target.published_at and _publication(version) != self.normal(dict(spec), row)["publish"]:
                detail = f"{target} is published, and its address stays: change the prompt to publish it anew."
                raise Conflict(detail, code="move-not-possible")
        if target.state == ApiVersion.State.IN_REVIEW:
            step.waiting = f"{target} must be approved, then published in the workspace."
            step.waiting_fields = frozenset({"publish"})

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give each prompt a file."""
        return f"{metadata['team']}/prompts/{metadata['slug']}.yaml"

    def url(self, row: PromptTemplate) -> str:
        """Return the prompt's page."""
        return f"/ai/prompts/{row.team.slug}/{row.slug}"


def _publication(version: PromptVersion | None) -> dict[str, str] | None:
    """Return where a version is published; None while it is not, so that a publication asked for is a change."""
    revision = version.revision if version else None
    operation = revision.operations.first() if revision else None
    if revision is None or operation is None or revision.version.published_at is None:
        return None
    return {"path": operation.path, "base_path": revision.version.api.base_path}
