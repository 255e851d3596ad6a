"""Every state, command and role of a version works, or is refused with the right problem; made from the table."""

from datetime import timedelta

import pytest

from apis.lifecycle import ALL_VERSION_MOVES, VERSION_STATES, find_move, overlay_moves, permission_of
from apis.models import ApiVersion, Deployment, Environment, Review
from apis.services.blocking import block_version, lift_block
from apis.services.deprecation import deprecate_version, undo_deprecation
from apis.services.preview import end_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.retirement import archive_version, restore_version, retire_version
from apis.services.reviews import reopen_draft, review_revision, submit_for_review, withdraw_from_review
from common.clock import now
from common.errors import Conflict, NotAllowed, NotFound
from teams.models import CustomRole, Membership
from teams.permissions import BUILT_IN

pytestmark = pytest.mark.django_db
# Somebody who judges and publishes what others design, in a role of the team's own.
CAPTAIN = frozenset({"team.view", "apis.review", "apis.publish"})
ALLOWED = {**BUILT_IN, "captain": CAPTAIN, "stranger": frozenset()}
COMMANDS = tuple(dict.fromkeys(move.name for move in ALL_VERSION_MOVES))


@pytest.fixture
def people(owner, publisher, developer, member, stranger, make_user, team):
    captain = make_user("captain")
    role = CustomRole.objects.create(team=team, slug="captain", name="Captain", permissions=sorted(CAPTAIN))
    Membership.objects.create(user=captain, team=team, custom_role=role)
    return {
        "owner": owner, "publisher": publisher, "developer": developer, "viewer": member, "captain": captain,
        "stranger": stranger,
    }  # fmt: skip


@pytest.fixture
def version(make_api, team, make_user) -> ApiVersion:
    """A draft that somebody else wrote, of a team that asks for one approval."""
    author = make_user("author", team, "developer")
    draft = make_api(actor=author).versions.get()
    team.required_approvals = 1
    team.save()
    return ApiVersion.objects.get(pk=draft.pk)


def put_into(version: ApiVersion, state: str) -> None:
    """Give the row what a version in a state has; the way there is other tests' matter."""
    revision = version.revisions.get()
    revision.state = state if state in ("draft", "in_review", "approved") else "current"
    revision.save()
    moment = now()
    fields = {"state": state}
    if state in ("preview", "published", "deprecated", "retired"):
        environment, _ = Environment.objects.get_or_create(slug="production", defaults={"name": "Production"})
        Deployment.objects.create(version=version, environment=environment, revision=revision)
    if state in ("deprecated", "retired"):
        fields |= {"deprecated_at": moment, "sunset_at": moment + timedelta(days=9)}
    if state == "retired":
        fields |= {"retired_at": moment}
    ApiVersion.objects.filter(pk=version.pk).update(**fields)
    version.refresh_from_db()


def run(command: str, version: ApiVersion, actor, application) -> None:
    """Carry a command out with all that its form asks for."""
    revision = version.revisions.get()
    revision.version = version
    plain = {
        "submit": submit_for_review, "withdraw": withdraw_from_review, "reopen": reopen_draft,
        "publish": publish_version, "end_preview": end_preview, "undo_deprecation": undo_deprecation,
        "restore": restore_version, "archive": archive_version, "lift_block": lift_block,
    }  # fmt: skip
    if command in plain:
        plain[command](version=version, actor=actor)
    elif command in ("approve", "reject"):
        verdict = Review.Verdict.APPROVED if command == "approve" else Review.Verdict.REJECTED
        review_revision(revision=revision, verdict=verdict, comment="Because.", actor=actor)
    elif command == "preview":
        start_preview(version=version, actor=actor, applications=[application])
    elif command == "block":
        block_version(version=version, actor=actor, reason="Leak.")
    elif command == "deprecate":
        deprecate_version(version=version, actor=actor, sunset_at=now() + timedelta(days=9), reason="Old.")
    else:
        assert command == "retire"
        retire_version(version=version, actor=actor, override_reason="Leak.", typed_name="orders/v1")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", VERSION_STATES)
def test_each_role_works_or_is_refused_with_its_problem(state, command, people, version, application):
    put_into(version, state)
    move = find_move(command, state)
    is_possible = move is not None
    if command in ("block", "lift_block"):
        is_possible = any(found.name == command for found in overlay_moves(state, is_blocked=False))
    for role, allowed in ALLOWED.items():
        if role == "stranger":
            refusal = NotFound
        elif permission_of(command) not in allowed:
            refusal = NotAllowed
        elif not is_possible:
            refusal = Conflict
        else:
            continue
        with pytest.raises(refusal) as caught:
            run(command, version, people[role], application)
        assert caught.value.detail
        if refusal is Conflict:
            assert caught.value.code == "move-not-possible"
        version.refresh_from_db()
        assert version.state == state
    if is_possible:
        able = [role for role in ("captain", "owner") if permission_of(command) in ALLOWED[role]]
        run(command, version, people[able[0]], application)
        version = ApiVersion.objects.get(pk=version.pk)
        assert version.state == (state if move is None else move.target)
        assert version.is_blocked is (command == "block")
