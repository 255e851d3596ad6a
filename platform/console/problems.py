"""The public page of each problem type, and their list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from common.errors import NotFound
from common.permissions import page
from common.problem_types import PROBLEM_TYPES
from console.pages import render_page

WHO = {
    "caller": "The caller",
    "owner": "The owner of the API",
    "admin": "A platform admin",
    "operator": "The operator of this installation",
}


@page("public")
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one problem code: what it means, who must act, how to mend it."""
    known = PROBLEM_TYPES.get(code)
    if known is None:
        raise NotFound(f"There is no problem type {code[:60]!r}. The list at /problems has them all.")
    return render_page(request, "problems/detail.html", {"problem": known, "who": WHO[known.who]})


@page("public")
def problems(request: HttpRequest) -> HttpResponse:
    """List all problem types."""
    return render_page(
        request, "problems/list.html", {"problems": sorted(PROBLEM_TYPES.values(), key=lambda p: p.code)}
    )
