"""One call explained: what happened, who decided it, by which rule, what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apis.models import ApiVersion
from common.problem_types import PROBLEM_TYPES
from gateway.dataplane.calls import Finished
from teams.models import Application, User
from usage.ledger import attempts_of
from usage.models import UsageEvent
from usage.selectors.visibility import Sight, sight_of
from usage.verdicts import settled_call, verdict_on

NANO = Decimal(1_000_000_000)
# What an explanation takes over from the ledger's row.
SAME = (
    "at",
    "method",
    "path",
    "state",
    "status",
    "code",
    "fault",
    "rule",
    "model",
    "is_try_it",
    "client_request_id",
    "operation_id",
    "input_tokens",
    "output_tokens",
    "request_bytes",
    "response_bytes",
    "is_estimated",
    "price_state",
)
WHO = {
    "caller": "the request itself",
    "policy": "a rule of the plan",
    "upstream": "the service behind the API",
    "gateway": "Gatehouse",
}
MENDER = {
    "caller": "Whoever sent the call can mend it.",
    "owner": "The team that owns the API can mend it.",
    "admin": "A platform admin can mend it.",
    "operator": "The operator of this installation can mend it.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a call: what happened and how many milliseconds after its start (None: not known)."""

    name: str
    text: str
    after_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CallExplanation:
    """One call. With `is_full` False only the verdict is known: the ledger has nothing on it, or not yet.

    `cost_usd` is None when the viewer may not see money. `source` is ledger, settled or verdict.
    """

    id: str
    source: str
    at: datetime
    method: str
    path: str
    state: str
    status: int
    sentence: str
    code: str = ""
    fault: str = ""
    rule: str = ""
    who: str = ""
    advice: str = ""
    steps: list[Step] = field(default_factory=list)
    api_name: str = ""
    api_url: str = ""
    version: str = ""
    application_name: str = ""
    model: str = ""
    is_try_it: bool = False
    client_request_id: str = ""
    operation_id: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    is_estimated: bool = False
    price_state: str = "none"
    cost_usd: Decimal | None = None
    is_cost_hidden: bool = False
    total_ms: float | None = None

    @property
    def is_full(self) -> bool:
        """Say whether more than the verdict is known."""
        return self.source != "verdict"

    @property
    def is_refused(self) -> bool:
        """Say whether the call failed or was refused."""
        return bool(self.fault) or self.status >= 500


def call_by_id(call_id: str, user: User) -> CallExplanation | None:
    """Explain a call to a person; None when it is not there, not there yet, or none of theirs.

    The caller's team and the API's team see the call. A refusal that no ledger row tells of (nobody was known, or it is
    seconds old) is told as a bare verdict to any signed-in person who has the id.
    """
    try:
        identity = UUID(call_id)
    except ValueError:
        return None
    sight = sight_of(user)
    if attempts := attempts_of(identity):
        return _of_ledger(attempts, sight, user)
    settled = settled_call(identity)
    if settled is not None and _may_see(sight, user, settled):
        return _of_event(_event_of(settled), 1, sight, user, source="settled")
    verdict = verdict_on(identity)
    return _of_verdict(verdict) if verdict is not None else None


def _may_see(sight: Sight, user: User, call: UsageEvent | Finished) -> bool:
    if call.user_id and call.user_id == user.public_id:
        return True
    return sight.may_see_call(
        team_id=call.team_id, owner_team_id=call.owner_team_id, api_id=call.api_id, application_id=call.application_id
    )


def _of_ledger(attempts: list[UsageEvent], sight: Sight, user: User) -> CallExplanation | None:
    last = attempts[-1]
    return _of_event(last, len(attempts), sight, user, source="ledger") if _may_see(sight, user, last) else None


def _event_of(call: Finished) -> UsageEvent:
    """Return the row a finished call will be, unsaved."""
    names = {field.name for field in UsageEvent._meta.get_fields()} - {"pk", "at", "id"}
    values: dict[str, Any] = {name: getattr(call, name) for name in names if hasattr(call, name)}
    return UsageEvent(
        **values,
        id=UUID(call.id),
        at=datetime.fromtimestamp(call.at, UTC),
        state="finished",
        cost_usd=call.cost_nano / NANO,
        reserved_usd=call.reserved_nano / NANO,
    )


