"""Asking for an API that is not shared with one's team."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.models import AccessRequest
from apis.selectors.access import requestable_apis
from apis.selectors.visibility import NOTHING
from apis.services.access import ask_for_access
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from teams.models import Team, User
from teams.roles import teams_of, teams_with


class AskForm(GatehouseForm):
    """For which team, and why."""

    team = forms.ModelChoiceField(Team.objects.none(), empty_label=None, help_text="Whose applications call it.")
    message = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="What you want it for."
    )

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams_with(user, "applications.manage")  # type: ignore[attr-defined]


@page("signed_in", methods=("GET", "HEAD", "POST"))
def ask(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Ask the owners of an API to share it; of the API no more is told than its name and summary."""
    user: User = request.user  # type: ignore[assignment]
    found = requestable_apis().filter(team__slug=team, slug=api).first()
    if found is None:
        raise NotFound(NOTHING)
    form = AskForm(user, request.POST or None)

    def send() -> str:
        ask_for_access(api=found, actor=user, **form.cleaned_data)
        messages.success(request, f"{found.team} is asked for {found}. You are told when they answer.")
        return "/catalog"

    if request.method == "POST" and (done := run_form(request, form, send)):
        return done
    mine = teams_of(user)
    context = {
        "api": found, "form": form, "crumbs": [("Catalog", "/catalog")],
        "waiting": AccessRequest.objects.filter(api=found, team__in=mine, state="pending").select_related("team"),
        "can_ask": teams_with(user, "applications.manage").exists(),
    }  # fmt: skip
    return render_page(request, "catalog/ask.html", context, status=422 if form.errors else 200)
