"""A team's service accounts: what they may do, their tokens, switching them off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from common.clock import now
from common.errors import Invalid
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from console.teams.views import head_of
from teams.models import AccessToken, Membership, Role
from teams.roles import require_permission
from teams.selectors import team_for
from teams.services.service_accounts import (
    ROLES,
    create_service_account,
    create_service_token,
    delete_service_account,
    revoke_service_token,
    rotate_service_token,
    service_account_for,
    service_accounts_of,
    switch_service_account,
    update_service_account,
)


class AccountForm(GatehouseForm):
    """Name and role."""

    name = forms.CharField(max_length=120, help_text="What it is, such as: deploy pipeline.")
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in ROLES], initial=Role.PUBLISHER)


class TokenForm(GatehouseForm):
    """A token that expires."""

    token_name = forms.CharField(label="Name", max_length=120, help_text="Where it is kept, such as: GitHub Actions.")
    days = forms.ChoiceField(
        label="Expires", choices=[("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")], initial="90"
    )


@page("team.manage", methods=("GET", "HEAD", "POST"))
def service_accounts(request: HttpRequest, team: str) -> HttpResponse:
    """List a team's service accounts; add one."""
    user: Any = request.user
    found = team_for(user, team)
    require_permission(actor=user, team=found, permission="team.manage", what="see its service accounts")
    form = AccountForm(request.POST or None)

    def create() -> str:
        row = create_service_account(team=found, actor=user, **form.cleaned_data)
        messages.success(request, f"{row.user} is there. Make its first token.")
        return _address(row)

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    table = Table(request, service_accounts_of(found), columns={"name": "user__name"}, default="name")
    context = {**head_of(request, found, "service-accounts"), "table": table, "form": form}
    return render_page(request, "teams/service_accounts.html", context, status=422 if form.errors else 200)


def _address(row: Membership) -> str:
    return f"/teams/{row.team.slug}/service-accounts/{row.user.public_id}"


@never_cache
@page("team.manage", methods=("GET", "HEAD", "POST"))
def service_account(request: HttpRequest, team: str, account: str) -> HttpResponse:
    """Show an account with its tokens; change, switch off or delete it."""
    user: Any = request.user
    row = service_account_for(user, team_for(user, team), account)
    do = request.POST.get("do", "")
    values = {"name": row.user.name, "role": row.role}
    form = AccountForm(request.POST if do == "save" else None, initial=values)
    token_form = TokenForm(request.POST if do == "token" else None)
    secret = ""

    def save() -> str:
        update_service_account(account=row, actor=user, **form.cleaned_data)
        messages.success(request, f"{row.user} is saved.")
        return _address(row)

    if do == "save" and (done := run_form(request, form, save)):
        return done
    if do == "token" and token_form.is_valid():
        expires_at = now() + timedelta(days=int(token_form.cleaned_data["days"]))
        name = token_form.cleaned_data["token_name"]
        _, secret = create_service_token(account=row, name=name, expires_at=expires_at, actor=user)
        token_form = TokenForm()
    elif do == "rotate":
        _, secret = rotate_service_token(account=row, token_id=request.POST.get("token", ""), actor=user)
    elif request.method == "POST" and do not in ("save", "token"):
        return _other(request, row, do)
    context = {
        **head_of(request, row.team, "service-accounts"), "account": row.user, "role": row.get_role_display(),
        "tokens": AccessToken.objects.filter(user=row.user).order_by("-id")[:100], "now": now(), "form": form,
        "token_form": token_form, "secret": secret, "here": _address(row),
    }  # fmt: skip
    is_bad = form.errors or token_form.errors
    return render_page(request, "teams/service_account.html", context, status=422 if is_bad else 200)


def _other(request: HttpRequest, row: Membership, do: str) -> HttpResponse:
    user: Any = request.user
    if do == "revoke":
        revoke_service_token(account=row, token_id=request.POST.get("token", ""), actor=user)
        messages.success(request, "The token is revoked: calls with it get 401 from now on.")
    elif do in ("disable", "enable"):
        switch_service_account(account=row, actor=user, is_active=do == "enable")
        messages.success(request, f"{row.user} is {do}d.")
    elif do == "delete" and request.POST.get("typed", "").strip() == row.user.name:
        delete_service_account(account=row, actor=user)
        messages.success(request, f"{row.user} is deleted; what it made stays.")
        return HttpResponseRedirect(f"/teams/{row.team.slug}/service-accounts")
    else:
        raise Invalid(f"Type {row.user} to say that you mean this account.")
    return HttpResponseRedirect(_address(row))