def _of_event(event: UsageEvent, attempts: int, sight: Sight, user: User, *, source: str) -> CallExplanation:
    is_hidden = event.user_id != user.public_id and not sight.may_see_money(
        team_id=event.team_id, owner_team_id=event.owner_team_id
    )
    is_over = event.state != UsageEvent.State.OPEN
    return CallExplanation(
        id=str(event.id),
        source=source,
        sentence=_sentence(event),
        who=WHO.get(event.fault, ""),
        advice=_advice(event.code),
        steps=_steps(event),
        attempts=attempts,
        cost_usd=event.cost_usd if is_over and not is_hidden else None,
        is_cost_hidden=is_hidden,
        total_ms=event.total_ms if event.state == UsageEvent.State.FINISHED else None,
        **{name: getattr(event, name) for name in SAME},
        **_names_of(event),
    )


def _names_of(event: UsageEvent) -> dict[str, Any]:
    version = ApiVersion.objects.select_related("api__team").filter(public_id=event.version_id).first()
    application = Application.objects.filter(public_id=event.application_id).first() if event.application_id else None
    names = {"application_name": application.name if application else ""}
    if version is not None:
        api = version.api
        names |= {
            "api_name": api.name,
            "version": version.name,
            "api_url": f"/catalog/{api.team.slug}/{api.slug}/{version.name}",
        }
    return names


def _of_verdict(verdict: dict[str, Any]) -> CallExplanation:
    code, fault = str(verdict.get("code", "")), str(verdict.get("fault", ""))
    known = PROBLEM_TYPES.get(code)
    return CallExplanation(
        id=str(verdict["id"]),
        source="verdict",
        at=datetime.fromtimestamp(float(verdict.get("at", 0)), UTC),
        method=str(verdict.get("method", "")),
        path=str(verdict.get("path", "")),
        state="finished",
        status=int(verdict.get("status", 0)),
        sentence=str(verdict.get("verdict") or (known.meaning if known else "The gateway refused this call.")),
        code=code,
        fault=fault,
        rule=str(verdict.get("rule", "")),
        who=WHO.get(fault, ""),
        advice=_advice(code),
    )


def _sentence(event: UsageEvent) -> str:
    if event.state == UsageEvent.State.OPEN:
        return "The call is under way, or its end has not reached the ledger yet."
    if event.verdict:
        return event.verdict
    known = PROBLEM_TYPES.get(event.code)
    if known:
        return f"{known.title}: {known.meaning}"
    if event.is_client_gone:
        return f"The caller left before the answer was complete, after {event.total_ms:,.0f} ms."
    if event.status >= 400:
        return f"The service behind the API answered {event.status}; Gatehouse passed it on unchanged."
    return f"Served: {event.status} after {event.total_ms:,.0f} ms."


def _advice(code: str) -> str:
    known = PROBLEM_TYPES.get(code)
    return f"{known.mend} {MENDER[known.who]}" if known else ""


def _steps(event: UsageEvent) -> list[Step]:
    steps = [Step("Received", f"{event.method} {event.path}", 0.0)]
    if event.attempt == 0:
        return [*steps, Step("Refused", f"{event.status} {event.code}", event.total_ms)]
    target = event.model or "The upstream"
    steps.append(Step("Admitted", "Key, subscription and limits were in order."))
    if event.state == UsageEvent.State.OPEN:
        return [*steps, Step("Sent", f"Sent to {event.model or 'the upstream'}; no end is known yet.")]
    if event.state == UsageEvent.State.INTERRUPTED:
        return [*steps, Step("Interrupted", "The gateway worker ended before the answer was complete.")]
    if event.first_byte_ms:
        steps.append(Step("First byte", f"{target} began to answer.", event.first_byte_ms))
    if event.upstream_status:
        steps.append(Step("Upstream", f"It answered {event.upstream_status}."))
    end = "The caller left." if event.is_client_gone else f"The caller got {event.status}."
    return [*steps, Step("Ended", end, event.total_ms)]
