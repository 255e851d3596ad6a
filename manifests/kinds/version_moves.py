"""From the state a version is in to the one its manifest names: the legal moves, each by its service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from apis.guards import working_revision
from apis.lifecycle import VERSION_STATES
from apis.models import ApiVersion
from apis.selectors import impact_of, version_for
from apis.services.deprecation import deprecate_version, undo_deprecation
from apis.services.preview import end_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.retirement import archive_version, restore_version, retire_version
from apis.services.reviews import reopen_draft, submit_for_review, withdraw_from_review
from common.errors import Conflict, Invalid
from manifests.kinds.kind import Step, read_moment
from teams.models import Application, User

# What a manifest may ask for. Approval is what others give: an approved version is in review for a manifest.
STATES = ("draft", "in_review", "preview", "published", "deprecated", "retired", "archived")
DEPRECATION = ("sunset_at", "deprecation_reason", "successor")


def shown_state(version: ApiVersion) -> str:
    """Return a version's state in the words of manifests."""
    return "in_review" if version.state == ApiVersion.State.APPROVED else version.state


def move_to(version: ApiVersion, spec: Mapping[str, Any], changed: Collection[str], step: Step) -> None:
    """Make the moves to the wanted state, as far as nobody else has to act; raise Conflict without a legal way."""
    wanted = spec.get("state", shown_state(version))
    if version.state == "deprecated" and wanted == "deprecated" and set(DEPRECATION) & set(changed):
        detail = f"{version} is deprecated, and callers were told its dates: undo the deprecation to give it others."
        raise Conflict(detail, code="move-not-possible")
    seen: set[str] = set()
    while shown_state(version) != wanted and version.state not in seen:
        seen.add(version.state)
        move = WAYS.get((shown_state(version), wanted))
        if move is None:
            here, there = VERSION_STATES[version.state].label.lower(), VERSION_STATES[wanted].label.lower()
            raise Conflict(f"{version} is {here}: no legal way leads to {there}.", code="move-not-possible")
        move(version, spec, step)
        version.refresh_from_db()
        if step.waiting:
            step.waiting_fields |= {"state"}
            return


def _submit(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    submit_for_review(version=version, actor=step.actor)


def _take_back(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    take_back = reopen_draft if version.state == ApiVersion.State.APPROVED else withdraw_from_review
    take_back(version=version, actor=step.actor)


def _is_waiting(version: ApiVersion, step: Step, what: str) -> bool:
    """Send a version for review where its team asks for approvals; say whether it has to wait for them."""
    needed = version.api.team.required_approvals
    if not needed or version.state not in ("draft", "in_review"):
        return False
    if version.state == ApiVersion.State.DRAFT:
        submit_for_review(version=version, actor=step.actor)
    persons = "one other person" if needed == 1 else f"{needed} other persons"
    step.waiting = f"{persons} of {version.api.team} must approve it before it is {what}."
    return True


def _publish(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    if _is_waiting(version, step, "published"):
        return
    working = working_revision(version)
    if working is not None and version.state != ApiVersion.State.PREVIEW:
        step.notes.append(f"Callers reach it at {version.api.base_path}/{version.name}.")
    publish_version(version=version, actor=step.actor)


def _preview(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    if not _is_waiting(version, step, "previewed"):
        applications = listed_applications(spec.get("preview_applications", ()), step.actor)
        start_preview(version=version, actor=step.actor, applications=applications)


def _end_preview(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    step.impact = impact_of(version)
    end_preview(version=version, actor=step.actor)


def _deprecate(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    step.impact = impact_of(version)
    if not spec.get("sunset_at"):
        detail = "A deprecation names its sunset: write sunset_at, such as 2027-03-01."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/sunset_at"}])
    deprecate_version(
        version=version, sunset_at=read_moment(spec["sunset_at"], "/sunset_at"), actor=step.actor,
        reason=spec.get("deprecation_reason") or "", successor=_successor(version, spec.get("successor"), step.actor),
    )  # fmt: skip


def _undo_deprecation(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    undo_deprecation(version=version, actor=step.actor)


def _retire(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    step.impact = impact_of(version)
    retire_version(
        version=version, actor=step.actor, override_reason=spec.get("retirement_reason") or "",
        typed_name=spec.get("typed_name") or "",
    )  # fmt: skip


def _restore(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    restore_version(version=version, actor=step.actor)


def _archive(version: ApiVersion, spec: Mapping[str, Any], step: Step) -> None:
    archive_version(version=version, actor=step.actor)


Move = Callable[[ApiVersion, Mapping[str, Any], Step], None]
# (the state it is in, the state it should be in) -> the next move on the way. What is missing has no way.
WAYS: dict[tuple[str, str], Move] = {
    ("draft", "in_review"): _submit,
    ("in_review", "draft"): _take_back,
    ("draft", "preview"): _preview,
    ("in_review", "preview"): _preview,
    ("preview", "draft"): _end_preview,
    ("preview", "in_review"): _end_preview,
    **{(here, there): _publish for here in ("draft", "in_review", "preview") for there in STATES[3:]},
    **{("published", there): _deprecate for there in STATES[4:]},
    ("deprecated", "published"): _undo_deprecation,
    ("deprecated", "retired"): _retire,
    ("deprecated", "archived"): _retire,
    ("retired", "deprecated"): _restore,
    ("retired", "published"): _restore,
    ("retired", "archived"): _archive,
}


def listed_applications(names: Collection[str], actor: User) -> list[Application]:
    """Return the applications written as team/application; raise Invalid that names one that is not there."""
    found = []
    for name in names:
        team, _, application = name.partition("/")
        row = Application.objects.filter(team__slug=team, name=application).select_related("team").first()
        if row is None:
            detail = f"There is no application {name!r}: write team/application."
            raise Invalid(detail, errors=[{"detail": detail, "pointer": "/preview_applications"}])
        found.append(row)
    return found


def _successor(version: ApiVersion, name: Any, actor: User) -> ApiVersion | None:
    if not name:
        return None
    parts = str(name).split("/")
    if len(parts) == 1:
        parts = [version.api.team.slug, version.api.slug, parts[0]]
    if len(parts) != 3:
        detail = f"{name!r} is no version: write v2, or team/api/v2."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/successor"}])
    return version_for(actor, *parts)
