"""Revisions of a version that are served beside its current one: of other environments, on trial, or for its owners.

Which one a call gets is decided once it is known who calls: an owner's `Gatehouse-Revision` header first, then the
environment that the key belongs to, then a canary by its header or its share. A version that production does not
serve has no current one: `elsewhere` finds that of the key's environment, which then stands for it.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from typing import TYPE_CHECKING

from gateway.dataplane.errors import RevisionUnknown

if TYPE_CHECKING:
    from gateway.dataplane.context import Call
    from gateway.dataplane.records import RouteRecord
    from gateway.dataplane.router import Route

log = logging.getLogger("gatehouse.canary")

HEADER = b"gatehouse-revision"
PRODUCTION = "production"
# A canary is judged by its last calls, from this many on.
WINDOW = 100
JUDGED_FROM = 20


class Canary:
    """How a revision on trial does at this worker; once it fails too often it gets no more calls by share."""

    __slots__ = ("failures", "has_fallen_back", "outcomes", "record")

    def __init__(self, record: RouteRecord) -> None:
        self.record = record
        self.outcomes: deque[bool] = deque(maxlen=WINDOW)
        self.failures = 0
        self.has_fallen_back = False

    def note(self, is_failure: bool) -> None:
        """Count the outcome of one call; a failure is the upstream's, never the caller's."""
        if len(self.outcomes) == WINDOW and self.outcomes[0]:
            self.failures -= 1
        self.outcomes.append(is_failure)
        self.failures += is_failure
        judged = len(self.outcomes)
        allowed = self.record.canary_max_error_percent
        if not self.has_fallen_back and judged >= JUDGED_FROM and self.failures * 100 > allowed * judged:
            self.has_fallen_back = True
            log.warning(
                "event=canary_fell_back version=%s revision=%d failures=%d calls=%d",
                self.record.version_id, self.record.revision, self.failures, judged,
            )  # fmt: skip


def is_deployed(call: Call, environment: str) -> bool:
    """Say whether the version of a call has a revision in an environment beside its own."""
    beside = call.state.router.alternates.get(call.entry.key) if call.entry is not None else None
    return beside is not None and f"env:{environment}" in beside


def choose(call: Call, current: Route, alternates: dict[str, Route]) -> Route:
    """Return what serves a call: the current revision or one of those beside it; raise RevisionUnknown."""
    asked = next((value for name, value in call.headers if name == HEADER), None)
    environment = call.credential.environment if call.credential is not None else PRODUCTION
    if asked is not None:
        return _asked_for(call, current, alternates, asked.decode("latin-1").strip())
    if environment != current.record.environment:
        # That it is there was asked when the key was checked.
        return alternates[f"env:{environment}"]
    canary = alternates.get("canary")
    return canary if canary is not None and _is_picked(call, canary) else current


def _asked_for(call: Call, current: Route, alternates: dict[str, Route], asked: str) -> Route:
    is_owner = call.credential is not None and call.credential.team_id == current.record.owner_team_id
    if is_owner and asked == str(current.record.revision):
        return current
    found = alternates.get(f"rev:{asked}") if is_owner else None
    if found is None:
        # A stranger learns nothing of which revisions there are.
        raise RevisionUnknown(f"There is no revision {asked[:20]!r} to call, or it is not yours to call.")
    return found


def _is_picked(call: Call, route: Route) -> bool:
    record = route.record
    if record.canary_header:
        name = record.canary_header.lower().encode()
        value = next((value for key, value in call.headers if key == name), None)
        if value is not None:
            return value.decode("latin-1").strip() == record.canary_value or not record.canary_value
    canary = route.canary
    if canary is None or canary.has_fallen_back or not record.canary_percent:
        return False
    return random.random() * 100 < record.canary_percent  # noqa: S311  a share of calls, no secret


def note(call: Call) -> None:
    """Tell a canary how its call went."""
    canary = call.entry.canary if call.entry is not None else None
    if canary is not None and call.upstream_start_ns:
        canary.note(call.fault == "upstream" or call.upstream_status >= 500)
