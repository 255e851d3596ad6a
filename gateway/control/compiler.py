"""Rows to changelog records: what a gateway must know of versions, plans, subscriptions, keys, providers, prompts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings

from apis import ports
from apis.gateway_settings import route_fields
from apis.gateway_settings.sealing import open_key
from apis.gateway_settings.upstream import upstream_fields
from apis.lifecycle import MIRRORED
from apis.limits import parse_limits
from apis.models import Api, ApiVersion, Deployment, Plan, Revision, Subscription
from apis.selectors.visibility import OPEN
from common.sealed import sealer
from gateway.control import beside
from gateway.control.changelog import Entry
from gateway.dataplane.records import (
    AliasRecord,
    CredentialRecord,
    ModelRecord,
    OperationRecord,
    ParameterRecord,
    PlanRecord,
    PromptRecord,
    ProviderKeyRecord,
    ProviderRecord,
    RouteRecord,
    SubscriptionRecord,
    UpstreamRecord,
)
from prompts.models import PromptVersion
from providers.models import Model, ModelAlias, Provider, ProviderKey
from providers.pricebook import price_of
from teams.models import Credential, Team
from teams.roles import within

# The states in which a version has a route; a retired one answers 410, an archived or draft one is not there.
ROUTED = frozenset({"preview", "published", "deprecated", "retired"})
ENDED = frozenset({"ended", "rejected", "cancelled"})


def seconds(moment: datetime | None) -> float | None:
    """Return epoch seconds."""
    return None if moment is None else moment.timestamp()


def compile_version(version: ApiVersion) -> Iterator[Entry]:
    """Yield a version's route, upstream and prompt, and what is served beside it; all deleted when it has none."""
    yield from _compile_current(version)
    yield from beside.compile_beside(version)


def _compile_current(version: ApiVersion) -> Iterator[Entry]:
    deployment = (
        Deployment.objects.select_related("revision", "environment")
        .filter(version=version, environment__slug="production")
        .first()
    )
    if version.state not in ROUTED or deployment is None:
        yield "route", version.public_id, None
        yield "upstream", version.public_id, None
        return
    revision = deployment.revision
    prompt = ports.prompt_of(revision) if ports.prompt_of and version.api.kind == Api.Kind.PROMPT else ""
    if version.api.kind == Api.Kind.REST:
        yield "upstream", version.public_id, compile_upstream(revision)
    elif prompt:
        yield "prompt", prompt, compile_prompt(PromptVersion.objects.get(public_id=prompt))
    yield "route", version.public_id, compile_route(version, revision, prompt)


def compile_upstream(revision: Revision, base_url: str = "") -> UpstreamRecord:
    """Return where a revision's calls go; `base_url` stands for its own address and targets."""
    block = revision.gateway.get("upstream", {})
    key = open_key(block.get("tls", {}).get("key", ""))
    fields: dict[str, Any] = {
        "base_url": (base_url or revision.upstream_url).rstrip("/"),
        "connect_seconds": revision.connect_timeout_seconds,
        "first_byte_seconds": revision.total_timeout_seconds,
        "between_chunks_seconds": revision.total_timeout_seconds,
        "total_seconds": revision.total_timeout_seconds,
        "max_body_bytes": revision.max_body_bytes,
        **upstream_fields(block, key=key),
    }
    if base_url:
        fields["targets"] = ()
    return UpstreamRecord(**fields)


def compile_route(version: ApiVersion, revision: Revision, prompt: str = "", **fields: Any) -> RouteRecord:
    """Return how a version is served with a revision; `fields` say what it is beside."""
    api, successor = version.api, version.successor
    teams: tuple[str, ...] = ()
    if version.state in MIRRORED:
        # Deployed elsewhere before its publication: it is its owners' alone.
        teams = (api.team.public_id,)
    elif version.state == ApiVersion.State.PREVIEW:
        listed = version.preview_applications.values_list("team__public_id", flat=True)
        teams = (api.team.public_id, *sorted(set(listed)))
    elif api.visibility not in OPEN:
        shown = Team.objects.none()
        if api.visibility == Api.Visibility.SHARED:
            shown = Team.objects.filter(within(api.shares.values("team")))
        teams = (api.team.public_id, *sorted(shown.values_list("public_id", flat=True)))
    return RouteRecord(
        version_id=version.public_id,
        api_id=api.public_id,
        api_name=api.name,
        version=version.name,
        kind=api.kind,
        state=version.state,
        base_path=api.base_path,
        owner_team_id=api.team.public_id,
        visibility="teams" if teams else "everyone",
        team_ids=teams,
        is_blocked=version.is_blocked,
        blocked_reason=version.blocked_reason,
        blocked_until=seconds(version.blocked_until),
        brownouts=_brownouts(version),
        operations=tuple(
            OperationRecord(row.operation_id, row.method, row.path, row.is_deprecated)
            for row in revision.operations.order_by("position")
        ),
        prompt=prompt,
        deprecated_at=seconds(version.deprecated_at),
        sunset_at=seconds(version.sunset_at),
        retired_at=seconds(version.retired_at),
        successor_path=f"{successor.api.base_path}/{successor.name}" if successor else "",
        docs_url=f"{settings.GATEHOUSE_CONSOLE_URL}/catalog/{api.team.slug}/{api.slug}/{version.name}",
        policy_ref=version.policy_ref or "",
        revision=revision.number,
        **route_fields(revision.gateway if api.kind == Api.Kind.REST else {}),
        **fields,
    )


