"""The Celery application and the one beat schedule."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("gatehouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Times are seconds. What a task does stands with the task.
app.conf.beat_schedule = {
    "run-lost-imports": {"task": "apis.tasks.run_lost_imports", "schedule": 60.0, "options": {"expires": 60}},
    "retire-at-sunset": {"task": "apis.tasks.retire_at_sunset", "schedule": 60.0, "options": {"expires": 60}},
    "send-reminders": {"task": "apis.tasks.send_sunset_reminders", "schedule": 60.0, "options": {"expires": 60}},
    "end-lint-waivers": {"task": "apis.tasks.end_lint_waivers", "schedule": 300.0, "options": {"expires": 300}},
    "lapse-requests": {"task": "apis.tasks.lapse_requests", "schedule": 60.0, "options": {"expires": 60}},
    "lapse-transfers": {"task": "apis.tasks.lapse_transfers", "schedule": 60.0, "options": {"expires": 60}},
    "make-planned-moves": {"task": "apis.tasks.make_planned_moves", "schedule": 5.0, "options": {"expires": 5}},
    "dispatch-events": {"task": "teams.tasks.dispatch_events", "schedule": 2.0, "options": {"expires": 2}},
    "seal-audit": {"task": "teams.tasks.seal_audit", "schedule": 10.0, "options": {"expires": 10}},
    "check-audit": {"task": "teams.tasks.check_audit", "schedule": 21_600.0, "options": {"expires": 3600}},
    "mail-notices": {"task": "teams.tasks.mail_notices", "schedule": 5.0, "options": {"expires": 5}},
    "drop-old-rows": {"task": "teams.tasks.drop_old_rows", "schedule": 3600.0, "options": {"expires": 3600}},
    "roll-up-usage": {"task": "usage.tasks.roll_up_dirty_minutes", "schedule": 5.0, "options": {"expires": 5}},
    "write-cost-reports": {"task": "usage.tasks.write_cost_reports", "schedule": 15.0, "options": {"expires": 15}},
    "keep-budgets-open": {
        "task": "gateway.control.tasks.keep_budgets_open",
        "schedule": 2.0,
        "options": {"expires": 2},
    },
    "settle-canaries": {
        "task": "gateway.control.tasks.settle_canaries",
        "schedule": 2.0,
        "options": {"expires": 2},
    },
    "compact-changelog": {
        "task": "gateway.control.tasks.compact_changelog",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "recount-version-uses": {
        "task": "usage.tasks.recount_version_uses",
        "schedule": 21_600.0,
        "options": {"expires": 3600},
    },
    "drop-old-usage": {"task": "usage.tasks.drop_old_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
}


def _mark_ready(name: str) -> None:
    folder = Path(os.environ.get("GATEHOUSE_HOME", "var")) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ready").touch()


@worker_ready.connect
def _on_worker_ready(**_: object) -> None:
    _mark_ready("worker")


@beat_init.connect
def _on_beat_init(**_: object) -> None:
    _mark_ready("beat")
