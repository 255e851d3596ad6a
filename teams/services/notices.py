"""Notices to people: written with the change they tell of, mailed afterwards, read in the console."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F

from common.clock import now
from teams.models import Notice, Team, User
from teams.roles import people_with

logger = logging.getLogger("gatehouse.teams.notices")
MAIL_RETRY_SECONDS = (60, 600, 3_600, 14_400, 43_200)
MAIL_BATCH = 50
KEPT = timedelta(days=180)


def notify(
    *,
    people: Iterable[User],
    title: str,
    text: str,
    url: str,
    icon: str = "bell",
    addresses: Iterable[str] = (),
    is_urgent: bool = False,
) -> int:
    """Write one notice per person, and one mail per further address that is nobody's of them; return how many.

    What is urgent is mailed to those who want no mails too.
    """
    told = {person.pk: person for person in people if not person.is_service_account}
    known = {person.email.lower() for person in told.values()}
    fields = {"title": title[:200], "text": text, "url": url[:500], "icon": icon}
    rows = [
        Notice(user=person, mail_state="queued" if person.wants_mail or is_urgent else "none", **fields)
        for person in told.values()
    ]
    rows += [
        Notice(address=address, **fields)
        for address in dict.fromkeys(address.lower() for address in addresses if address)
        if address not in known
    ]
    return len(Notice.objects.bulk_create(rows))


def notify_owners(*, team: Team, title: str, text: str, url: str, icon: str = "bell") -> int:
    """Write a notice to each of those who manage a team."""
    return notify(people=people_with(team, "team.manage"), title=title, text=text, url=url, icon=icon)


def read_notice(*, notice: Notice) -> None:
    """Mark a notice as read."""
    Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=now())


def read_all_notices(*, user: User) -> int:
    """Mark all of a person's notices as read; return how many were not."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=now())


def mail_due_notices() -> int:
    """Send the mails that are due; return how many went. One that fails is tried again for a day, then given up."""
    due = list(
        Notice.objects.filter(mail_state=Notice.MailState.QUEUED, mail_next_at__lte=now())
        .select_related("user")
        .order_by("mail_next_at")[:MAIL_BATCH]
    )
    sent = 0
    for notice in due:
        # Claimed first: of two workers one sends it, and one that died leaves it to the next try.
        claimed = Notice.objects.filter(
            pk=notice.pk, mail_state=Notice.MailState.QUEUED, mail_attempts=notice.mail_attempts
        ).update(
            mail_attempts=F("mail_attempts") + 1,
            mail_next_at=now() + timedelta(seconds=MAIL_RETRY_SECONDS[min(notice.mail_attempts, 4)]),
        )
        sent += bool(claimed) and _mail(notice)
    return sent


def _mail(notice: Notice) -> bool:
    address = notice.user.email if notice.user else notice.address
    link = f"{settings.GATEHOUSE_CONSOLE_URL}{notice.url}"
    message = EmailMessage(notice.title, f"{notice.text}\n\n{link}\n", to=[address], connection=get_connection())
    try:
        message.send()
    except (SMTPException, OSError) as error:
        reason = (str(error) or type(error).__name__)[:300]
        is_last = notice.mail_attempts + 1 >= len(MAIL_RETRY_SECONDS)
        state = Notice.MailState.FAILED if is_last else Notice.MailState.QUEUED
        Notice.objects.filter(pk=notice.pk).update(mail_error=reason, mail_state=state)
        logger.warning("event=mail_failed notice=%s reason=%s", notice.public_id, reason)
        return False
    Notice.objects.filter(pk=notice.pk).update(mail_state=Notice.MailState.SENT, mail_error="")
    return True


def drop_old_notices() -> int:
    """Delete notices older than 180 days."""
    return Notice.objects.filter(created_at__lt=now() - KEPT).delete()[0]
