"""What is asked of usage. Numbers come from rollups; one call's detail comes from the ledger."""

from usage.selectors.budgets import Spent, spent_since
from usage.selectors.callers import (
    caller_counts,
    callers_of,
    callers_of_operations,
    calls_of_api,
    daily_callers,
    last_used,
)
from usage.selectors.calls import CallExplanation, call_by_id
from usage.selectors.dependencies import DependencyFilters, dependencies_for
from usage.selectors.freshness import Freshness, freshness, freshness_of
from usage.selectors.money import report_for, reports_for, team_costs
from usage.selectors.scopes import scope_for
from usage.selectors.service_levels import ServiceLevel, measured_level
from usage.selectors.summaries import api_usage, application_usage, floor, summary, top, totals, version_usage
from usage.selectors.unknown_call import unknown_call_sentence
from usage.selectors.values import Numbers, Point, Scope, TopRow, UsageSummary
from usage.selectors.visibility import Sight, sight_of

__all__ = [
    "CallExplanation",
    "DependencyFilters",
    "Freshness",
    "Numbers",
    "Point",
    "Scope",
    "ServiceLevel",
    "Sight",
    "Spent",
    "TopRow",
    "UsageSummary",
    "api_usage",
    "application_usage",
    "call_by_id",
    "caller_counts",
    "callers_of",
    "callers_of_operations",
    "calls_of_api",
    "daily_callers",
    "dependencies_for",
    "floor",
    "freshness",
    "freshness_of",
    "last_used",
    "measured_level",
    "report_for",
    "reports_for",
    "scope_for",
    "sight_of",
    "spent_since",
    "summary",
    "team_costs",
    "top",
    "totals",
    "unknown_call_sentence",
    "version_usage",
]
