"""The names of what a role in a team may allow; `teams.permissions` says what they mean."""

from __future__ import annotations

from typing import Literal, get_args

TeamPermission = Literal[
    "team.view", "costs.view",
    "apis.design", "prompts.edit", "applications.manage", "keys.manage",
    "apis.review", "apis.publish", "apis.manage", "plans.manage", "subscriptions.decide", "costs.callers",
    "apis.waive", "audit.view", "members.manage", "team.manage",
]  # fmt: skip
TEAM_PERMISSIONS: tuple[TeamPermission, ...] = get_args(TeamPermission)
