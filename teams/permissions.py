"""What a member of a team may do, as a fixed list, and the four built-in roles as sets of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.permission_names import TEAM_PERMISSIONS, TeamPermission


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a role may allow: its name, its words, and the first built-in role that has it."""

    name: TeamPermission
    label: str
    text: str
    first_role: str


CATALOGUE: tuple[Permission, ...] = (
    Permission("team.view", "See the team", "See its people, APIs in every state, applications and calls.", "viewer"),
    Permission("costs.view", "See its costs", "See what its applications spend, and its cost reports.", "viewer"),
    Permission(
        "apis.design", "Design APIs", "Create APIs and versions, edit, comment on and send in designs.", "developer"
    ),
    Permission("prompts.edit", "Edit prompts", "Create, edit and run prompt templates.", "developer"),
    Permission(
        "applications.manage", "Manage applications", "Create applications, subscribe them, ask for access.",
        "developer",
    ),
    Permission("keys.manage", "Manage keys", "Create, rotate and revoke keys, and try calls.", "developer"),
    Permission("apis.review", "Review designs", "Approve revisions or ask for changes; never one's own.", "publisher"),
    Permission(
        "apis.publish", "Publish APIs",
        "Publish, deploy, deprecate, block and retire versions, roll back, write to callers.", "publisher",
    ),
    Permission(
        "apis.manage", "Manage APIs", "Change what an API says of itself, who sees it, its collections; delete drafts.",
        "publisher",
    ),
    Permission("plans.manage", "Manage plans", "Create and change the plans of APIs.", "publisher"),
    Permission(
        "subscriptions.decide", "Decide on subscriptions", "Approve, refuse, suspend and end subscriptions to APIs.",
        "publisher",
    ),
    Permission(
        "costs.callers", "See callers' costs", "See what others' calls of the team's APIs cost.", "publisher"
    ),
    Permission("apis.waive", "Waive rules", "Let a lint finding or a breaking change stand, with a reason.", "owner"),
    Permission("audit.view", "Read the audit log", "See who changed what in the team.", "owner"),
    Permission("members.manage", "Manage members", "Invite and remove people, change roles, make roles.", "owner"),
    Permission(
        "team.manage", "Manage the team",
        "Change settings, lint rules, webhooks and sub-teams; give APIs away and take them over.", "owner",
    ),
)  # fmt: skip
BY_NAME = {permission.name: permission for permission in CATALOGUE}
ROLES = ("viewer", "developer", "publisher", "owner")
EVERYTHING: frozenset[str] = frozenset(TEAM_PERMISSIONS)
# The built-in roles: each has what the ones before it have.
BUILT_IN: dict[str, frozenset[str]] = {
    role: frozenset(
        permission.name for permission in CATALOGUE if permission.first_role in ROLES[: ROLES.index(role) + 1]
    )
    for role in ROLES
}
# What an auditor may in every team: see.
AUDITOR: frozenset[str] = BUILT_IN["viewer"] | {"audit.view", "costs.callers"}


def by_rule(rule: str, permission: TeamPermission) -> TeamPermission:
    """Return what a rule asks for: `owner` those who manage the team, else those who have the permission."""
    return "team.manage" if rule == "owner" else permission


def roles_with(permission: str) -> list[str]:
    """Return the built-in roles that have a permission, the least first."""
    return [role for role in ROLES if permission in BUILT_IN[role]]


def labels_of(permissions: Iterable[str]) -> str:
    """Say what permissions allow, such as: see the team, design APIs."""
    labels = [permission.label for permission in CATALOGUE if permission.name in set(permissions)]
    return ", ".join(label[0].lower() + label[1:] for label in labels)


def in_order(permissions: Iterable[str]) -> list[str]:
    """Return permissions in the order of the catalogue."""
    given = set(permissions)
    return [permission.name for permission in CATALOGUE if permission.name in given]
