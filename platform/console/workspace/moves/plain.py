"""The moves that ask for nothing but consent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.lifecycle import VERSION_STATES
from apis.services.blocking import lift_block
from apis.services.deprecation import undo_deprecation
from apis.services.preview import end_preview
from apis.services.retirement import restore_version
from apis.services.reviews import reopen_draft, submit_for_review, withdraw_from_review
from common.errors import NotFound
from common.permissions import page
from console.workspace.moves.frame import PlainForm, address_of, move_page
from console.workspace.version import my_version

PLAIN_MOVES: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "submit": (submit_for_review, "Send {0} for review", "Nothing changes for callers.", "Withdraw it from review."),
    "withdraw": (withdraw_from_review, "Withdraw {0}", "Nothing changes for callers.", "Send it for review again."),
    "reopen": (reopen_draft, "Take {0} back to draft", "Nothing changes for callers.", "It needs its approvals again."),
    "undo_deprecation": (
        undo_deprecation,
        "Undo the deprecation of {0}",
        "The headers go, new subscriptions are accepted again.",
        "Deprecate it again.",
    ),
    "end_preview": (
        end_preview,
        "End the preview of {0}",
        "Calls get 404, the preview's subscriptions end. Work goes on in a draft.",
        "Start a preview again.",
    ),
    "lift_block": (lift_block, "Lift the block of {0}", "Calls are served again within a second.", "Block it again."),
    "restore": (
        restore_version,
        "Restore {0}",
        "Calls are served again, as deprecated; the subscriptions that its retirement ended are back.",
        "Retire it again.",
    ),
}


@page("apis.design", methods=("GET", "HEAD", "POST"))
def plain_move(request: HttpRequest, team: str, api: str, version: str, move: str) -> HttpResponse:
    """Carry out a move that asks for consent alone."""
    found = my_version(request, team, api, version)
    name = move.replace("-", "_")
    if name not in PLAIN_MOVES:
        raise NotFound("There is no such move.")
    service, button, sees, undo = PLAIN_MOVES[name]

    def work() -> str:
        service(version=found, actor=request.user)
        return address_of(found)

    response = move_page(
        request, found, name, PlainForm(request.POST or None), work, button=button.format(found.name), sees=sees,
        undo=undo,
    )  # fmt: skip
    if response.status_code in (204, 303):
        messages.success(request, f"{found} is {VERSION_STATES[found.state].label.lower()}.")
    return response
