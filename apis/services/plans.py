"""Plans: create and change."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apis.limits import parse_limits
from apis.models import Api, Plan
from apis.signals import plan_changed
from common.errors import Conflict, Invalid, Stale
from common.identifiers import propose_slug
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

CHANGEABLE = (
    "name",
    "description",
    "limits",
    "limits_elsewhere",
    "requires_approval",
    "approval_steps",
    "decide_within_days",
    "terms",
    "is_open",
    "on_store_error",
    "unknown_price",
    "allowed_models",
)


MOST_STEPS = 5


def create_plan(
    *, api: Api, name: str, limits: list[dict[str, Any]], actor: User, slug: str | None = None, **fields: Any
) -> Plan:
    """Add a plan to an API; without a slug it comes from its name.

    `fields` are description, requires_approval, is_open, on_store_error and so on.
    """
    require_permission(actor=actor, team=api.team, permission="plans.manage", what="add a plan")
    return write_plan(api=api, name=name, limits=limits, actor=actor, slug=slug, **fields)


def update_plan(*, plan: Plan, actor: User, **changes: Any) -> Plan:
    """Change a plan; its subscribers have the new limits within a second. Raise Stale on a row changed meanwhile."""
    require_permission(actor=actor, team=plan.api.team, permission="plans.manage", what="change this plan")
    _refuse_unknown(changes)
    before = _values(plan)
    for name, value in changes.items():
        setattr(plan, name, value)
    _check(plan)
    with transaction.atomic():
        seen, plan.row_version = plan.row_version, plan.row_version + 1
        if Plan.objects.filter(pk=plan.pk, row_version=seen).update(row_version=seen + 1) != 1:
            raise Stale("Somebody changed this plan meanwhile. Read it again and repeat the change.")
        plan.save()
        record_audit(
            actor=actor, verb="plan.update", target=plan, team=plan.api.team, before=before, after=_values(plan)
        )
        plan_changed.send(sender=Plan, plan=plan)
    return plan


def write_plan(
    *, api: Api, name: str, limits: list[dict[str, Any]], actor: User | None, slug: str | None = None, **fields: Any
) -> Plan:
    """Write a new plan without asking for a role: for services that have asked already."""
    _refuse_unknown(fields)
    slug = slug or propose_slug(name, fallback="plan")
    if api.plans.filter(slug=slug).exists():
        raise Conflict(f"{api.name} has a plan called {name} already.", code="name-taken")
    plan = Plan(api=api, slug=slug, name=name.strip(), limits=limits, **fields)
    _check(plan)
    with transaction.atomic():
        plan.save()
        record_audit(actor=actor, verb="plan.create", target=plan, team=api.team, after=_values(plan))
        plan_changed.send(sender=Plan, plan=plan)
    return plan


def _refuse_unknown(fields: dict[str, Any]) -> None:
    if unknown := set(fields) - set(CHANGEABLE):
        raise Invalid(f"{', '.join(sorted(unknown))} cannot be set on a plan.")


def _check(plan: Plan) -> None:
    parse_limits(plan.limits)
    if plan.limits_elsewhere is not None:
        parse_limits(plan.limits_elsewhere, "limits_elsewhere")
    steps = plan.approval_steps
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS or not set(steps) <= {"publisher", "owner"}:
        detail = f"Approval has one to {MOST_STEPS} steps, each of publisher or owner."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/approval_steps"}])
    models = plan.allowed_models
    if not isinstance(models, list) or not all(isinstance(item, str) and item for item in models):
        detail = "The allowed models are a list of model names; an empty list allows all."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/allowed_models"}])
    plan.full_clean(validate_unique=False, validate_constraints=False)


def _values(plan: Plan) -> dict[str, Any]:
    return {"slug": plan.slug, **{name: getattr(plan, name) for name in CHANGEABLE}}
