"""Who calls a version, and when keys were last used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from apis.models import Api, ApiVersion
from apis.ports import Caller, OperationCaller
from common.clock import now
from teams.models import Application
from usage.models import CredentialUse, UsageDay, UsageHour, VersionUse
from usage.selectors.summaries import floor


def callers_of(version: ApiVersion, days: int) -> list[Caller]:
    """Return the applications that called a version in the last `days`, most calls first. Try-it calls count too."""
    moment = now()
    week_ago = floor(moment - timedelta(days=7), "hour")
    rows = list(
        UsageHour.objects.filter(
            version_id=version.public_id, start_at__gte=floor(moment - timedelta(days=days), "hour")
        )
        .exclude(application_id="")
        .values("application_id")
        .annotate(n=Sum("calls"), week=Sum("calls", filter=Q(start_at__gte=week_ago)), last=Max("last_at"))
        .order_by("-n", "application_id")
    )
    applications = {
        application.public_id: application
        for application in Application.objects.select_related("team", "created_by").filter(
            public_id__in=[row["application_id"] for row in rows]
        )
    }
    return [
        _caller(row["application_id"], applications.get(row["application_id"]), row["n"], row["week"] or 0, row["last"])
        for row in rows
    ]


def calls_of_api(api: Api, days: int) -> int:
    """Return how many calls all versions of an API had in the last `days`. Try-it calls count too."""
    names = list(api.versions.values_list("public_id", flat=True))
    since = floor(now() - timedelta(days=days), "hour")
    return UsageHour.objects.filter(version_id__in=names, start_at__gte=since).aggregate(n=Sum("calls"))["n"] or 0


def caller_counts(apis: Iterable[int]) -> dict[int, int]:
    """Return how many applications called each API (by its key) in the last 30 days; without any it is absent."""
    rows = VersionUse.objects.filter(version__api__in=list(apis)).values_list("version__api")
    return dict(rows.annotate(Count("application", distinct=True)))


def callers_of_operations(version: ApiVersion, days: int) -> dict[str, list[OperationCaller]]:
    """Return, by operation id, the applications that called it in the last `days`, most calls first."""
    rows = (
        UsageHour.objects.filter(
            version_id=version.public_id, start_at__gte=floor(now() - timedelta(days=days), "hour")
        )
        .exclude(application_id="")
        .exclude(operation_id="")
        .values_list("operation_id", "application_id")
        .annotate(n=Sum("calls"))
        .order_by("-n", "application_id")
    )
    found: dict[str, list[OperationCaller]] = {}
    names = dict(Application.objects.filter(public_id__in={row[1] for row in rows}).values_list("public_id", "name"))
    for operation, application, calls in rows:
        name = names.get(application, "A deleted application")
        found.setdefault(operation, []).append(OperationCaller(application, name, calls))
    return found


def daily_callers(version: ApiVersion, days: int) -> dict[date, dict[str, int]]:
    """Return, by UTC day of the last `days` (today included), the calls of each application by its public id."""
    first = floor(now() - timedelta(days=days - 1), "day")
    found: dict[date, dict[str, int]] = {(first + timedelta(days=n)).date(): {} for n in range(days)}
    rows = (
        UsageDay.objects.filter(version_id=version.public_id, start_at__gte=first)
        .exclude(application_id="")
        .values_list("start_at", "application_id")
        .annotate(n=Sum("calls"))
    )
    for start, application, calls in rows:
        found.setdefault(start.astimezone(UTC).date(), {})[application] = calls
    return found


def _caller(
    application_id: str, application: Application | None, calls: int, week: int, last: datetime | None
) -> Caller:
    return Caller(
        application_id=application_id,
        application_name=application.name if application else "A deleted application",
        team_name=application.team.name if application else "",
        contact_email=(application.team.contact_email or application.created_by.email) if application else "",
        calls=calls,
        calls_7_days=week,
        last_call_at=last,
    )


def last_used(credential_ids: Iterable[str]) -> dict[str, datetime]:
    """Return when keys (by public id) were last seen at the gateway; a key never used is absent."""
    return dict(
        CredentialUse.objects.filter(credential_id__in=list(credential_ids)).values_list(
            "credential_id", "last_used_at"
        )
    )
