"""The page /calls/{request_id}: one call explained."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from common.permissions import page
from common.problem_types import PROBLEM_TYPES
from console.pages import render_page
from console.usage.viewer import viewer
from usage.selectors import call_by_id, freshness, unknown_call_sentence


@page("signed_in")
def call(request: HttpRequest, request_id: str) -> HttpResponse:
    """Say in one sentence what became of a call, then show what is known of it."""
    found = call_by_id(request_id, viewer(request))
    if found is None:
        state = freshness()
        context = {"call_id": request_id[:80], "sentence": unknown_call_sentence(state), "freshness": state}
        return render_page(request, "calls/unknown.html", context, status=404)
    context = {
        "call": found,
        "link": f"{settings.GATEHOUSE_CONSOLE_URL}/calls/{found.id}",
        "problem": PROBLEM_TYPES.get(found.code),
        "freshness": None if found.source == "ledger" else freshness(),
    }
    return render_page(request, "calls/detail.html", context)
