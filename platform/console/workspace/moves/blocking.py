"""Stop the calls of a version for now."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse

from apis.services.blocking import block_version
from common.permissions import page
from console.forms import GatehouseForm
from console.workspace.moves.frame import address_of, move_page, say_applied
from console.workspace.version import my_version


class BlockForm(GatehouseForm):
    """Why, and until when."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Callers read it in the answer."
    )
    until = forms.DateTimeField(
        label="Until, UTC", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="As far as known: callers get it as Retry-After. Nothing is lifted by itself.",
    )  # fmt: skip


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def block(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Block a version."""
    found = my_version(request, team, api, version)
    form = BlockForm(request.POST or None)

    def work() -> str:
        data = form.cleaned_data
        block_version(version=found, actor=request.user, reason=data["reason"], until=data["until"])  # type: ignore[arg-type]
        return address_of(found)

    response = move_page(
        request, found, "block", form, work, is_danger=True, button=f"Block {found.name}",
        sees="Every call gets 503 with your reason within a second. Its state and its subscriptions stay.",
        undo="Lift the block at any time.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        say_applied(request, found, f"{found.name} is blocked: calls get 503.")
    return response
