"""What is asked of usage. Numbers come from rollups; one call's detail comes from the ledger."""

from usage.selectors.callers import callers_of, last_used
from usage.selectors.calls import CallExplanation, call_by_id
from usage.selectors.freshness import Freshness, freshness
from usage.selectors.money import report_for, reports_for, team_costs
from usage.selectors.scopes import scope_for
from usage.selectors.summaries import api_usage, application_usage, summary, top, totals, version_usage
from usage.selectors.values import Numbers, Point, Scope, TopRow, UsageSummary

__all__ = [
    "CallExplanation",
    "Freshness",
    "Numbers",
    "Point",
    "Scope",
    "TopRow",
    "UsageSummary",
    "api_usage",
    "application_usage",
    "call_by_id",
    "callers_of",
    "freshness",
    "last_used",
    "report_for",
    "reports_for",
    "scope_for",
    "summary",
    "team_costs",
    "top",
    "totals",
    "version_usage",
]
