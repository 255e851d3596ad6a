"""Kind LintRuleset: a team's own lint rules and how grave each rule is, for its documents or for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import LintRuleset
from apis.services.linting import SEVERITIES, ruleset_for, set_ruleset, set_spectral
from common.errors import Invalid
from manifests.kinds.kind import Kind, Step, team_in, text_hash, text_of
from manifests.schema import one_of
from teams.models import Team, User


class LintRulesetKind(Kind[LintRuleset]):
    """The one ruleset of a team; without a team that of the organisation."""

    name = "LintRuleset"
    identity = ()
    permission = "team.manage"
    optional = ("team",)
    properties = {
        "severities": {"type": "object", "additionalProperties": one_of(*SEVERITIES)},
        "spectral": {
            "description": "A ruleset in Spectral's format: {file: rules.yaml}, its text, or the ruleset itself.",
            "type": ["string", "object"],
        },
    }
    texts = {"spectral": "spectral"}

    def key(self, metadata: Mapping[str, Any]) -> str:
        """Return the team, or that it is everybody's."""
        return str(metadata.get("team", "organisation"))

    def find(self, metadata: Mapping[str, Any], actor: User) -> LintRuleset | None:
        """Return the ruleset, if one was ever set."""
        return LintRuleset.objects.select_related("team").filter(team=team_in(metadata, actor)).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[LintRuleset]:
        """Return the one there is."""
        return LintRuleset.objects.select_related("team").filter(team=team)

    def identify(self, row: LintRuleset) -> dict[str, Any]:
        """Name it by its team."""
        return {"team": row.team.slug} if row.team else {}

    def read(self, row: LintRuleset) -> dict[str, Any]:
        """Return what is set; the rules in Spectral's format by their hash."""
        return {"severities": dict(sorted(row.severities.items())), "spectral": text_hash(row.spectral)}

    def normal(self, spec: dict[str, Any], row: LintRuleset | None) -> dict[str, Any]:
        """Write the rules in Spectral's format as their hash."""
        return {**spec, "spectral": text_hash(text_of(spec["spectral"]))} if "spectral" in spec else spec

    def write_out(self, row: LintRuleset) -> dict[str, Any]:
        """Return the spec with the rules as they were written."""
        return {name: row.spectral if name == "spectral" else value for name, value in super().write_out(row).items()}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Set it; documents are scored anew afterwards."""
        self._set(team_in(metadata, step.actor), spec, spec, step)

    def update(self, row: LintRuleset, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Set it anew."""
        self._set(row.team, spec, changed, step)

    def _set(self, team: Team | None, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Set the rules before their severities, which may be about them."""
        if "spectral" in changed:
            source = text_of(spec["spectral"])
            try:
                before = set(ruleset_for(team).custom)
                set_spectral(team=team, source=source, actor=step.actor)
            except Invalid as error:
                raise Invalid(error.detail, errors=[{**one, "pointer": "/spectral"} for one in error.errors]) from error
            _tell_rules(before, set(ruleset_for(team).custom), step)
        if "severities" in changed:
            set_ruleset(team=team, severities=spec["severities"], actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give it a file in its team's folder."""
        return f"{metadata.get('team', 'platform')}/lint.yaml"

    def url(self, row: LintRuleset) -> str:
        """Return the page of the rules."""
        return f"/teams/{row.team.slug}/lint" if row.team else "/admin/lint"


def _tell_rules(before: set[str], after: set[str], step: Step) -> None:
    """Name the rules that come and go: the plan shows of the text a hash alone."""
    for word, codes in (("added", after - before), ("taken away", before - after)):
        if codes:
            step.notes.append(f"Rules {word}: {', '.join(sorted(codes))}.")
