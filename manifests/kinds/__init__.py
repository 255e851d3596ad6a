"""Every kind of manifest, in the order in which objects need each other. A further one is one file and one row."""

from __future__ import annotations

from typing import Any

from manifests.kinds.api import ApiKind
from manifests.kinds.api_version import ApiVersionKind
from manifests.kinds.application import ApplicationKind
from manifests.kinds.kind import Kind, Step
from manifests.kinds.plan import PlanKind
from manifests.kinds.subscription import SubscriptionKind
from manifests.kinds.team import TeamKind

__all__ = ["KINDS", "Kind", "Step"]

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        TeamKind(),
        ApplicationKind(),
        ApiKind(),
        PlanKind(),
        ApiVersionKind(),
        SubscriptionKind(),
    )
}
