"""Pages of transfers: what moves, what stays, what changes, then one button."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import Api, Transfer
from apis.selectors.transfers import api_cargo, application_cargo, transfer_for
from apis.services.transfers import accept_transfer, propose_transfer, refuse_transfer, withdraw_transfer
from common.clock import now
from common.permissions import page
from console.applications.views import head_of as application_head
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.workspace.api import head_of as api_head
from console.workspace.api import my_api
from teams.models import Application, Team, User
from teams.roles import has_permission, require_permission
from teams.selectors import application_for


class OfferForm(GatehouseForm):
    """To whom, under which name, and why."""

    team = forms.ModelChoiceField(Team.objects.none(), empty_label="Choose a team")
    new_name = forms.CharField(max_length=120, required=False)
    message = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="Its owners read it."
    )

    def __init__(self, subject: Api | Application, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.exclude(pk=subject.team_id)  # type: ignore[attr-defined]
        _word_name(self.fields["new_name"], subject)


class AcceptForm(GatehouseForm):
    """Under which name it is taken over."""

    new_name = forms.CharField(max_length=120, required=False)

    def __init__(self, subject: Api | Application, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word_name(self.fields["new_name"], subject)


def _word_name(field: Any, subject: Api | Application) -> None:
    is_api = isinstance(subject, Api)
    field.label = "Slug in the other team" if is_api else "Name in the other team"
    field.help_text = f"Empty keeps {subject.slug if isinstance(subject, Api) else subject.name}."


@page("team.manage", methods=("GET", "HEAD", "POST"))
def offer_api(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Say what moves with an API, then offer it."""
    found = my_api(request, team, api)
    return _offer(request, found, api_head(request, found, "settings"), f"/workspace/{team}/{api}/settings")


@page("team.manage", methods=("GET", "HEAD", "POST"))
def offer_application(request: HttpRequest, app: str) -> HttpResponse:
    """Say what moves with an application, then offer it."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    return _offer(request, found, application_head(request, found, "settings"), f"/applications/{app}/settings")


def _offer(request: HttpRequest, subject: Api | Application, head: dict[str, Any], back: str) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    require_permission(actor=user, team=subject.team, permission="team.manage", what=f"transfer {subject}")
    waiting = subject.transfers.filter(state="pending", expires_at__gt=now()).first()
    if waiting is not None and request.method != "POST":
        return HttpResponseRedirect(f"/transfers/{waiting.public_id}")
    form = OfferForm(subject, request.POST or None)

    def send() -> str:
        data = form.cleaned_data
        made = propose_transfer(
            subject=subject, to_team=data["team"], actor=user, new_name=data["new_name"], message=data["message"]
        )
        if made.state == Transfer.State.ACCEPTED:
            messages.success(request, f"{made.subject} belongs to {made.to_team} now.")
        else:
            messages.success(request, f"The owners of {made.to_team} are asked. Nothing moves until one accepts.")
        return f"/transfers/{made.public_id}"

    if request.method == "POST" and (done := run_form(request, form, send)):
        return done
    context = {**head, "form": form, "subject": subject, "back": back, "giver": subject.team, **_cargo(subject)}
    return render_page(request, "transfers/offer.html", context, status=422 if form.errors else 200)


def _cargo(subject: Api | Application, team: Team | None = None) -> dict[str, Any]:
    if isinstance(subject, Api):
        return {"is_api": True, "cargo": api_cargo(subject)}
    return {"is_api": False, "cargo": application_cargo(subject, team)}


@page("team.view", methods=("GET", "HEAD", "POST"))
def transfer(request: HttpRequest, transfer: str) -> HttpResponse:
    """Show a transfer to both teams; an owner of the receiving one accepts it."""
    user: User = request.user  # type: ignore[assignment]
    found = transfer_for(user, transfer)
    form = AcceptForm(found.subject, request.POST or None, initial={"new_name": found.new_name})

    def accept() -> str:
        moved = accept_transfer(transfer=found, actor=user, new_name=form.cleaned_data["new_name"]).subject
        messages.success(request, f"{moved} belongs to {found.to_team} now.")
        if isinstance(moved, Api):
            return f"/workspace/{moved.team.slug}/{moved.slug}"
        return f"/applications/{moved.public_id}"

    if request.method == "POST" and (done := run_form(request, form, accept)):
        return done
    is_open = found.state == Transfer.State.PENDING and found.expires_at > now()
    context = {
        "transfer": found, "subject": found.subject, "form": form, "is_open": is_open, "giver": found.from_team,
        "can_answer": is_open and has_permission(user, found.to_team, "team.manage"),
        "can_withdraw": is_open and has_permission(user, found.from_team, "team.manage"),
        **(_cargo(found.subject, found.to_team) if is_open else {}),
    }  # fmt: skip
    return render_page(request, "transfers/transfer.html", context, status=422 if form.errors else 200)


@page("team.manage", methods=("POST",))
def refuse(request: HttpRequest, transfer: str) -> HttpResponse:
    """Refuse an offer with a reason."""
    found = transfer_for(request.user, transfer)  # type: ignore[arg-type]
    refuse_transfer(transfer=found, actor=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    messages.success(request, f"{found.from_team} is told why. {found.subject} stays theirs.")
    return HttpResponseRedirect(f"/transfers/{found.public_id}")


@page("team.manage", methods=("POST",))
def withdraw(request: HttpRequest, transfer: str) -> HttpResponse:
    """Take an offer back."""
    found = transfer_for(request.user, transfer)  # type: ignore[arg-type]
    withdraw_transfer(transfer=found, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, f"The offer is taken back. {found.subject} stays with {found.from_team}.")
    return HttpResponseRedirect(f"/transfers/{found.public_id}")
