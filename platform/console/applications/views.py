"""Applications: their keys, subscriptions and numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from apis.models import Subscription
from apis.selectors import visible_subscriptions
from apis.selectors.environments import environments
from apis.services.subscriptions import end_subscription
from common.clock import now
from common.errors import NotFound
from common.permissions import page
from common.sealed import signing_secret_of
from console.forms import GatehouseForm, may_post, run_form
from console.home.views import number_cards
from console.pages import Tab, render_page, require_declared
from console.tables import Table, csv_response
from gateway.control.rollout import wait_until_applied
from teams.models import Application, Credential, User
from teams.roles import permissions_in, teams_with
from teams.selectors import application_for, applications_for, credential_for
from teams.services.applications import create_application, update_application
from teams.services.credentials import (
    disable_credential,
    enable_credential,
    issue_credential,
    revoke_credential,
    rotate_credential,
)
from usage.selectors import application_usage, last_used

OVER = ("ended", "rejected", "cancelled")


@page("signed_in")
def applications(request: HttpRequest) -> HttpResponse:
    """List the applications of this person's teams."""
    user: User = request.user  # type: ignore[assignment]
    words = request.GET.get("q", "").strip()[:120]
    rows = applications_for(user)
    if words:
        rows = rows.filter(name__icontains=words)
    table = Table(request, rows, columns={"name": "name", "team": "team__name", "created": "created_at"})
    if request.GET.get("format") == "csv":
        head = ("application", "team", "created")
        return csv_response("applications", head, rows, lambda row: (row.name, row.team.name, row.created_at))
    table.offer_csv()
    context = {"table": table, "words": words, "can_create": teams_with(user, "applications.manage").exists()}
    return render_page(request, "applications/list.html", context, fragment="rows")


class ApplicationForm(GatehouseForm):
    """A new application, or its name and description."""

    team = forms.ChoiceField(help_text="It belongs to this team; its developers manage its keys.")
    name = forms.CharField(max_length=120, help_text="The program that calls, such as: checkout-web.")
    description = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams = {team.slug: team for team in teams_with(user, "applications.manage")}
        self.fields["team"].choices = [(slug, team.name) for slug, team in self.teams.items()]  # type: ignore[attr-defined]


@page("applications.manage", methods=("GET", "HEAD", "POST"))
def new_application(request: HttpRequest) -> HttpResponse:
    """Create an application."""
    user: User = request.user  # type: ignore[assignment]
    form = ApplicationForm(user, request.POST or None)

    def create() -> str:
        made = create_application(
            team=form.teams[form.cleaned_data["team"]], name=form.cleaned_data["name"],
            description=form.cleaned_data["description"], actor=user,
        )  # fmt: skip
        messages.success(request, f"{made.name} is there. Create its first key.")
        return f"/applications/{made.public_id}"

    if request.method == "POST" and (done := run_form(request, form, create)):
        return done
    return render_page(request, "applications/new.html", {"form": form}, status=422 if form.is_bound else 200)


def head_of(request: HttpRequest, app: Application, current: str) -> dict[str, Any]:
    """Return the context every page of an application has."""
    base = f"/applications/{app.public_id}"
    tabs = [
        ("overview", "Overview", base),
        ("keys", "Keys", f"{base}/keys"),
        ("subscriptions", "Subscriptions", f"{base}/subscriptions"),
        ("settings", "Settings", f"{base}/settings"),
    ]
    return {
        "app": app,
        "graph_address": f"{app.team.slug}/{app.name}",
        "crumbs": [("Applications", "/applications")],
        "tabs": [Tab(title, url, name == current) for name, title, url in tabs],
        "may": permissions_in(request.user, app.team),  # type: ignore[arg-type]
        "now": now(),
    }


def _keys(app: Application) -> list[dict[str, Any]]:
    rows = list(app.credentials.select_related("created_by").order_by("-id"))
    used = last_used([row.public_id for row in rows])
    return [{"key": row, "last_used_at": used.get(row.public_id)} for row in rows]


@page("team.view")
def application(request: HttpRequest, app: str) -> HttpResponse:
    """Show an application: keys, subscriptions, the last 24 hours."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    until = now()
    usage = application_usage(found, until - timedelta(hours=24), until, interval="hour")
    live = visible_subscriptions(request.user).filter(application=found).exclude(state__in=OVER)  # type: ignore[arg-type]
    context = {
        **head_of(request, found, "overview"),
        "keys": _keys(found)[:5],
        "subscriptions": live[:10],
        "numbers": number_cards(usage),
        "freshness": usage.freshness,
    }
    return render_page(request, "applications/overview.html", context)


class KeyForm(GatehouseForm):
    """A new key; which environment is asked where there are several."""

    name = forms.CharField(max_length=120, help_text="Where it is used, such as: production server.")
    days = forms.ChoiceField(
        label="Expires", required=False,
        choices=[("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")],
    )  # fmt: skip
    environment = forms.ChoiceField(required=False, help_text="What is deployed there answers its calls.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = [(row.slug, row.name) for row in environments()]
        self.fields["environment"].choices = rows  # type: ignore[attr-defined]
        if len(rows) == 1:
            del self.fields["environment"]


@never_cache
@page("team.view", methods=("GET", "HEAD", "POST"))
def keys(request: HttpRequest, app: str) -> HttpResponse:
    """List an application's keys; create one and show it once."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    may_post(request, found.team, "keys.manage", "create keys")
    form, key, signing = KeyForm(request.POST or None), "", {}
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        credential, key = issue_credential(
            application=found, name=form.cleaned_data["name"], actor=request.user,  # type: ignore[arg-type]
            expires_at=now() + timedelta(days=int(days)) if days else None,
            environment=form.cleaned_data.get("environment") or "production",
        )  # fmt: skip
        signing = {"id": credential.public_id, "secret": signing_secret_of(credential.public_id)}
        wait_until_applied("credential", credential.public_id)
        form = KeyForm()
    context = {**head_of(request, found, "keys"), "form": form, "key": key, "signing": signing, "keys": _keys(found)}
    return render_page(request, "applications/keys.html", context, status=422 if form.errors else 200)


