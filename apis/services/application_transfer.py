"""Moves an application to another team: its keys and subscriptions work on."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from apis.models import ApiVersion, Transfer
from apis.selectors.transfers import OVER, unusable
from apis.selectors.visibility import visible_apis
from apis.signals import version_changed
from common.errors import Conflict
from teams.models import Application, Credential, Team, User
from teams.roles import people_with
from teams.services.audit import record_audit
from teams.services.notices import notify
from teams.signals import application_changed, credential_changed


def check_application(*, application: Application, to_team: Team, new_name: str, actor: User) -> None:
    """Raise Conflict when an application cannot move to a team: its name is taken, or calls would be refused there."""
    name = new_name or application.name
    if to_team.applications.filter(name=name).exists():
        raise _name_taken(to_team, name)
    live = application.subscriptions.exclude(state__in=OVER).select_related("version__api__team")
    lost = unusable(list(live), to_team)
    if not lost:
        return
    # An API is named to those alone who may know of it.
    known = set(visible_apis(actor).filter(pk__in=[row.version.api_id for row in lost]).values_list("pk", flat=True))
    names = sorted({str(row.version) for row in lost if row.version.api_id in known})
    if hidden := sum(row.version.api_id not in known for row in lost):
        names.append(f"{hidden} that you may not see")
    detail = (
        f"{application} is subscribed to what is not shared with {to_team}: {', '.join(names)}. "
        f"Ask their owners to share them with {to_team}, or end these subscriptions first."
    )
    raise Conflict(detail, code="not-shared")


def move_application(*, transfer: Transfer, actor: User) -> Application:
    """Carry an accepted transfer out, inside its transaction."""
    giver, team = transfer.from_team, transfer.to_team
    rows = Application.objects.select_for_update(of=("self",)).select_related("team")
    application = rows.get(transfers=transfer)
    if application.team_id != giver.pk:
        raise Conflict(f"{application} does not belong to {giver} any more.", code="move-not-possible")
    before = {"team": giver.name, "name": application.name}
    application.team, application.name = team, transfer.new_name or application.name
    try:
        with transaction.atomic():
            application.row_version = F("row_version") + 1  # type: ignore[assignment]
            application.save(update_fields=["team", "name", "row_version"])
    except IntegrityError as error:
        raise _name_taken(team, application.name) from error
    application.refresh_from_db(fields=["row_version"])
    application_changed.send(Application, application=application)
    for credential in application.credentials.filter(revoked_at=None):
        credential_changed.send(Credential, credential=credential)
    for version in ApiVersion.objects.filter(preview_applications=application).order_by("pk"):
        version_changed.send(ApiVersion, version=version)
    after = {"team": team.name, "name": application.name}
    for told in (giver, team):
        record_audit(
            actor=actor, verb="application.transfer", target=application, team=told, before=before, after=after
        )
    notify(
        people=people_with(team, "applications.manage").exclude(pk=actor.pk), icon="arrow-right",
        title=f"The application {application} belongs to {team} now",
        text=f"It was {giver}'s. Its keys and subscriptions work on.", url=f"/applications/{application.public_id}",
    )  # fmt: skip
    transfer.application = application
    return application


def _name_taken(team: Team, name: str) -> Conflict:
    return Conflict(f"{team} has an application called {name} already. Choose another name.", code="name-taken")
