"""Kind LintRuleset: how grave each rule is for a team's documents, or for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import LintRuleset
from apis.services.linting import SEVERITIES, set_ruleset
from manifests.kinds.kind import Kind, Step, own_team
from manifests.schema import one_of
from teams.models import Team, User


class LintRulesetKind(Kind[LintRuleset]):
    """The one ruleset of a team; without a team that of the organisation."""

    name = "LintRuleset"
    identity = ()
    permission = "team.manage"
    optional = ("team",)
    properties = {"severities": {"type": "object", "additionalProperties": one_of(*SEVERITIES)}}
    required = ("severities",)

    def key(self, metadata: Mapping[str, Any]) -> str:
        """Return the team, or that it is everybody's."""
        return str(metadata.get("team", "organisation"))

    def find(self, metadata: Mapping[str, Any], actor: User) -> LintRuleset | None:
        """Return the ruleset, if one was ever set."""
        return LintRuleset.objects.select_related("team").filter(team=_team(metadata, actor)).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[LintRuleset]:
        """Return the one there is."""
        return LintRuleset.objects.select_related("team").filter(team=team)

    def identify(self, row: LintRuleset) -> dict[str, Any]:
        """Name it by its team."""
        return {"team": row.team.slug} if row.team else {}

    def read(self, row: LintRuleset) -> dict[str, Any]:
        """Return what is set."""
        return {"severities": dict(sorted(row.severities.items()))}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Set it; documents are scored anew afterwards."""
        set_ruleset(team=_team(metadata, step.actor), severities=spec["severities"], actor=step.actor)

    def update(self, row: LintRuleset, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Set it anew."""
        set_ruleset(team=row.team, severities=spec["severities"], actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give it a file in its team's folder."""
        return f"{metadata.get('team', 'platform')}/lint.yaml"

    def url(self, row: LintRuleset) -> str:
        """Return the page of the rules."""
        return f"/teams/{row.team.slug}/lint" if row.team else "/admin/lint"


def _team(metadata: Mapping[str, Any], actor: User) -> Team | None:
    return own_team(actor, metadata["team"]) if "team" in metadata else None