def _brownouts(version: ApiVersion) -> tuple[tuple[float, float], ...]:
    if version.state != ApiVersion.State.DEPRECATED:
        return ()
    return tuple(
        (start.timestamp(), end.timestamp())
        for start, end in version.brownouts.order_by("starts_at").values_list("starts_at", "ends_at")
    )


def compile_plan(plan: Plan) -> PlanRecord:
    """Return a plan's record."""
    return PlanRecord(
        name=plan.name,
        limits=parse_limits(plan.limits),
        limits_elsewhere=None if plan.limits_elsewhere is None else parse_limits(plan.limits_elsewhere),
        on_store_error=plan.on_store_error,
        unknown_price=plan.unknown_price,
        policy_ref=plan.policy_ref or f"{plan.slug}@{plan.row_version}",
        allowed_models=tuple(plan.allowed_models),
    )


def compile_subscription(subscription: Subscription) -> SubscriptionRecord:
    """Return a subscription's record; rejected and cancelled ones are ended."""
    application = subscription.application
    return SubscriptionRecord(
        application_id=application.public_id,
        application_name=application.name,
        team_id=application.team.public_id,
        version_id=subscription.version.public_id,
        plan_id=subscription.plan.public_id,
        state="ended" if subscription.state in ENDED else subscription.state,
        starts_at=seconds(subscription.started_at),
        ends_at=seconds(subscription.ended_at),
    )


def compile_credential(credential: Credential) -> CredentialRecord:
    """Return a key's record: its keyed hash and the times that bound it."""
    return CredentialRecord(
        hash=credential.key_hash,
        application_id=credential.application.public_id,
        team_id=credential.application.team.public_id,
        environment=credential.environment,
        pepper_id=credential.pepper_id,
        hint=credential.hint,
        expires_at=seconds(credential.expires_at),
        revoked_at=seconds(credential.revoked_at),
        disabled_at=seconds(credential.disabled_at),
    )


def compile_provider(provider: Provider) -> ProviderRecord:
    """Return a provider's record."""
    return ProviderRecord(
        name=provider.name, wire=provider.wire, base_url=provider.base_url.rstrip("/"), is_active=provider.is_active
    )


def compile_provider_key(key: ProviderKey) -> ProviderKeyRecord:
    """Return a provider key's record with its secret, which the changelog seals again."""
    secret = sealer().open(bytes(key.sealed), context=f"provider_key:{key.public_id}").decode()
    return ProviderKeyRecord(provider=key.provider.slug, secret=secret, is_active=key.is_active)


def compile_model(model: Model) -> Iterator[Entry]:
    """Yield a model's record and its price, deleted when none is known."""
    yield (
        "model",
        model.wire_name,
        ModelRecord(
            provider=model.provider.slug,
            upstream_name=model.name,
            display_name=model.display_name,
            context_tokens=model.context_tokens,
            max_output_tokens=model.max_output_tokens,
            is_active=model.is_active and model.provider.is_active,
        ),
    )
    price = price_of(model)
    yield "price", model.wire_name, None if price is None else price.to_record()


def compile_alias(alias: ModelAlias) -> AliasRecord:
    """Return an alias's record."""
    return AliasRecord(model=alias.model.wire_name)


def compile_prompt(version: PromptVersion) -> PromptRecord:
    """Return a prompt version's program."""
    return PromptRecord(
        model=version.model,
        template=version.text,
        system=version.system,
        parameters=tuple(
            ParameterRecord(
                name=item["name"],
                type=item.get("type", "string"),
                is_required=item.get("is_required", True),
                default=item.get("default"),
                values=tuple(item.get("values") or ()),
            )
            for item in version.parameters
        ),
        output=version.output,
        schema="" if version.schema is None else orjson.dumps(version.schema).decode(),
        temperature=version.temperature,
        max_output_tokens=version.max_output_tokens,
    )
