"""What the pages of all moves share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.lifecycle import VERSION_STATES
from apis.models import ApiVersion
from apis.selectors import available_moves, impact_of
from common.errors import Conflict
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.workspace.version import head_of
from gateway.control.rollout import wait_until_applied
from teams.models import User


class PlainForm(GatehouseForm):
    """A move that asks for nothing but consent."""


def _move(version: ApiVersion, name: str, user: User) -> Any:
    found = next((move for move in available_moves(version, user) if move.name == name), None)
    if found is None:
        label = VERSION_STATES[version.state].label.lower()
        raise Conflict(f"{version} is {label}: this move is not possible from there.", code="move-not-possible")
    return found


def move_page(
    request: HttpRequest,
    version: ApiVersion,
    name: str,
    form: GatehouseForm,
    work: Callable[[], str],
    **context: Any,
) -> HttpResponse:
    """Show a move's page, or carry it out once."""
    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    move = _move(version, name, request.user)  # type: ignore[arg-type]
    known = {
        **head_of(request, version, "lifecycle"), "move": move, "name": name, "form": form,
        "impact": impact_of(version), **context,
    }  # fmt: skip
    return render_page(request, "workspace/move.html", known, status=422 if form.is_bound and form.errors else 200)


def address_of(version: ApiVersion, suffix: str = "") -> str:
    """Return the address of a version's first page."""
    api = version.api
    return f"/workspace/{api.team.slug}/{api.slug}/{version.name}{suffix}"


def say_applied(request: HttpRequest, version: ApiVersion, text: str) -> None:
    """Say what was done and how many gateway workers are in step, waiting a moment for them."""
    applied, total = wait_until_applied("route", version.public_id)
    messages.success(request, f"{text} {applied} of {total} gateway workers are in step.")
