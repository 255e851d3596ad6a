"""Background work of teams: events to webhooks, notices to mail, old rows out."""

from __future__ import annotations

from celery import shared_task

from teams.services import audit_chain, deliveries, events, notices


@shared_task(name="teams.tasks.dispatch_events", ignore_result=True, time_limit=120)
def dispatch_events() -> int:
    """Queue what webhooks are to be told and start one delivery task per webhook; return how many started."""
    deliveries.fan_out()
    due = deliveries.due_webhooks()
    for webhook_id in due:
        deliver_events.delay(webhook_id)
    return len(due)


@shared_task(name="teams.tasks.deliver_events", ignore_result=True, time_limit=120, expires=60)
def deliver_events(webhook_id: int) -> int:
    """Make the due deliveries of one webhook: a slow one keeps no other waiting."""
    return deliveries.deliver_due(webhook_id)


@shared_task(name="teams.tasks.mail_notices", ignore_result=True, time_limit=300)
def mail_notices() -> int:
    """Send the mails that are due."""
    return notices.mail_due_notices()


@shared_task(name="teams.tasks.seal_audit", ignore_result=True, time_limit=300)
def seal_audit() -> int:
    """Give new audit entries their places in the hash chain."""
    return audit_chain.seal_entries()


@shared_task(name="teams.tasks.check_audit", ignore_result=True, time_limit=3600)
def check_audit() -> bool:
    """Read the audit log's hash chain and tell the platform's admins when it is broken; return whether it is."""
    return audit_chain.warn_of_break()


@shared_task(name="teams.tasks.drop_old_rows", ignore_result=True, time_limit=600)
def drop_old_rows() -> None:
    """Delete events, deliveries and notices that are kept no longer."""
    deliveries.drop_old_deliveries()
    events.drop_old_events()
    notices.drop_old_notices()
    audit_chain.drop_old_entries()
