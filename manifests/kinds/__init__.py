"""Every kind of manifest, in the order in which objects need each other. A further one is one file and one row."""

from __future__ import annotations

from typing import Any

from manifests.kinds.api import ApiKind
from manifests.kinds.api_version import ApiVersionKind
from manifests.kinds.application import ApplicationKind
from manifests.kinds.collection import CollectionKind
from manifests.kinds.environment import EnvironmentKind
from manifests.kinds.kind import Kind, Step
from manifests.kinds.lint_ruleset import LintRulesetKind
from manifests.kinds.membership import MembershipKind
from manifests.kinds.model import ModelKind
from manifests.kinds.model_alias import ModelAliasKind
from manifests.kinds.overlay import OverlayKind
from manifests.kinds.plan import PlanKind
from manifests.kinds.prompt import PromptKind
from manifests.kinds.provider import ProviderKind
from manifests.kinds.role import RoleKind
from manifests.kinds.subscription import SubscriptionKind
from manifests.kinds.team import TeamKind
from manifests.kinds.webhook import WebhookKind

__all__ = ["KINDS", "Kind", "Step"]

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        EnvironmentKind(),
        TeamKind(),
        RoleKind(),
        MembershipKind(),
        LintRulesetKind(),
        WebhookKind(),
        ProviderKind(),
        ModelKind(),
        ModelAliasKind(),
        ApplicationKind(),
        PromptKind(),
        ApiKind(),
        PlanKind(),
        ApiVersionKind(),
        OverlayKind(),
        CollectionKind(),
        SubscriptionKind(),
    )
}
