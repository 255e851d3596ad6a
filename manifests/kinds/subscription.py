"""Kind Subscription: an application's use of a version under a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import ApiVersion, Plan, Subscription
from apis.selectors import version_for
from apis.services.subscriptions import (
    OVER,
    change_plan,
    end_subscription,
    live_subscription,
    resume_subscription,
    subscribe,
    suspend_subscription,
)
from common.errors import Conflict, Invalid
from common.identifiers import propose_slug
from manifests.kinds.application import ApplicationKind
from manifests.kinds.kind import Kind, Step
from manifests.schema import TEXT, TRUTH, one_of
from teams.models import Application, Team, User


class SubscriptionKind(Kind[Subscription]):
    """A subscription that is not over; `api` is written as team/api."""

    name = "Subscription"
    identity = ("team", "application", "api", "version")
    permission = "applications.manage"
    properties = {
        "plan": TEXT,
        "state": one_of("active", "suspended"),
        "reason": TEXT,
        "accepts_terms": TRUTH,
    }
    required = ("plan",)
    write_only = frozenset({"reason", "accepts_terms"})
    removal = "end"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Subscription | None:
        """Return the living subscription of an application to a version."""
        return live_subscription(self._application(metadata, actor), self._version(metadata, actor))

    def rows(self, team: Team | None, actor: User) -> Iterable[Subscription]:
        """Return the living subscriptions of a team's applications."""
        if team is None:
            return []
        rows = Subscription.objects.filter(application__team=team).exclude(state__in=OVER)
        rows = rows.select_related("application__team", "version__api__team", "plan", "wanted_plan")
        return rows.order_by("application__name", "version__api__team__slug", "version__api__slug", "version__name")

    def identify(self, row: Subscription) -> dict[str, Any]:
        """Name it by both its ends."""
        return {
            "team": row.application.team.slug,
            "application": row.application.name,
            "api": f"{row.version.api.team.slug}/{row.version.api.slug}",
            "version": row.version.name,
        }

    def read(self, row: Subscription) -> dict[str, Any]:
        """Return its plan, the one asked for where it is to change, and whether it is suspended."""
        state = "suspended" if row.state == Subscription.State.SUSPENDED else "active"
        return {"plan": (row.wanted_plan or row.plan).slug, "state": state}

    def more(self, row: Subscription) -> dict[str, Any]:
        """Tell what waits for approval from what counts."""
        return {"state": row.state, "plan": row.plan.slug}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Subscribe, or ask to."""
        version = self._version(metadata, step.actor)
        subscription = subscribe(
            application=self._application(metadata, step.actor), version=version, plan=_plan(version, spec["plan"]),
            actor=step.actor, accepts_terms=spec.get("accepts_terms", False),
        )  # fmt: skip
        if spec.get("state") == "suspended":
            suspend_subscription(subscription=subscription, actor=step.actor, reason=spec.get("reason", ""))
        _tell_waiting(subscription, step)

    def update(self, row: Subscription, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Move it to another plan, pause it, or let it go on."""
        if "state" in changed and spec["state"] == "active":
            resume_subscription(subscription=row, actor=step.actor)
        if "plan" in changed:
            plan, accepts = _plan(row.version, spec["plan"]), spec.get("accepts_terms", False)
            change_plan(subscription=row, plan=plan, actor=step.actor, accepts_terms=accepts)
        if "state" in changed and spec["state"] == "suspended":
            suspend_subscription(subscription=row, actor=step.actor, reason=spec.get("reason", ""))
        _tell_waiting(row, step)

    def remove(self, row: Subscription, step: Step) -> None:
        """End it: its keys are refused on this version within a second."""
        end_subscription(subscription=row, actor=step.actor, reason="No manifest names it any more.")

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep it with its application."""
        return f"{metadata['team']}/applications/{propose_slug(metadata['application'], fallback='application')}.yaml"

    def url(self, row: Subscription) -> str:
        """Return the page of the application's subscriptions."""
        return f"/applications/{row.application.public_id}/subscriptions"

    @staticmethod
    def _application(metadata: Mapping[str, Any], actor: User) -> Application:
        found = ApplicationKind().find({"team": metadata["team"], "name": metadata["application"]}, actor)
        if found is None:
            detail = f"There is no application {metadata['application']!r} of {metadata['team']}."
            raise Conflict(f"{detail} Its own manifest, of kind Application, comes first.", code="not-found")
        return found

    @staticmethod
    def _version(metadata: Mapping[str, Any], actor: User) -> ApiVersion:
        team, _, api = str(metadata["api"]).partition("/")
        return version_for(actor, team, api, metadata["version"])


def _plan(version: ApiVersion, slug: str) -> Plan:
    plan = version.api.plans.filter(slug=slug).first()
    if plan is None:
        known = ", ".join(version.api.plans.filter(is_open=True).values_list("slug", flat=True)) or "none"
        detail = f"{version.api} has no plan {slug!r}. Open to subscriptions: {known}."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/plan"}])
    return plan


def _tell_waiting(row: Subscription, step: Step) -> None:
    if row.state in ("pending", "change_pending"):
        who = row.version.api.team
        until = f" until {row.decide_by:%-d %B %Y}" if row.decide_by else ""
        step.waiting = f"{who} has to approve it{until}."
