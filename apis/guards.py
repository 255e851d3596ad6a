"""The guards of the lifecycle: each says "" or, in one sentence, why a version may not make the move now.

Guards on what a form says (dates, reasons) are checked by the service that takes it; they are listed with their rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from apis.lifecycle import RESTORE_DAYS, UNUSED_DAYS
from apis.models import ApiVersion, Revision
from common.clock import now
from teams.models import AuditEvent, User
from teams.roles import has_permission


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition: its rule in words, and the check that buttons and services share (None: the form's values)."""

    rule: str
    check: Callable[[ApiVersion, User], str] | None = None


def working_revision(version: ApiVersion) -> Revision | None:
    """Return the revision that a version's next move is about: the newest that is draft, in review or approved."""
    revisions = version.revisions.filter(state__in=["draft", "in_review", "approved"])
    # The text of a large document is megabytes and no guard looks at it; it is read when somebody does.
    return revisions.defer("document", "source").order_by("-number").first()


def has_upstream(revision: Revision) -> bool:
    """Say whether a revision names where its calls go: one address, or the targets of its gateway settings."""
    return bool(revision.upstream_url or revision.gateway.get("upstream", {}).get("targets"))


def _document_ready(version: ApiVersion, actor: User) -> str:
    revision = working_revision(version)
    if revision is None or not (revision.content_hash or revision.source):
        return "There is no document yet: add one in the design."
    if not revision.content_hash:
        return "The document has errors: mend them in the design."
    if revision.lint_errors:
        many = "1 finding" if revision.lint_errors == 1 else f"{revision.lint_errors} findings"
        return (
            f"The document has {many} of rules that your team holds as errors: mend them, or let an owner waive them."
        )
    if not revision.operations.exists():
        return "The document has no operation: add one under paths."
    return ""


def _upstream_ready(version: ApiVersion, actor: User) -> str:
    revision = working_revision(version)
    if version.api.kind == "rest" and (revision is None or not has_upstream(revision)):
        return "No upstream is set: say where calls go, such as https://orders.internal/v1."
    return ""


def _plan_ready(version: ApiVersion, actor: User) -> str:
    return (
        "" if version.api.plans.filter(is_open=True).exists() else "No plan is open to subscriptions: add or open one."
    )


def _owner_ready(version: ApiVersion, actor: User) -> str:
    api = version.api
    if api.owner is None or not api.owner.is_active or not has_permission(api.owner, api.team, "apis.design"):
        return f"No owner answers for {api}: name a developer of {api.team} in its settings."
    return (
        "" if api.on_call.strip() else f"Nobody is on call for {api}: say in its settings whom to reach when it fails."
    )


def _not_author(version: ApiVersion, actor: User) -> str:
    """Say no to whoever wrote in the revision, or in one it was copied from since the version's last release."""
    revision = working_revision(version)
    if revision is None:
        return ""
    current = version.revisions.filter(state=Revision.State.CURRENT).values_list("number", flat=True).first() or 0
    copies = version.revisions.filter(number__gt=current).values("public_id")
    saves = AuditEvent.objects.filter(verb="revision.save", object_id__in=copies, actor=actor)
    if revision.author_id == actor.pk or saves.exists():
        return "You wrote this revision: somebody else has to judge it."
    return ""


def _before_sunset(version: ApiVersion, actor: User) -> str:
    if version.sunset_at is not None and version.sunset_at <= now():
        return f"The sunset of {version.sunset_at:%-d %B %Y} has passed."
    return ""


def _within_restore_days(version: ApiVersion, actor: User) -> str:
    if version.retired_at is not None and version.retired_at < now() - timedelta(days=RESTORE_DAYS):
        return f"It was retired more than {RESTORE_DAYS} days ago: make a new version."
    return ""


GUARDS: dict[str, Guard] = {
    "document_ready": Guard("The document is valid and has an operation.", _document_ready),
    "upstream_ready": Guard("A REST API has an upstream.", _upstream_ready),
    "plan_ready": Guard("A plan is open to subscriptions.", _plan_ready),
    "owner_ready": Guard("An owner of the team and an on-call contact are named.", _owner_ready),
    "not_author": Guard(
        "The author of a revision does not judge it, unless the team asks for no approval.", _not_author
    ),
    "gate_passed": Guard("No change breaks callers of the version, or a waiver allows it; risky ones are ticked."),
    "was_current": Guard("The revision was current before."),
    "notice_kept": Guard("The sunset is not before the deprecation and keeps the team's minimum notice."),
    "successor_or_reason": Guard("A successor or a reason is given."),
    "before_sunset": Guard("The sunset has not passed.", _before_sunset),
    "unused_or_override": Guard(
        f"The sunset has passed and nobody called for {UNUSED_DAYS} days, or a reason and the typed name override it."
    ),
    "within_restore_days": Guard(f"It was retired at most {RESTORE_DAYS} days ago.", _within_restore_days),
}


def failing_guards(names: tuple[str, ...], version: ApiVersion, actor: User) -> list[str]:
    """Return the reasons of the guards that fail; guards on a form's values count as passing."""
    checks = (GUARDS[name].check for name in names)
    return [reason for check in checks if check is not None and (reason := check(version, actor))]
