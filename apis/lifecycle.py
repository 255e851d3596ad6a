"""The two lifecycles as pure tables: every legal move of a version and of a revision, and what each state means.

The tables drive buttons, guards, the REST API, the audit log and the docs. Guards are named here and written in
`apis.guards`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.permission_names import TeamPermission


@dataclass(frozen=True, slots=True)
class State:
    """One state: what the gateway does, who sees it in the catalog, what becomes of subscriptions."""

    name: str
    label: str
    gateway: str = ""
    catalog: str = ""
    subscriptions: str = ""
    is_listed: bool = False
    is_routed: bool = False
    is_terminal: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One legal move. `guards` name the conditions in `apis.guards`; `permission` is what its maker may do."""

    name: str
    label: str
    source: str
    target: str
    guards: tuple[str, ...] = ()
    permission: TeamPermission = "apis.publish"
    undo: str = ""


VERSION_STATES: dict[str, State] = {
    state.name: state
    for state in (
        State("draft", "Draft", "not routed: 404", "its own team", "none"),
        State("in_review", "In review", "not routed: 404", "its own team", "none"),
        State("approved", "Approved", "deployable, not routed: 404", "its own team", "none"),
        State(
            "preview",
            "Preview",
            "routed for listed applications, without a service level",
            "shown with an opt-in badge",
            "allowed; they end at publication",
            is_routed=True,
        ),
        State(
            "published",
            "Published",
            "routed",
            "shown to those it is shared with",
            "new and existing",
            is_listed=True,
            is_routed=True,
        ),
        State(
            "deprecated",
            "Deprecated",
            "routed, with Deprecation, Sunset and Link headers on every response",
            "shown with a banner and its dates",
            "existing only; a new one is refused with 409",
            is_listed=True,
            is_routed=True,
        ),
        State("retired", "Retired", "410 with a link to the successor", "a tombstone", "ended", is_listed=True),
        State("archived", "Archived", "404", "hidden, its history is kept", "none", is_terminal=True),
    )
}
# An overlay, not a state: it lies over a routed version and leaves its state as it is.
BLOCKED = State(
    "blocked",
    "Blocked",
    "503 with the reason",
    "stays visible with the reason",
    "kept",
)

_READY = ("document_ready", "upstream_ready", "plan_ready")
_OPENABLE = ("plan_ready", "owner_ready")

VERSION_MOVES: tuple[Move, ...] = (
    Move("submit", "Send for review", "draft", "in_review", _READY, permission="apis.design"),
    Move("withdraw", "Withdraw from review", "in_review", "draft", permission="apis.design"),
    Move("reject", "Ask for changes", "in_review", "draft", ("not_author",), permission="apis.review"),
    Move("approve", "Approve", "in_review", "approved", ("not_author",), permission="apis.review"),
    Move("reopen", "Back to draft", "approved", "draft"),
    Move("preview", "Start a preview", "approved", "preview", _OPENABLE, undo="End the preview, or publish it."),
    Move("publish", "Publish", "approved", "published", _OPENABLE, undo="Deprecate, then retire it."),
    Move("end_preview", "End the preview", "preview", "draft", undo="Start it again."),
    Move("publish", "Publish", "preview", "published", _OPENABLE, undo="Deprecate, then retire it."),
    Move(
        "deprecate",
        "Deprecate",
        "published",
        "deprecated",
        ("notice_kept", "successor_or_reason"),
        undo="Undo until the sunset.",
    ),
    Move("undo_deprecation", "Undo deprecation", "deprecated", "published", ("before_sunset",)),
    Move("retire", "Retire", "deprecated", "retired", ("unused_or_override",), undo="Restore within 30 days."),
    Move("restore", "Restore", "retired", "deprecated", ("within_restore_days",)),
    Move("archive", "Archive", "retired", "archived", undo="Not at all: an archived version stays archived."),
)
OVERLAY_MOVES: tuple[Move, ...] = tuple(
    move
    for state in ("preview", "published", "deprecated")
    for move in (
        Move("block", "Block", state, state, undo="Lift the block at any time."),
        Move("lift_block", "Lift the block", state, state, undo="Block it again."),
    )
)

ALL_VERSION_MOVES = (*VERSION_MOVES, *OVERLAY_MOVES)

