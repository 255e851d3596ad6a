"""How grave each lint rule is: a page for a team's owner, one for the organisation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.lint import RULES
from apis.models import LintRuleset
from apis.services.linting import SEVERITIES, ruleset_for, set_ruleset
from common.permissions import page
from console.admin.views import tabs as admin_tabs
from console.pages import render_page
from console.teams.views import head_of
from teams.models import Team, User
from teams.roles import require_permission
from teams.selectors import team_for


@page("team.view", methods=("GET", "HEAD", "POST"))
def team_rules(request: HttpRequest, team: str) -> HttpResponse:
    """Show the rules of a team; its owner changes them."""
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    if request.method == "POST":
        require_permission(actor=user, team=found, permission="team.manage", what="change its lint rules")
        return _save(request, found, f"/teams/{found.slug}/lint")
    head = head_of(request, found, "lint")
    context = {**head, "can_change": "team.manage" in head["may"], **_rows(found), "whose": f"{found.name}'s"}
    return render_page(request, "teams/lint.html", context)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def organisation_rules(request: HttpRequest) -> HttpResponse:
    """Show and change the rules of the organisation."""
    if request.method == "POST":
        return _save(request, None, "/admin/lint")
    tabs = admin_tabs(request.user, "lint")  # type: ignore[arg-type]
    context = {"tabs": tabs, "can_change": True, **_rows(None), "whose": "the organisation's"}
    return render_page(request, "admin/lint.html", context)


def _rows(team: Team | None) -> dict[str, Any]:
    own = LintRuleset.objects.filter(team=team).first()
    above = LintRuleset.objects.filter(team=None).first() if team is not None else None
    chosen = own.severities if own else {}
    inherited = above.severities if above else {}
    return {
        "rows": [(rule, chosen.get(code, ""), inherited.get(code, rule.severity)) for code, rule in RULES.items()],
        "severities": SEVERITIES,
        "ruleset": own,
        "row_version": own.row_version if own else "",
        "changed": len(chosen),
    }


def _save(request: HttpRequest, team: Team | None, url: str) -> HttpResponse:
    given = {code: request.POST.get(code, "") for code in RULES}
    # The page lists the built-in rules; what was said of custom ones stays.
    own = LintRuleset.objects.filter(team=team).first()
    known = ruleset_for(team).rules
    given |= {
        code: said for code, said in (own.severities if own else {}).items() if code in known and code not in RULES
    }
    seen = request.POST.get("row_version", "")
    set_ruleset(
        team=team,
        severities={code: severity for code, severity in given.items() if severity},
        actor=request.user,  # type: ignore[arg-type]
        row_version=int(seen) if seen.isdecimal() else None,
    )
    messages.success(request, "The rules are saved; documents are scored anew in the background.")
    return HttpResponseRedirect(url)
