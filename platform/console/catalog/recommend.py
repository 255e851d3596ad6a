"""Which operation a newcomer should call first."""

from __future__ import annotations

from urllib.parse import quote

from apis.models import ApiVersion, Operation
from apis.selectors import visible_versions
from teams.models import User


def operation_url(version: ApiVersion, operation_id: str) -> str:
    """Return the page of one operation."""
    api = version.api
    return f"/catalog/{api.team.slug}/{api.slug}/{version.name}/docs/{quote(operation_id, safe='')}"


def first_operation_url(user: User) -> str:
    """Return a plain GET of the oldest published REST API with a plan that needs no approval, else the catalog."""
    version = (
        visible_versions(user)
        .filter(state="published", api__kind="rest", api__plans__is_open=True, api__plans__requires_approval=False)
        .order_by("published_at")
        .first()
    )
    if version is None:
        return "/catalog"
    operations = Operation.objects.filter(revision__version=version, revision__state="current").order_by("position")
    plain = operations.filter(method="GET").exclude(path__contains="{").first() or operations.first()
    return operation_url(version, plain.operation_id) if plain else "/catalog"
