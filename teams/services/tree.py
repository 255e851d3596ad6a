"""The tree of teams: a team under another one, moved, deleted. One lock for all of it, so that no cycle can arise."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import F, ProtectedError

from common.errors import Conflict, Invalid, NotAllowed, Stale
from teams.models import Invitation, Membership, Team, User
from teams.roles import NOTHING, allowing, require_permission
from teams.services.audit import record_audit
from teams.services.grants import require_within
from teams.signals import team_moved

MAX_DEPTH = 5
# One number for this lock among PostgreSQL's advisory locks.
TREE_LOCK = 7_302
# How strict a rule is: the greater the stricter.
STRICTNESS: dict[str, Any] = {
    "required_approvals": lambda team: team.required_approvals,
    "minimum_notice_days": lambda team: team.minimum_notice_days,
    "reviewer_role": lambda team: team.reviewer_role == "owner",
}
RULES = {
    "required_approvals": "approvals", "minimum_notice_days": "days of notice", "reviewer_role": "who reviews",
}  # fmt: skip


def lock_tree() -> None:
    """Let one transaction at a time change the tree or its rules, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])


def place_below(team: Team, parent: Team | None) -> None:
    """Set a team's place under the tree's lock; raise Conflict for a cycle or a tree that gets too deep."""
    if parent is None:
        team.parent, team.ancestor_ids = None, []
        return
    parent = Team.objects.get(pk=parent.pk)
    if team.pk is not None and team.pk in parent.lineage:
        raise Conflict(f"{parent.name} lies below {team.name} or is it: choose another team.", code="tree-cycle")
    height = max((len(row.ancestor_ids) - len(team.ancestor_ids) for row in below(team)), default=0) if team.pk else 0
    if len(parent.lineage) + 1 + height > MAX_DEPTH:
        raise Conflict(f"The tree would be deeper than {MAX_DEPTH} levels: choose a team higher up.", code="tree-depth")
    team.parent, team.ancestor_ids = parent, [*parent.ancestor_ids, parent.pk]
    check_rules(team, parent)


def below(team: Team) -> list[Team]:
    """Return the teams below a team, on all levels."""
    return list(Team.objects.filter(ancestor_ids__contains=[team.pk]).order_by("pk"))


def check_rules(team: Team, parent: Team) -> None:
    """Raise Invalid where a team is laxer than the one above it."""
    errors = [
        {"detail": f"{parent.name} is stricter ({RULES[name]}): a team below it may be stricter still, never laxer.",
         "pointer": f"/{name}"}
        for name, strictness in STRICTNESS.items()
        if strictness(team) < strictness(parent)
    ]  # fmt: skip
    if errors:
        raise Invalid(errors[0]["detail"], errors=errors)


def check_children(team: Team) -> None:
    """Raise Invalid where a team would be stricter than one right below it."""
    for child in team.children.order_by("name"):
        for name, strictness in STRICTNESS.items():
            if strictness(child) < strictness(team):
                detail = f"{child.name} lies below and is laxer ({RULES[name]}): make it stricter first."
                raise Invalid(detail, errors=[{"detail": detail, "pointer": f"/{name}"}])


def move_team(*, team: Team, parent: Team | None, actor: User, row_version: int | None = None) -> Team:
    """Put a team with all below it under another one, or for None at the top.

    Asked are those who manage the team above it now, and the one it goes to; what members there may do in it from then
    on, the mover must be allowed in it already. Raise Conflict for a cycle, and where members would keep a role of a
    team that is above them no more.
    """
    with transaction.atomic():
        lock_tree()
        team.refresh_from_db()
        require_permission(actor=actor, team=team, permission="team.manage", what="move it")
        if row_version is not None and team.row_version != row_version:
            raise Stale(f"Somebody changed {team.name} meanwhile. Read it again and repeat the change.")
        before, old = team.parent, list(team.ancestor_ids)
        for place in (before, parent):
            if place is not None:
                require_permission(actor=actor, team=place, permission="team.manage", what="move teams in and out")
        if parent is not None:
            what = f"move {team.name} below {parent.name}"
            require_within(actor=actor, team=team, permissions=_given_by(parent, old), what=what)
        subtree = below(team)
        place_below(team, parent)
        if parent is None and before is not None:
            _keep_own_manager(team)
        _keep_roles([team, *subtree], set(old) - set(team.ancestor_ids))
        moved = Team.objects.filter(pk=team.pk).update(
            parent=team.parent, ancestor_ids=team.ancestor_ids, row_version=F("row_version") + 1
        )
        assert moved == 1
        for row in subtree:
            row.ancestor_ids = [*team.ancestor_ids, *row.ancestor_ids[row.ancestor_ids.index(team.pk) :]]
        Team.objects.bulk_update(subtree, ["ancestor_ids"])
        team.refresh_from_db()
        record_audit(
            actor=actor, verb="team.move", target=team, team=team,
            before={"parent": before.slug if before else None},
            after={"parent": team.parent.slug if team.parent else None},
        )  # fmt: skip
        team_moved.send(sender=Team, team=team, above=set(old) ^ set(team.ancestor_ids))
    return team


def delete_team(*, team: Team, actor: User) -> None:
    """Delete a team that owns nothing any more; raise Conflict with what it still has."""
    require_permission(actor=actor, team=team, permission="team.manage", what="delete it")
    if team.parent is None and not actor.is_platform_admin:
        raise NotAllowed(f"Only a platform admin may delete {team.name}: it lies at the top.")
    with transaction.atomic():
        lock_tree()
        if children := [child.name for child in team.children.order_by("name")[:20]]:
            raise Conflict(
                f"{team.name} has teams below it: {', '.join(children)}. Move or delete them first.",
                code="team-in-use", teams=children,
            )  # fmt: skip
        record_audit(actor=actor, verb="team.delete", target=team, team=None, before={"slug": team.slug})
        try:
            with transaction.atomic():
                team.delete()
        except ProtectedError as error:
            kinds = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})
            detail = f"{team.name} still has {', '.join(kinds)}: hand over or delete them first."
            raise Conflict(detail, code="team-in-use", kinds=kinds) from error


def _given_by(parent: Team, known: list[int]) -> frozenset[str]:
    """Return what roles in a team and those above it allow, but for teams that were above already."""
    above = Membership.objects.filter(team__in=set(parent.lineage) - set(known)).select_related("custom_role")
    return NOTHING.union(*(row.allowed for row in above))


def _keep_own_manager(team: Team) -> None:
    if not Membership.objects.filter(allowing("members.manage"), team=team).exists():
        raise Conflict(
            f"At the top {team.name} needs an owner of its own: give somebody that role first.", code="last-owner"
        )


def _keep_roles(teams: list[Team], lost: set[int]) -> None:
    """Raise Conflict where members hold a role that teams make who would be above them no more."""
    held = Membership.objects.filter(team__in=teams, custom_role__team__in=lost)
    rows = held.order_by("pk").values_list("user__name", "custom_role__name")[:10]
    offers = Invitation.objects.filter(team__in=teams, custom_role__team__in=lost, accepted_at=None, withdrawn_at=None)
    named = [*rows, *offers.order_by("pk").values_list("email", "custom_role__name")[:10]]
    if named:
        people = ", ".join(f"{who} ({role})" for who, role in named)
        raise Conflict(
            f"These have, or are offered, a role of a team that would be above them no more: {people}. "
            "Give them another first, or withdraw the invitation.",
            code="role-in-use",
        )
