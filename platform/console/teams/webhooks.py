"""A team's webhooks: what is told to which address, and what became of each delivery."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache

from common.errors import Invalid, NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from console.teams.views import head_of
from teams.event_types import EVENT_TYPES
from teams.models import Delivery, User, Webhook
from teams.roles import require_permission
from teams.selectors import deliveries_of, team_for, webhook_for, webhooks_for
from teams.services.webhooks import (
    create_webhook,
    delete_webhook,
    replay_delivery,
    rotate_secret,
    send_test,
    update_webhook,
)

CHOICES = [(known.name, known.name) for known in EVENT_TYPES if known.name != "webhook.test"]


class WebhookForm(GatehouseForm):
    """Where to and what."""

    url = forms.CharField(label="Address", max_length=1000, help_text="Such as https://ci.example.com/gatehouse.")
    description = forms.CharField(max_length=200, required=False, help_text="What it is for.")
    event_types = forms.MultipleChoiceField(
        label="Events", choices=CHOICES, required=False, help_text="Choose none to be told of all.",
        widget=forms.SelectMultiple(attrs={"size": 10, "class": "form-select"}),
    )  # fmt: skip


class ChangeForm(WebhookForm):
    """The same, with the version that was read and the switch."""

    is_active = forms.BooleanField(label="Active", required=False)
    row_version = forms.IntegerField(widget=forms.HiddenInput)


@never_cache
@page("team.manage", methods=("GET", "HEAD", "POST"))
def webhooks(request: HttpRequest, team: str) -> HttpResponse:
    """List a team's webhooks; add one and show its secret once."""
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    require_permission(actor=user, team=found, permission="team.manage", what="see its webhooks")
    form = WebhookForm(request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            webhook, secret = create_webhook(team=found, actor=user, **form.cleaned_data)
        except Invalid as error:
            form.take_errors(error)
        else:
            form = WebhookForm()
            context = {"secret": secret, "made": webhook}
    table = Table(request, webhooks_for(user).filter(team=found), columns={"created": "created_at"}, default="-created")
    context |= {**head_of(request, found, "webhooks"), "table": table, "form": form}
    return render_page(request, "teams/webhooks.html", context, status=422 if form.errors else 200)


def _webhook(request: HttpRequest, team: str, webhook: str) -> Webhook:
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    require_permission(actor=user, team=found, permission="team.manage", what="see its webhooks")
    row = webhook_for(user, webhook)
    if row.team_id != found.pk:
        raise NotFound("There is no such webhook of this team.")
    return row


def _page(request: HttpRequest, row: Webhook, *, form: ChangeForm | None = None, secret: str = "") -> HttpResponse:
    names = ("url", "description", "event_types", "is_active", "row_version")
    form = form or ChangeForm(initial={name: getattr(row, name) for name in names})
    rows = deliveries_of(row)
    state = request.GET.get("state", "")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    table = Table(request, rows, columns={"at": "id"}, default="-at")
    context = {
        **head_of(request, row.team, "webhooks"),
        "webhook": row,
        "form": form,
        "table": table,
        "secret": secret,
        "state": state,
        "states": Delivery.State.choices,
        "here": f"/teams/{row.team.slug}/webhooks/{row.public_id}",
    }
    return render_page(request, "teams/webhook.html", context, status=422 if form.errors else 200)


@page("team.manage", methods=("GET", "HEAD", "POST"))
def webhook(request: HttpRequest, team: str, webhook: str) -> HttpResponse:
    """Show a webhook with its delivery log; change it."""
    row = _webhook(request, team, webhook)
    form = ChangeForm(request.POST or None)
    if request.method != "POST":
        return _page(request, row)

    def save() -> str:
        update_webhook(webhook=row, actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, "The webhook is saved.")
        return f"/teams/{row.team.slug}/webhooks/{row.public_id}"

    return run_form(request, form, save) or _page(request, row, form=form)


@never_cache
@page("team.manage", methods=("POST",))
def rotate(request: HttpRequest, team: str, webhook: str) -> HttpResponse:
    """Give a webhook a new secret and show it once."""
    row = _webhook(request, team, webhook)
    row, secret = rotate_secret(webhook=row, actor=request.user, row_version=row.row_version)  # type: ignore[arg-type]
    return _page(request, row, secret=secret)


@page("team.manage", methods=("POST",))
def test(request: HttpRequest, team: str, webhook: str) -> HttpResponse:
    """Send a test event."""
    row = _webhook(request, team, webhook)
    send_test(webhook=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, "A test is on its way: its delivery stands on top in a few seconds.")
    return HttpResponseRedirect(f"/teams/{row.team.slug}/webhooks/{row.public_id}")


@page("team.manage", methods=("POST",))
def replay(request: HttpRequest, team: str, webhook: str, delivery: str) -> HttpResponse:
    """Send one event of the log once more."""
    row = _webhook(request, team, webhook)
    found = deliveries_of(row).filter(public_id=delivery).first()
    if found is None:
        raise NotFound("There is no such delivery; the log goes back 30 days.")
    replay_delivery(delivery=found, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, f"{found.event.type} is sent once more.")
    return HttpResponseRedirect(f"/teams/{row.team.slug}/webhooks/{row.public_id}")


@page("team.manage", methods=("GET", "HEAD", "POST"))
def delete(request: HttpRequest, team: str, webhook: str) -> HttpResponse:
    """Delete a webhook after saying what that ends."""
    row = _webhook(request, team, webhook)
    if request.method == "POST":
        delete_webhook(webhook=row, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"The webhook {row} is deleted.")
        return HttpResponseRedirect(f"/teams/{row.team.slug}/webhooks")
    context = {**head_of(request, row.team, "webhooks"), "webhook": row, "log_size": row.deliveries.count()}
    return render_page(request, "teams/webhook_delete.html", context)
