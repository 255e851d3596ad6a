"""The gallery: every component in every state, for staff."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse

from common.clock import now
from common.permissions import page
from common.templatetags.gatehouse import STATES
from console.pages import Tab, render_page, sparkline

LONG = (
    "A name of one hundred and twenty characters that somebody really gave to an API "
    "because the form allowed it to be so long"
)


@page("staff")
def gallery(request: HttpRequest) -> HttpResponse:
    """Show all components."""
    moment = now()
    caller = SimpleNamespace(
        application_name=LONG, team_name="Payments", contact_email="", calls=1204, last_call_at=moment
    )
    step = SimpleNamespace
    context = {
        "states": list(STATES),
        "long_name": LONG,
        "tabs": [Tab("Versions", "#", True, 3), Tab("Plans", "#"), Tab("Settings", "#")],
        "crumbs": [("Catalog", "/catalog"), ("Payments", "")],
        "strip": [
            step(state="draft", at=moment - timedelta(days=3), actor="Ada", is_current=False, is_future=False, note=""),
            step(state="published", at=moment, actor="Ada", is_current=True, is_future=False, note=""),
            step(state="deprecated", at=None, actor="", is_current=False, is_future=True, note="needs a successor"),
        ],
        "spark": sparkline([0, 3, 2, 8, 5, 12, 9], "39 calls, up 12 %"),
        "impact": SimpleNamespace(applications=1, calls_30_days=1204, teams=1, rows=[caller]),
        "nothing": SimpleNamespace(applications=0, calls_30_days=0, teams=0, rows=[]),
        "steps": [
            step(title="Sign in", text="", url="", is_done=True, done_at=moment, is_next=False),
            step(title="Create a team", text="One minute.", url="#", is_done=False, done_at=None, is_next=True),
            step(title="Publish an API", text="Paste a document.", url="#", is_done=False, done_at=None, is_next=False),
        ],
        "samples": [
            SimpleNamespace(language="curl", label="curl", code="curl https://example.com"),
            SimpleNamespace(language="python", label="Python", code="import httpx"),
        ],
    }
    return render_page(request, "gallery.html", context)
