"""Kind Plan: a way to use an API, with its limits, terms and approval."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import Plan
from apis.services.plans import CHANGEABLE, create_plan, update_plan
from manifests.kinds.api import own_api
from manifests.kinds.kind import Kind, Step, given
from manifests.schema import TEXT, TRUTH, WORDS, one_of, whole_number
from teams.models import Team, User


class PlanKind(Kind[Plan]):
    """A plan of an API."""

    name = "Plan"
    identity = ("team", "api", "slug")
    properties = {
        "name": TEXT,
        "description": TEXT,
        "limits": {"type": "array", "items": {"type": "object"}, "description": "As docs/limits.md says."},
        "limits_elsewhere": {
            "type": ["array", "null"],
            "items": {"type": "object"},
            "description": "In other environments than production; without it they are the same.",
        },
        "requires_approval": TRUTH,
        "approval_steps": WORDS,
        "decide_within_days": whole_number(1, 365),
        "terms": TEXT,
        "is_open": TRUTH,
        "on_store_error": one_of(*Plan.StoreError.values),
        "unknown_price": one_of(*Plan.UnknownPrice.values),
        "allowed_models": WORDS,
    }
    removal = "close"
    permission = "plans.manage"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Plan | None:
        """Return an API's plan."""
        api = own_api(actor, metadata["team"], metadata["api"])
        return api.plans.select_related("api__team").filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Plan]:
        """Return the plans of a team's APIs."""
        plans = Plan.objects.filter(api__team=team).select_related("api__team")
        return plans.order_by("api__slug", "slug") if team else []

    def identify(self, row: Plan) -> dict[str, Any]:
        """Name it by its API and slug."""
        return {"team": row.api.team.slug, "api": row.api.slug, "slug": row.slug}

    def read(self, row: Plan) -> dict[str, Any]:
        """Return the plan."""
        return {name: getattr(row, name) for name in CHANGEABLE}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add the plan."""
        fields = {"name": metadata["slug"], "limits": [], **given(spec, CHANGEABLE)}
        api = own_api(step.actor, metadata["team"], metadata["api"])
        create_plan(api=api, slug=metadata["slug"], actor=step.actor, **fields)

    def update(self, row: Plan, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change the plan; its subscribers have the new limits within a second."""
        count = row.subscriptions.filter(state__in=["active", "change_pending", "suspended"]).count()
        if count and "limits" in changed:
            step.notes.append(
                f"{count} subscription{' gets' if count == 1 else 's get'} the new limits within a second."
            )
        update_plan(plan=row, actor=step.actor, **given(spec, changed))

    def remove(self, row: Plan, step: Step) -> None:
        """Close it to new subscriptions: those who are under it stay."""
        update_plan(plan=row, actor=step.actor, is_open=False)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep it with its API."""
        return f"{metadata['team']}/apis/{metadata['api']}.yaml"

    def url(self, row: Plan) -> str:
        """Return the page of the API's plans."""
        return f"/workspace/{row.api.team.slug}/{row.api.slug}/plans"
