"""Reviews: send for review, take back, judge."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Max

from apis.guards import working_revision
from apis.lifecycle import permission_of
from apis.models import ApiVersion, Review, Revision, Transfer
from apis.services.announcements import tell_author, tell_reviewers
from apis.services.moves import advance, lock_version, require_revision_move
from apis.services.revisions import copy_revision
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed
from teams.models import User
from teams.permissions import by_rule
from teams.roles import require_permission
from teams.services.audit import record_audit


def submit_for_review(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Freeze the draft and ask for verdicts; raise Conflict with what is missing. What is served stays as it is."""
    revision = _movable(version, "submit", actor)
    with transaction.atomic():
        lock_version(version)
        advance(revision=revision, name="submit", actor=actor, submitted_at=now())
        tell_reviewers(revision, actor)
    return version


def withdraw_from_review(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Take a revision out of review; work goes on in a copy of it."""
    return _set_aside(version=version, name="withdraw", actor=actor)


def reopen_draft(*, version: ApiVersion, actor: User) -> ApiVersion:
    """Take an approved revision back to draft; it needs its approvals again."""
    return _set_aside(version=version, name="reopen", actor=actor)


def review_revision(
    *, revision: Revision, verdict: str, actor: User, comment: str = "", checked: Sequence[str] = ()
) -> Review:
    """Give a verdict: enough approvals approve the revision, one rejection sends it back to draft.

    Never the author; by the team's rule publishers or owners alone. `checked` are the lines of the team's checklist
    that were ticked: an approval ticks all. Raise Conflict for a revision not in review or judged before.
    """
    version = revision.version
    permission = by_rule(version.api.team.reviewer_role, "apis.review")
    require_permission(actor=actor, team=version.api.team, permission=permission, what="review")
    if actor.is_service_account:
        raise NotAllowed("A service account never reviews: a person of the team has to look.")
    if verdict not in Review.Verdict.values:
        raise Invalid(f"The verdict {verdict!r} is neither approved nor rejected.")
    if verdict == Review.Verdict.REJECTED and not comment.strip():
        detail = "Say what has to change."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/comment"}])
    open_lines = [line for line in version.api.team.checklist if line not in checked]
    if verdict == Review.Verdict.APPROVED and open_lines:
        detail = f"Look at what {version.api.team} asks for and tick it: {open_lines[0]}"
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/checked"}])
    _require_in_review(revision)
    require_revision_move(revision=revision, name="approve" if verdict == "approved" else "reject", actor=actor)
    with transaction.atomic():
        # Two verdicts at once are counted one after the other; what was withdrawn meanwhile takes none.
        lock_version(version)
        revision.refresh_from_db(fields=["state", "row_version"])
        _require_in_review(revision)
        review = _write_review(revision, verdict, comment, actor, list(checked))
        if verdict == Review.Verdict.REJECTED:
            advance(revision=revision, name="reject", actor=actor, reason=comment)
            copy_revision(revision=revision, version=version, author=revision.author)
        elif _approvals(revision) >= version.api.team.required_approvals:
            advance(revision=revision, name="approve", actor=actor, reason=comment)
        tell_author(revision, review)
    return review


def _require_in_review(revision: Revision) -> None:
    if revision.state != Revision.State.IN_REVIEW:
        raise Conflict(
            f"Revision {revision.number} is {revision.get_state_display().lower()}, not in review.",
            code="move-not-possible",
        )


def require_working_revision(version: ApiVersion) -> Revision:
    """Return the revision a move is about; raise Conflict when there is none."""
    revision = working_revision(version)
    if revision is None:
        raise Conflict(f"{version} has no revision to move.", code="move-not-possible")
    # One object for both, so that state changes of the version are seen through the revision.
    revision.version = version
    return revision


def _movable(version: ApiVersion, name: str, actor: User) -> Revision:
    """Return the working revision after asking for the permission: who may not move it learns nothing of it."""
    require_permission(actor=actor, team=version.api.team, permission=permission_of(name), what=f"{name} a revision")
    revision = require_working_revision(version)
    require_revision_move(revision=revision, name=name, actor=actor)
    return revision


def _set_aside(*, version: ApiVersion, name: str, actor: User) -> ApiVersion:
    revision = _movable(version, name, actor)
    with transaction.atomic():
        lock_version(version)
        advance(revision=revision, name=name, actor=actor)
        copy_revision(revision=revision, version=version, author=revision.author)
    return version


def _write_review(revision: Revision, verdict: str, comment: str, actor: User, checked: list[str]) -> Review:
    try:
        with transaction.atomic():
            review = Review.objects.create(
                revision=revision, reviewer=actor, verdict=verdict, comment=comment, checked=checked
            )
    except IntegrityError as error:
        raise Conflict("You have judged this revision already.", code="conflict") from error
    record_audit(
        actor=actor,
        verb=f"review.{'approve' if verdict == Review.Verdict.APPROVED else 'reject'}",
        target=revision,
        team=revision.version.api.team,
        after={"verdict": verdict, "content_hash": revision.content_hash, "checked": checked},
        reason=comment,
    )
    return review


def _approvals(revision: Revision) -> int:
    """Count the approvals of the owning team: those given before the API moved to it were another team's."""
    approvals = revision.reviews.filter(verdict=Review.Verdict.APPROVED)
    moved_at = Transfer.objects.filter(api=revision.version.api_id, state="accepted").aggregate(at=Max("decided_at"))
    return (approvals.filter(at__gt=moved_at["at"]) if moved_at["at"] else approvals).count()
