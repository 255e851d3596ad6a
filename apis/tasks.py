"""Background work of apis."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task

from apis.models import ApiVersion, ImportJob
from apis.services import farewell, linting, planned_moves, retirement, subscriptions, transfers
from apis.services.imports import fail_import, finish_import
from common.clock import now
from common.errors import Conflict
from teams.models import Team

logger = logging.getLogger("gatehouse.apis.tasks")
# An import still waiting after this time was never enqueued, or its message was lost.
LOST_AFTER = timedelta(minutes=2)


@shared_task(name="apis.tasks.run_import", ignore_result=True, time_limit=300, soft_time_limit=240)
def run_import(job_id: int) -> None:
    """Carry out one queued import; running it twice does it once."""
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None:
        return
    ImportJob.objects.filter(pk=job_id, state=ImportJob.State.QUEUED).update(state=ImportJob.State.RUNNING)
    try:
        finish_import(job=job)
    except Exception:
        logger.exception("import failed job=%s", job.public_id)
        fail_import(job=job, detail="The import stopped with an error on our side. Try it again.", findings=[])


@shared_task(name="apis.tasks.retire_at_sunset", ignore_result=True, time_limit=600)
def retire_at_sunset() -> int:
    """Retire what has passed its sunset with nobody calling; return how many. One that fails keeps no other waiting."""
    due = ApiVersion.objects.filter(state=ApiVersion.State.DEPRECATED, sunset_at__lte=now())
    retired = 0
    for version in due.select_related("api__team").order_by("sunset_at"):
        try:
            retired += retirement.retire_at_sunset(version=version)
        except Conflict:
            logger.info("somebody else moved version=%s at its sunset", version.public_id)
        except Exception:
            logger.exception("retirement at the sunset failed version=%s", version.public_id)
    return retired


@shared_task(name="apis.tasks.lapse_requests", ignore_result=True, time_limit=600)
def lapse_requests() -> int:
    """Close the requests for subscriptions that nobody answered in time."""
    return subscriptions.lapse_requests()


@shared_task(name="apis.tasks.lapse_transfers", ignore_result=True, time_limit=600)
def lapse_transfers() -> int:
    """Close the offers to other teams that nobody answered in time."""
    return transfers.lapse_transfers()


@shared_task(name="apis.tasks.rescore_documents", ignore_result=True, time_limit=1800)
def rescore_documents(team_id: int | None) -> int:
    """Score the documents of a team, or of all, by the rules as they are now."""
    return linting.rescore(Team.objects.get(pk=team_id) if team_id else None)


@shared_task(name="apis.tasks.end_lint_waivers", ignore_result=True, time_limit=600)
def end_lint_waivers() -> int:
    """Take away the lint waivers whose day has come, and score their versions anew."""
    return linting.end_expired_waivers()


@shared_task(name="apis.tasks.send_sunset_reminders", ignore_result=True, time_limit=600)
def send_sunset_reminders() -> int:
    """Tell those who still use a deprecated version that its sunset comes near."""
    return farewell.send_due_reminders()


@shared_task(name="apis.tasks.make_planned_moves", ignore_result=True, time_limit=600)
def make_planned_moves() -> int:
    """Make the planned moves whose moment has come."""
    return planned_moves.make_due_moves()


@shared_task(name="apis.tasks.run_lost_imports", ignore_result=True, time_limit=600)
def run_lost_imports() -> None:
    """Carry out imports whose message never arrived."""
    lost = ImportJob.objects.filter(state=ImportJob.State.QUEUED, created_at__lt=now() - LOST_AFTER)
    for job_id in list(lost.order_by("id").values_list("pk", flat=True)[:20]):
        run_import(job_id)
