"""A version's content from a manifest: into its draft, or through the gate into what is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apis.guards import working_revision
from apis.lifecycle import ROUTED, VERSION_STATES
from apis.models import ApiVersion, Revision
from apis.selectors import current_revision
from apis.selectors.gate import gate_of
from apis.services.documents import ROUTING, check_document, save_draft
from apis.services.environments import promote_revision, undeploy
from apis.services.releases import release_revision
from apis.services.reviews import reopen_draft, require_working_revision, submit_for_review, withdraw_from_review
from apis.services.revisions import discard_draft, start_revision
from common.errors import Conflict, DomainError, Invalid
from manifests.kinds.environment import environment_called
from manifests.kinds.kind import Step
from manifests.kinds.secrets import fill_secrets, has_new

CONTENT = ("document", *ROUTING)


def bring_content(version: ApiVersion, content: Mapping[str, Any], spec: Mapping[str, Any], step: Step) -> None:
    """Let a version have a document and routing: before its publication in the draft, afterwards as a release.

    Where the team asks for approvals a revision is sent for review and waits; the apply after them releases it.
    """
    if version.state in ROUTED:
        _release(version, content, spec, step)
    elif version.state in ("draft", "in_review", "approved"):
        _save(_editable(version, step), version, content, step)
    else:
        label = VERSION_STATES[version.state].label.lower()
        raise Conflict(f"{version} is {label}: its document stays as it was.", code="revision-frozen")


def _editable(version: ApiVersion, step: Step) -> Revision:
    """Return the draft to write in; what was sent for review is taken back first."""
    working = require_working_revision(version)
    if working.state == Revision.State.IN_REVIEW:
        step.notes.append(f"Revision {working.number} is taken out of review: its content changes.")
        withdraw_from_review(version=version, actor=step.actor)
    elif working.state == Revision.State.APPROVED:
        step.notes.append(f"Revision {working.number} loses its approval: its content changes.")
        reopen_draft(version=version, actor=step.actor)
    else:
        return working
    version.refresh_from_db()
    return require_working_revision(version)


def _save(revision: Revision, version: ApiVersion, content: Mapping[str, Any], step: Step) -> None:
    routing = {name: content[name] for name in ROUTING if name in content}
    if "gateway" in routing:
        shown = current_revision(version) or revision
        if has_new(routing["gateway"], shown.gateway):
            step.notes.append("Secrets of its gateway settings change.")
        routing["gateway"] = fill_secrets(routing["gateway"], shown.gateway)
    source = content.get("document")
    saved = save_draft(revision=revision, actor=step.actor, if_match="*", source=source, **routing)
    warnings = sum(1 for finding in saved.findings if finding.severity == "warn")
    if warnings and "document" in content:
        step.notes.append(f"The document has {warnings} warning{'' if warnings == 1 else 's'}.")


def _release(version: ApiVersion, content: Mapping[str, Any], spec: Mapping[str, Any], step: Step) -> None:
    working = _working_copy(version, content, step)
    step.changes = gate_of(working).changes
    if "document" in content and not step.changes:
        step.notes.append("The document promises callers the same as before.")
    if working.state != Revision.State.APPROVED and version.api.team.required_approvals:
        if working.state == Revision.State.DRAFT:
            submit_for_review(version=version, actor=step.actor)
        needed = version.api.team.required_approvals
        persons = "one other person" if needed == 1 else f"{needed} other persons"
        step.waiting = f"{persons} of {version.api.team} must approve revision {working.number} before it is served."
        step.waiting_fields = frozenset(content)
        return
    try:
        release_revision(
            revision=working, actor=step.actor, accepted=spec.get("accepted_changes", ()),
            note=spec.get("release_note", ""),
        )  # fmt: skip
    except DomainError as error:
        if error.code == "risky-change":
            error.detail += " Look at it, then write its key into accepted_changes."
        raise


def _working_copy(version: ApiVersion, content: Mapping[str, Any], step: Step) -> Revision:
    """Return the revision that holds the content: the one under way, else a new one made from what is current."""
    working = working_revision(version)
    current = current_revision(version)
    if working is not None and current is not None and _holds(working, current, content):
        working.version = version
        return working
    if working is not None:
        revision = _editable(version, step)
        author = f" of {revision.author}" if revision.author and revision.author != step.actor else ""
        step.notes.append(f"The working copy{author}, revision {revision.number}, is replaced.")
        discard_draft(revision=revision, actor=step.actor)
    revision = start_revision(version=version, actor=step.actor)
    _save(revision, version, content, step)
    revision.version = version
    return revision


def _holds(working: Revision, current: Revision, content: Mapping[str, Any]) -> bool:
    """Say whether a revision is what is current, but for the content that a manifest gives."""
    for name in ROUTING:
        wanted = content.get(name, getattr(current, name))
        if name == "gateway" and "gateway" in content:
            wanted = fill_secrets(wanted, current.gateway)
        if getattr(working, name) != wanted:
            return False
    if "document" not in content:
        return working.content_hash == current.content_hash
    source = content["document"]
    return source == working.source or check_document(source).content_hash == working.content_hash


def deploy_elsewhere(version: ApiVersion, wanted: Mapping[str, Mapping[str, Any]], step: Step) -> None:
    """Let other environments have what the manifest says: the revision it names, else the current one or, before the
    publication, the one under work.
    """
    known = {row.environment.slug: row for row in version.deployments.select_related("environment", "revision")}
    for slug, place in wanted.items():
        revision = _named_revision(version, place.get("revision"))
        have, url = known.get(slug), place.get("upstream_url", "")
        if have is not None and have.revision_id == revision.pk and have.upstream_url == url:
            continue
        promote_revision(
            revision=revision,
            environment=environment_called(slug, f"/environments/{slug}"),
            actor=step.actor,
            upstream_url=url,
        )
    for slug, row in known.items():
        if slug not in wanted and slug != "production":
            undeploy(deployment=row, actor=step.actor)


def _named_revision(version: ApiVersion, number: int | None) -> Revision:
    shown = current_revision(version) or working_revision(version)
    found = shown if number is None else version.revisions.filter(number=number).first()
    if found is None:
        raise Invalid(f"{version} has no revision {number or 'that is current'}.")
    found.version = version
    return found
