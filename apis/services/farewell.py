"""The deprecation pipeline: who uses a version, who is told when, who took note."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apis.models import ApiVersion, DeprecationNotice, SunsetReminder
from apis.selectors.versions import impact_of
from apis.services.announcements import announce, catalog_path, users_of
from common.clock import now
from common.errors import Conflict, Invalid
from teams.models import Application, User
from teams.roles import require_permission
from teams.services.audit import record_audit

# Days before the sunset on which those who still use a version are told again.
REMINDER_DAYS = (90, 30, 7, 1)


def deprecation_text(version: ApiVersion, sunset_at: datetime, successor: ApiVersion | None, reason: str) -> str:
    """Return what the notice of a deprecation says; the deprecation's page shows it before it is sent."""
    lines = [
        f"{version} of {version.api.team.name} is deprecated. It is served unchanged until {sunset_at:%-d %B %Y} and "
        "may stop any time after that. New subscriptions are refused.",
    ]
    if reason.strip():
        lines.append(reason.strip())
    if successor is not None:
        lines.append(f"Move to {successor}; what changes is told in its changelog: {catalog_path(successor)}/changelog")
    lines.append("Say that your team has taken note on the version's page.")
    return "\n\n".join(lines)


def start_farewell(version: ApiVersion) -> None:
    """Note and tell who uses a version just deprecated, plan the reminders. Part of the caller's transaction."""
    assert version.sunset_at is not None
    calls = {row.application_id: row.calls for row in impact_of(version).rows}
    applications = users_of(version)
    DeprecationNotice.objects.bulk_create(
        DeprecationNotice(version=version, application=row, calls_30_days=calls.get(row.public_id, 0))
        for row in applications
    )
    SunsetReminder.objects.bulk_create(
        SunsetReminder(version=version, days=days, due_at=due_at)
        for days in REMINDER_DAYS
        if (due_at := version.sunset_at - timedelta(days=days)) > now()
    )
    text = deprecation_text(version, version.sunset_at, version.successor, version.deprecation_reason)
    title = f"{version} is deprecated: it stops after {version.sunset_at:%-d %B %Y}"
    announce(version, applications, type="version.deprecated", title=title, text=text, icon="alarm")


def end_farewell(version: ApiVersion) -> None:
    """Take back what a deprecation planned and tell those who were told. Part of the caller's transaction."""
    notices = version.deprecation_notices.select_related("application__team")
    announce(
        version, [row.application for row in notices], type="version.deprecation_undone", icon="arrow-back-up",
        title=f"The deprecation of {version} was taken back",
        text="It is published again, without a sunset. Nothing has to be done.",
    )  # fmt: skip
    version.deprecation_notices.all().delete()
    version.sunset_reminders.all().delete()
    version.brownouts.all().delete()


def send_due_reminders() -> int:
    """Tell those who still use a version that its sunset comes near; return how many reminders were sent."""
    due = SunsetReminder.objects.filter(sent_at=None, due_at__lte=now(), version__state="deprecated")
    sent = 0
    for reminder in due.select_related("version__api__team", "version__successor__api__team").order_by("due_at"):
        with transaction.atomic():
            # Claimed by its row: of two workers one sends it.
            if SunsetReminder.objects.filter(pk=reminder.pk, sent_at=None).update(sent_at=now()):
                _remind(reminder.version)
                sent += 1
    return sent


def _remind(version: ApiVersion) -> None:
    assert version.sunset_at is not None
    left = max(0, (version.sunset_at - now()).days)
    days = "less than a day" if left == 0 else f"{left + 1} days"
    more = f" Move to {version.successor}." if version.successor else ""
    announce(
        version, users_of(version), type="version.sunset_near", icon="alarm",
        title=f"{version} stops in {days}",
        text=f"Its sunset is {version.sunset_at:%-d %B %Y %H:%M} UTC, and you still use it.{more}",
    )  # fmt: skip


def acknowledge_deprecation(*, version: ApiVersion, application: Application, actor: User) -> DeprecationNotice:
    """Say for an application that its team has taken note of a deprecation; once is enough."""
    require_permission(
        actor=actor, team=application.team, permission="applications.manage", what="take note for its applications"
    )
    notice = version.deprecation_notices.filter(application=application).first()
    if notice is None:
        raise Conflict(f"{application} was not told of a deprecation of {version}.", code="move-not-possible")
    with transaction.atomic():
        rows = DeprecationNotice.objects.filter(pk=notice.pk, acknowledged_at=None)
        if rows.update(acknowledged_at=now(), acknowledged_by=actor):
            for team in {application.team, version.api.team}:
                record_audit(
                    actor=actor, verb="version.acknowledge", target=version, team=team,
                    after={"application": application.name},
                )  # fmt: skip
    notice.refresh_from_db()
    return notice


def write_to_callers(*, version: ApiVersion, actor: User, text: str) -> int:
    """Send a message to everybody who still uses a version; return to how many applications."""
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="write to its callers")
    if not text.strip():
        raise Invalid("Write something.", errors=[{"detail": "Write something.", "pointer": "/text"}])
    applications = users_of(version)
    with transaction.atomic():
        announce(
            version, applications, type="version.message", icon="message",
            title=f"{version.api.team.name} writes about {version}", text=text.strip()[:4000],
        )  # fmt: skip
        record_audit(
            actor=actor, verb="version.write", target=version, team=version.api.team,
            after={"applications": len(applications)},
        )  # fmt: skip
    return len(applications)
