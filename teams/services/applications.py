"""Applications: create and change."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from common.errors import Conflict, Stale
from teams.models import Application, Team, User
from teams.roles import require_permission
from teams.services.audit import record_audit
from teams.signals import application_changed


def create_application(*, team: Team, name: str, actor: User, description: str = "") -> Application:
    """Create an application of a team; raise Conflict when the team has one of this name."""
    require_permission(actor=actor, team=team, permission="applications.manage", what="create applications")
    application = Application(team=team, name=name.strip(), description=description.strip(), created_by=actor)
    application.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            application.save()
            record_audit(
                actor=actor,
                verb="application.create",
                target=application,
                team=team,
                after={"name": application.name, "description": application.description},
            )
    except IntegrityError as error:
        raise Conflict(f"{team.name} has an application called {name.strip()} already.", code="name-taken") from error
    return application


def update_application(
    *, application: Application, actor: User, name: str, description: str = "", row_version: int | None = None
) -> Application:
    """Rename an application; with `row_version` raise Stale when somebody was faster."""
    require_permission(actor=actor, team=application.team, permission="applications.manage", what="change applications")
    before = {"name": application.name, "description": application.description}
    application.name, application.description = name.strip(), description.strip()
    application.full_clean(validate_constraints=False)
    seen = application.row_version if row_version is None else row_version
    try:
        with transaction.atomic():
            moved = Application.objects.filter(pk=application.pk, row_version=seen).update(
                name=application.name, description=application.description, row_version=F("row_version") + 1
            )
            if moved != 1:
                raise Stale(f"Somebody changed {before['name']} meanwhile. Read it again and repeat the change.")
            application.refresh_from_db()
            record_audit(
                actor=actor,
                verb="application.update",
                target=application,
                team=application.team,
                before=before,
                after={"name": application.name, "description": application.description},
            )
            application_changed.send(Application, application=application)
    except IntegrityError as error:
        detail = f"{application.team.name} has an application called {name} already."
        raise Conflict(detail, code="name-taken") from error
    return application
