"""What is told to those who use a version: an event in the feed of each team, a notice to its developers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apis.models import ApiVersion, Review, Revision
from apis.selectors.versions import impact_of
from apis.services.subscriptions import OVER
from teams.models import Application, Team, User
from teams.permissions import by_rule
from teams.roles import people_with
from teams.services.events import write_events
from teams.services.notices import notify


def users_of(version: ApiVersion) -> list[Application]:
    """Return the applications that use a version: subscribed now, or seen calling in 30 days."""
    subscribed = version.subscriptions.exclude(state__in=OVER).values("application")
    called = [row.application_id for row in impact_of(version).rows]
    rows = Application.objects.filter(pk__in=subscribed) | Application.objects.filter(public_id__in=called)
    return list(rows.select_related("team").distinct().order_by("team__name", "name"))


def announce(
    version: ApiVersion, applications: Iterable[Application], *, type: str, title: str, text: str, icon: str
) -> None:
    """Tell the teams of applications: one event and one notice each, naming which of theirs are meant."""
    by_team: dict[Team, list[Application]] = {}
    for application in applications:
        by_team.setdefault(application.team, []).append(application)
    strangers = [team for team in by_team if team.pk != version.api.team_id]
    # The owner's feed has it already, from the audit log.
    write_events(type=type, target=version, teams=strangers, data=facts_of(version))
    for team, rows in by_team.items():
        names = ", ".join(row.name for row in rows)
        notify(
            people=people_with(team, "applications.manage"),
            addresses=[team.contact_email],
            title=title,
            text=f"{text}\n\nUsed by {names} of {team.name}.",
            url=catalog_path(version),
            icon=icon,
        )


def tell_users(version: ApiVersion, *, type: str, title: str, text: str, icon: str) -> None:
    """Tell everybody who uses a version."""
    announce(version, users_of(version), type=type, title=title, text=text, icon=icon)


def tell_reviewers(revision: Revision, actor: User) -> None:
    """Tell who may judge a revision that it waits; not its sender. Who asked for changes before is asked again."""
    version = revision.version
    team = version.api.team
    before = Review.objects.filter(
        revision__version=version, revision__number__lt=revision.number, verdict=Review.Verdict.REJECTED
    ).order_by("-revision__number", "-pk")
    asked = before.first()
    again = {asked.reviewer_id} if asked else set()
    reviewers = people_with(team, by_rule(team.reviewer_role, "apis.review")).exclude(pk=actor.pk)
    fields: dict[str, Any] = {
        "url": f"{workspace_path(version)}/revisions/{revision.number}/review", "icon": "eye-check",
    }  # fmt: skip
    text = f"{actor.name} sent revision {revision.number} for review."
    notify(people=reviewers.exclude(pk__in=again), title=f"{version} waits for a review", text=text, **fields)
    if asked is not None:
        notify(
            people=reviewers.filter(pk__in=again), title=f"{version} was changed as you asked",
            text=f"{text} You had asked for: {asked.comment}", **fields,
        )  # fmt: skip


def tell_author(revision: Revision, review: Review) -> None:
    """Tell the author of a revision what a reviewer said."""
    if revision.author is None:
        return
    version, is_approved = revision.version, review.verdict == Review.Verdict.APPROVED
    what = "approved" if is_approved else "asks for changes to"
    notify(
        people=[revision.author],
        title=f"{review.reviewer.name} {what} revision {revision.number} of {version}",
        text=review.comment or "Without a comment.",
        url=workspace_path(version),
        icon="circle-check" if is_approved else "message",
    )


def catalog_path(version: ApiVersion) -> str:
    """Return where the console shows a version to those who use it."""
    return f"/catalog/{version.api.team.slug}/{version.api.slug}/{version.name}"


def workspace_path(version: ApiVersion) -> str:
    """Return where the console shows a version to those who own it."""
    return f"/workspace/{version.api.team.slug}/{version.api.slug}/{version.name}"


def facts_of(version: ApiVersion) -> dict[str, Any]:
    """Return what an event tells other teams of a version: nothing that the catalog does not show them."""
    return {
        "api": {"id": version.api.public_id, "name": version.api.name, "team": version.api.team.name},
        "version": version.name,
        "state": version.state,
        "is_blocked": version.is_blocked,
        "blocked_reason": version.blocked_reason,
        "deprecated_at": version.deprecated_at.isoformat() if version.deprecated_at else None,
        "sunset_at": version.sunset_at.isoformat() if version.sunset_at else None,
        "retired_at": version.retired_at.isoformat() if version.retired_at else None,
        "successor": version.successor.public_id if version.successor else None,
    }
