"""Moves at a moment to come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import ApiVersion
from apis.services.planned_moves import cancel_planned_move, plan_move
from common.errors import NotFound
from common.permissions import page
from console.workspace.moves.frame import address_of
from console.workspace.version import my_version

WHEN = forms.DateTimeField(
    label="When, UTC", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    help_text="Empty means now. A planned move is judged again at its moment; you are told when it cannot be made.",
)  # fmt: skip


def plan(request: HttpRequest, version: ApiVersion, name: str, at: datetime, **values: Any) -> str:
    """Keep a move for its moment, say so, and return where to go on."""
    moment = at.replace(tzinfo=UTC)
    plan_move(version=version, name=name, at=moment, actor=request.user, **values)  # type: ignore[arg-type]
    messages.success(request, f"Planned for {moment:%-d %B %Y %H:%M} UTC. You can cancel it on this page until then.")
    return address_of(version)


@page("apis.publish", methods=("POST",))
def cancel_planned(request: HttpRequest, team: str, api: str, version: str, planned: str) -> HttpResponse:
    """Cancel a planned move."""
    found = my_version(request, team, api, version)
    row = found.planned_moves.filter(public_id=planned).select_related("version__api__team").first()
    if row is None:
        raise NotFound("There is no such planned move.")
    cancel_planned_move(planned=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, "It is cancelled: nothing happens at that moment.")
    return HttpResponseRedirect(address_of(found))
