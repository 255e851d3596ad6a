"""Writes the changelog when a lower app says that something changed; a failure here rolls the change back."""

from __future__ import annotations

from typing import Any

from apis.models import ApiVersion, Plan, Subscription
from apis.signals import plan_changed, subscription_changed, version_changed
from gateway.control import compiler
from gateway.control.changelog import record_change, record_changes
from providers.models import Model, ModelAlias, Provider, ProviderKey
from providers.signals import alias_changed, model_changed, provider_changed, provider_key_changed
from teams.models import Application, Credential
from teams.signals import application_changed, credential_changed


def connect() -> None:
    """Connect all receivers; called once, from apps.py."""
    version_changed.connect(_on_version)
    plan_changed.connect(_on_plan)
    subscription_changed.connect(_on_subscription)
    credential_changed.connect(_on_credential)
    application_changed.connect(_on_application)
    provider_changed.connect(_on_provider)
    provider_key_changed.connect(_on_provider_key)
    model_changed.connect(_on_model)
    alias_changed.connect(_on_alias)


def _on_version(version: ApiVersion, **_: Any) -> None:
    # As it stands now, and nobody changes it until this is committed: the newest row always tells the truth.
    now = ApiVersion.objects.select_for_update(of=("self",), no_key=True).select_related("api__team", "successor__api")
    record_changes(compiler.compile_version(now.get(pk=version.pk)))


def _on_plan(plan: Plan, **_: Any) -> None:
    record_change("plan", plan.public_id, compiler.compile_plan(plan))


def _on_subscription(subscription: Subscription, **_: Any) -> None:
    record_change("subscription", subscription.public_id, compiler.compile_subscription(subscription))


def _on_credential(credential: Credential, **_: Any) -> None:
    record_change("credential", credential.public_id, compiler.compile_credential(credential))


def _on_application(application: Application, **_: Any) -> None:
    rows = Subscription.objects.filter(application=application).select_related("application__team", "version", "plan")
    record_changes(("subscription", row.public_id, compiler.compile_subscription(row)) for row in rows)


def _on_provider(provider: Provider, **_: Any) -> None:
    record_change("provider", provider.slug, compiler.compile_provider(provider))
    for model in provider.models.select_related("provider"):
        record_changes(compiler.compile_model(model))


def _on_provider_key(key: ProviderKey, **_: Any) -> None:
    record_change("provider_key", key.public_id, compiler.compile_provider_key(key))


def _on_model(model: Model, **_: Any) -> None:
    record_changes(compiler.compile_model(model))


def _on_alias(alias: ModelAlias, is_deleted: bool = False, **_: Any) -> None:
    record_change("alias", alias.name, None if is_deleted else compiler.compile_alias(alias))
