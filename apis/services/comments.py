"""Comments on the lines of a revision's source: said, answered, resolved."""

from __future__ import annotations

from django.db import transaction

from apis.models import ReviewComment, Revision
from apis.services.announcements import workspace_path
from common.clock import now
from common.errors import Conflict, Invalid
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify

LONGEST = 5000


def comment_on_revision(*, revision: Revision, line: int, body: str, actor: User) -> ReviewComment:
    """Say something about a line of a revision (0: about all of it); its author and who spoke there are told."""
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.design", what="comment on revisions")
    count = len(revision.source.splitlines())
    errors = []
    if not body.strip() or len(body) > LONGEST:
        errors.append({"detail": f"Write something of at most {LONGEST:,} characters.", "pointer": "/body"})
    if not 0 <= line <= count:
        errors.append({"detail": f"There is no line {line}: the source has {count:,}.", "pointer": "/line"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)
    spoke = User.objects.filter(pk__in=revision.comments.filter(line=line).values("author"))
    people = {person.pk: person for person in spoke}
    if revision.author is not None:
        people[revision.author.pk] = revision.author
    people.pop(actor.pk, None)
    with transaction.atomic():
        comment = ReviewComment.objects.create(revision=revision, line=line, body=body.strip(), author=actor)
        # The words stay with the revision; the log says that something was said, and where.
        record_audit(actor=actor, verb="review.comment", target=revision, team=version.api.team, after={"line": line})
        notify(
            people=people.values(), icon="message", text=comment.body,
            title=f"{actor.name} on line {line} of {version}" if line else f"{actor.name} on {version}",
            url=f"{workspace_path(version)}/revisions/{revision.number}/review?line={line}#line-{line}",
        )  # fmt: skip
    return comment


def resolve_comment(*, comment: ReviewComment, actor: User) -> ReviewComment:
    """Say that a comment is dealt with."""
    team = comment.revision.version.api.team
    require_permission(actor=actor, team=team, permission="apis.design", what="resolve comments")
    rows = ReviewComment.objects.filter(pk=comment.pk, resolved_at=None)
    if not rows.update(resolved_at=now(), resolved_by=actor):
        raise Conflict("This comment is resolved already.", code="move-not-possible")
    comment.refresh_from_db()
    return comment