@page("keys.manage", methods=("GET", "HEAD", "POST"))
def revoke_key(request: HttpRequest, app: str, key: str) -> HttpResponse:
    """Say what revoking a key does, then do it."""
    found, credential = _key(request, app, key)
    if request.method == "POST":
        revoke_credential(credential=credential, actor=request.user)  # type: ignore[arg-type]
        applied, live = wait_until_applied("credential", credential.public_id)
        text = f"{credential.name} {credential.hint} is revoked: {applied} of {live} gateway workers refuse it."
        messages.success(request, text)
        return HttpResponseRedirect(f"/applications/{found.public_id}/keys")
    others = found.credentials.filter(revoked_at=None).exclude(pk=credential.pk).count()
    context = {
        **head_of(request, found, "keys"), "credential": credential, "others": others,
        "last_used_at": last_used([credential.public_id]).get(credential.public_id),
    }  # fmt: skip
    return render_page(request, "applications/revoke.html", context)


class RotateForm(GatehouseForm):
    """How long both keys are served."""

    hours = forms.ChoiceField(
        label="Both are served for", initial="24",
        choices=[("1", "an hour"), ("24", "a day"), ("168", "a week"), ("720", "30 days")],
    )  # fmt: skip


@never_cache
@page("keys.manage", methods=("GET", "HEAD", "POST"))
def rotate_key(request: HttpRequest, app: str, key: str) -> HttpResponse:
    """Say what rotating a key does, then do it and show the new one once."""
    found, credential = _key(request, app, key)
    form = RotateForm(request.POST or None)
    head = head_of(request, found, "keys")
    if request.method == "POST" and form.is_valid():
        overlap = timedelta(hours=int(form.cleaned_data["hours"]))
        successor, secret = rotate_credential(credential=credential, actor=request.user, overlap=overlap)  # type: ignore[arg-type]
        wait_until_applied("credential", successor.public_id)
        context = {**head, "credential": credential, "successor": successor, "secret": secret}
        return render_page(request, "applications/rotated.html", context)
    context = {
        **head, "credential": credential, "form": form,
        "last_used_at": last_used([credential.public_id]).get(credential.public_id),
    }  # fmt: skip
    return render_page(request, "applications/rotate.html", context, status=422 if form.errors else 200)


@page("keys.manage", methods=("POST",))
def switch_key(request: HttpRequest, app: str, key: str) -> HttpResponse:
    """Disable a key, or serve a disabled one again."""
    found, credential = _key(request, app, key)
    user: User = request.user  # type: ignore[assignment]
    if credential.state == "disabled":
        enable_credential(credential=credential, actor=user)
        text = f"{credential.name} is served again."
    else:
        disable_credential(credential=credential, actor=user, reason="Disabled on the keys page.")
        text = f"{credential.name} is disabled: calls with it get 401 until you enable it."
    wait_until_applied("credential", credential.public_id)
    messages.success(request, text)
    return HttpResponseRedirect(f"/applications/{found.public_id}/keys")


def _key(request: HttpRequest, app: str, key: str) -> tuple[Application, Credential]:
    found = application_for(request.user, app)  # type: ignore[arg-type]
    require_declared(request, found.team)
    credential = credential_for(request.user, key)  # type: ignore[arg-type]
    if credential.application_id != found.pk:
        raise NotFound("There is no such key of this application.")
    return found, credential


@page("team.view")
def subscriptions(request: HttpRequest, app: str) -> HttpResponse:
    """List an application's subscriptions, ended ones too."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    rows = visible_subscriptions(request.user).filter(application=found)  # type: ignore[arg-type]
    table = Table(request, rows, columns={"since": "created_at", "state": "state"}, default="-since")
    return render_page(
        request, "applications/subscriptions.html", {**head_of(request, found, "subscriptions"), "table": table}
    )


@page("applications.manage", methods=("GET", "HEAD", "POST"))
def end(request: HttpRequest, app: str, subscription: str) -> HttpResponse:
    """Say what ending a subscription does, then do it."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    require_declared(request, found.team)
    row: Subscription | None = (
        visible_subscriptions(request.user).filter(application=found, public_id=subscription).first()  # type: ignore[arg-type]
    )
    if row is None:
        raise NotFound("There is no such subscription of this application.")
    if request.method == "POST":
        end_subscription(subscription=row, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"The subscription to {row.version} has ended: its keys get 403 there.")
        return HttpResponseRedirect(f"/applications/{found.public_id}/subscriptions")
    return render_page(request, "applications/end.html", {**head_of(request, found, "subscriptions"), "row": row})


class SettingsForm(GatehouseForm):
    """Name and description, with the version that was read."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    row_version = forms.IntegerField(widget=forms.HiddenInput)


@page("team.view", methods=("GET", "HEAD", "POST"))
def settings(request: HttpRequest, app: str) -> HttpResponse:
    """Rename an application."""
    found = application_for(request.user, app)  # type: ignore[arg-type]
    may_post(request, found.team, "applications.manage", "change its applications")
    names = ("name", "description", "row_version")
    form = SettingsForm(request.POST or None, initial={name: getattr(found, name) for name in names})

    def save() -> str:
        update_application(application=found, actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, "The application is saved.")
        return f"/applications/{found.public_id}/settings"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {**head_of(request, found, "settings"), "form": form}
    return render_page(request, "applications/settings.html", context, status=422 if form.is_bound else 200)
