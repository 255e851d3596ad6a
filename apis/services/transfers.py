"""Offers to move an API or an application to another team: made, accepted, refused, withdrawn, lapsed."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction

from apis.models import Api, Transfer
from apis.services import api_transfer, application_transfer
from common.clock import now
from common.errors import Conflict, DomainError, Invalid
from teams.models import Application, Team, User
from teams.roles import has_permission, people_with, require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify

OPEN_FOR = timedelta(days=14)
VERBS = {"accepted": "accept", "refused": "refuse", "withdrawn": "withdraw", "expired": "lapse"}


def propose_transfer(
    *, subject: Api | Application, to_team: Team, actor: User, new_name: str = "", message: str = ""
) -> Transfer:
    """Offer an API or an application to another team; where the actor owns that team too it moves at once.

    Raise Conflict when an offer waits already, or when it could not be carried out as things are.
    """
    require_permission(actor=actor, team=subject.team, permission="team.manage", what=f"transfer {subject}")
    if to_team.pk == subject.team_id:
        raise Invalid(f"{subject} is {to_team}'s already.", errors=[
            {"detail": f"{subject} is {to_team}'s already.", "pointer": "/team"}
        ])  # fmt: skip
    transfer = Transfer(
        from_team=subject.team, to_team=to_team, new_name=new_name.strip(), message=message.strip(),
        requested_by=actor, expires_at=now() + OPEN_FOR,
        **{"api" if isinstance(subject, Api) else "application": subject},
    )  # fmt: skip
    transfer.full_clean(validate_constraints=False)
    _check(transfer, actor)
    try:
        with transaction.atomic():
            transfer.save()
            _record(transfer, "propose", actor)
            if has_permission(actor, to_team, "team.manage"):
                return accept_transfer(transfer=transfer, actor=actor)
            _ask(transfer)
    except IntegrityError as error:
        detail = f"{subject} is offered to a team already: withdraw that offer first."
        raise Conflict(detail, code="move-not-possible") from error
    return transfer


def accept_transfer(*, transfer: Transfer, actor: User, new_name: str = "") -> Transfer:
    """Move what is offered; `new_name` stands for the one the offer named. Raise Conflict when it cannot be moved."""
    require_permission(actor=actor, team=transfer.to_team, permission="team.manage", what="accept transfers")
    try:
        with transaction.atomic():
            _close(transfer, Transfer.State.ACCEPTED, actor)
            if new_name.strip():
                transfer.new_name = new_name.strip()
                transfer.full_clean(validate_constraints=False)
                transfer.save(update_fields=["new_name"])
            _check(transfer, actor)
            if transfer.api:
                api_transfer.move_api(transfer=transfer, actor=actor)
            else:
                application_transfer.move_application(transfer=transfer, actor=actor)
            _record(transfer, "accept", actor)
            _tell_giver(transfer, "was accepted", f"{transfer.subject} belongs to {transfer.to_team} now.")
    except DomainError:
        # Nothing was done, so the row in hand must not say otherwise.
        transfer.refresh_from_db()
        raise
    return transfer


def refuse_transfer(*, transfer: Transfer, actor: User, reason: str) -> Transfer:
    """Refuse an offer with a reason that the giving team reads."""
    require_permission(actor=actor, team=transfer.to_team, permission="team.manage", what="refuse transfers")
    if not reason.strip():
        raise Invalid("Give a reason.", errors=[{"detail": "Give a reason.", "pointer": "/reason"}])
    with transaction.atomic():
        _close(transfer, Transfer.State.REFUSED, actor, reason.strip()[:500])
        _record(transfer, "refuse", actor)
        _tell_giver(transfer, "was refused", transfer.reason)
    return transfer


def withdraw_transfer(*, transfer: Transfer, actor: User) -> Transfer:
    """Take back an offer that waits."""
    require_permission(actor=actor, team=transfer.from_team, permission="team.manage", what="withdraw transfers")
    with transaction.atomic():
        _close(transfer, Transfer.State.WITHDRAWN, actor)
        _record(transfer, "withdraw", actor)
    return transfer


def lapse_transfers() -> int:
    """Close the offers that nobody answered in time, and tell who had made them; return how many."""
    due = Transfer.objects.filter(state=Transfer.State.PENDING, expires_at__lte=now())
    lapsed = 0
    for transfer in due.select_related("api", "application", "from_team", "to_team", "requested_by"):
        with transaction.atomic():
            try:
                _close(transfer, Transfer.State.EXPIRED, None)
            except Conflict:
                # Somebody withdrew it at this very moment.
                continue
            _record(transfer, "lapse", None)
            _tell_giver(transfer, "was not answered", f"Nobody of {transfer.to_team} answered within 14 days.")
            lapsed += 1
    return lapsed


def _check(transfer: Transfer, actor: User) -> None:
    if transfer.api:
        api_transfer.check_api(api=transfer.api, to_team=transfer.to_team, new_name=transfer.new_name)
    elif transfer.application:
        application_transfer.check_application(
            application=transfer.application, to_team=transfer.to_team, new_name=transfer.new_name, actor=actor
        )


def _close(transfer: Transfer, state: str, actor: User | None, reason: str = "") -> None:
    """Leave the state of waiting; of two who answer at once the second gets a Conflict."""
    moment = now()
    rows = Transfer.objects.filter(pk=transfer.pk, state=Transfer.State.PENDING)
    if state != Transfer.State.EXPIRED:
        rows = rows.filter(expires_at__gt=moment)
    changed = rows.update(state=state, decided_by=actor, decided_at=moment, reason=reason)
    transfer.refresh_from_db(fields=["state", "decided_by", "decided_at", "reason"])
    if not changed:
        is_open = transfer.state == Transfer.State.PENDING
        word = "has expired" if is_open else f"is {transfer.get_state_display().lower()} already"
        raise Conflict(f"The transfer of {transfer.subject} {word}.", code="move-not-possible")


def _record(transfer: Transfer, verb: str, actor: User | None) -> None:
    after = {
        "what": transfer.subject._meta.model_name, "id": transfer.subject.public_id, "name": transfer.subject.name,
        "from": transfer.from_team.name, "to": transfer.to_team.name, "state": transfer.state,
    }  # fmt: skip
    for team in (transfer.from_team, transfer.to_team):
        record_audit(
            actor=actor, verb=f"transfer.{verb}", target=transfer, team=team, after=after,
            reason=transfer.reason or transfer.message,
        )  # fmt: skip


def _ask(transfer: Transfer) -> None:
    title = f"{transfer.from_team} offers {transfer.subject} to {transfer.to_team}"
    text = f"{transfer.message}\n\n" if transfer.message else ""
    text += f"Nothing moves until an owner accepts, until {transfer.expires_at:%-d %B %Y}."
    notify(
        people=people_with(transfer.to_team, "team.manage"), icon="arrow-right", title=title, text=text,
        url=f"/transfers/{transfer.public_id}",
    )  # fmt: skip


def _tell_giver(transfer: Transfer, what: str, text: str) -> None:
    people = {person.pk: person for person in people_with(transfer.from_team, "team.manage")}
    people[transfer.requested_by.pk] = transfer.requested_by
    if transfer.decided_by:
        people.pop(transfer.decided_by.pk, None)
    is_done = transfer.state == Transfer.State.ACCEPTED
    notify(
        people=people.values(), icon="circle-check" if is_done else "circle-x", text=text,
        title=f"The transfer of {transfer.subject} to {transfer.to_team} {what}",
        url=f"/transfers/{transfer.public_id}",
    )  # fmt: skip