REVISION_STATES: dict[str, State] = {
    state.name: state
    for state in (
        State("draft", "Draft", "the one working copy"),
        State("in_review", "In review", "frozen, waiting for verdicts"),
        State("approved", "Approved", "frozen, ready to be deployed"),
        State("current", "Current", "what the gateway serves"),
        State("superseded", "Superseded", "kept for history"),
        State("rejected", "Rejected", "kept with its verdict", is_terminal=True),
    )
}
REVISION_MOVES: tuple[Move, ...] = (
    Move(
        "submit",
        "Send for review",
        "draft",
        "in_review",
        ("document_ready", "upstream_ready"),
        permission="apis.design",
    ),
    Move("approve", "Approve", "in_review", "approved", ("not_author",), permission="apis.review"),
    Move("reject", "Ask for changes", "in_review", "rejected", ("not_author",), permission="apis.review"),
    Move("withdraw", "Withdraw from review", "in_review", "superseded", permission="apis.design"),
    Move("reopen", "Back to draft", "approved", "superseded"),
    Move("deploy", "Make current", "approved", "current", ("gate_passed",), undo="Roll back, in one step."),
    Move("supersede", "Supersede", "current", "superseded"),
    Move("roll_back", "Roll back", "superseded", "current", ("was_current",), undo="Roll forward the same way."),
)
# Published with no second person asked for: one command walks these, for a version and for its next revisions.
SOLO_PATH = ("submit", "approve", "publish")
RELEASE_PATH = ("submit", "approve", "deploy")
PREVIEW_PATH = ("submit", "approve", "preview")
# The states in which a version goes through its first revision's states.
MIRRORED = ("draft", "in_review", "approved")
RESTORE_DAYS = 30
UNUSED_DAYS = 7
LISTED = tuple(state.name for state in VERSION_STATES.values() if state.is_listed)
ROUTED = tuple(state.name for state in VERSION_STATES.values() if state.is_routed)
# Where a version may be deployed to other environments than production: before its publication, and while it is served.
DEPLOYABLE = (*MIRRORED, *ROUTED)


def moves_from(state: str) -> tuple[Move, ...]:
    """Return the moves of a version that leave a state, in the order of the table."""
    return tuple(move for move in VERSION_MOVES if move.source == state)


def overlay_moves(state: str, *, is_blocked: bool) -> tuple[Move, ...]:
    """Return the overlay's move over a state: block, or lift the block."""
    wanted = "lift_block" if is_blocked else "block"
    return tuple(move for move in OVERLAY_MOVES if move.source == state and move.name == wanted)


def find_move(name: str, state: str, table: Iterable[Move] = ALL_VERSION_MOVES) -> Move | None:
    """Return the move of that name out of a state, or None when the table has none."""
    return next((move for move in table if move.name == name and move.source == state), None)


def permission_of(name: str, table: Iterable[Move] = ALL_VERSION_MOVES) -> TeamPermission:
    """Return what one must be allowed to make a move of a version, from whatever state."""
    return next((move.permission for move in table if move.name == name), "apis.publish")


def why_not(name: str, state: str) -> str:
    """Return why a version in a state cannot make a move, as the table alone sees it; "" when it can."""
    move = find_move(name, state)
    if move is not None:
        return ""
    named = [known for known in ALL_VERSION_MOVES if known.name == name]
    if not named:
        return f"There is no move called {name}."
    sources = " or ".join(VERSION_STATES[known.source].label.lower() for known in named)
    return f"It is {VERSION_STATES[state].label.lower()}; this move starts from {sources}."


def publication_path(state: str, required_approvals: int) -> tuple[Move, ...]:
    """Return the moves that one person's publication walks from a state; empty when somebody else must move first."""
    return _solo_path(SOLO_PATH, VERSION_MOVES, state, required_approvals)


def preview_path(state: str, required_approvals: int) -> tuple[Move, ...]:
    """Return the moves that one person walks to a preview; empty when somebody else must move first."""
    return _solo_path(PREVIEW_PATH, VERSION_MOVES, state, required_approvals)


def release_path(state: str, required_approvals: int) -> tuple[Move, ...]:
    """Return the moves that one person walks to make a revision current; empty when somebody else must move first."""
    return _solo_path(RELEASE_PATH, REVISION_MOVES, state, required_approvals)


def _solo_path(
    names: tuple[str, ...], table: tuple[Move, ...], state: str, required_approvals: int
) -> tuple[Move, ...]:
    path: list[Move] = []
    for name in names if required_approvals == 0 else names[-1:]:
        move = find_move(name, path[-1].target if path else state, table)
        if move is not None:
            path.append(move)
    return tuple(path)


def path_guards(path: tuple[Move, ...]) -> tuple[str, ...]:
    """Return the guards of a path one person walks: nobody else is asked to judge, so the author may."""
    return tuple(dict.fromkeys(name for move in path for name in move.guards if name != "not_author"))
