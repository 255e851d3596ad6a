"""Pages that explain what other pages name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apis.diff import LEVELS, RULES
from apis.lint import RULES as RULES_OF_LINT
from common.permissions import page
from console.pages import render_page
from teams.event_types import EVENT_TYPES


@page("public")
def changes(request: HttpRequest) -> HttpResponse:
    """List every change that the diff finds, with what it means for callers."""
    rules = sorted(RULES.items(), key=lambda rule: (LEVELS.index(rule[1][0]), rule[0]))
    rows = [(code, level, text) for code, (level, text) in rules]
    return render_page(request, "help/changes.html", {"rows": rows})


@page("public")
def lint(request: HttpRequest) -> HttpResponse:
    """List every lint rule with what it is for."""
    return render_page(request, "help/lint.html", {"rules": RULES_OF_LINT.values()})


@page("public")
def events(request: HttpRequest) -> HttpResponse:
    """List every type of event, and how a webhook's receiver checks that it is ours."""
    return render_page(request, "help/events.html", {"rows": EVENT_TYPES})
