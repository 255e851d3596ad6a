"""Documents of drafts: read the text, keep it even when it is wrong, describe what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

from apis.design.document import parse_document
from apis.design.freezing import content_hash
from apis.design.operations import OperationSpec, list_operations
from apis.design.problems import DesignError, Finding
from apis.design.validate import validate_document
from apis.gateway_settings import find_problems
from apis.gateway_settings.sealing import seal_settings
from apis.lifecycle import ROUTED
from apis.models import ApiVersion, Operation, Revision
from apis.selectors.operations import operation_rows
from apis.services.linting import score_revision
from apis.services.moves import lock_version
from apis.signals import version_changed
from common.clock import now
from common.concurrency import etag_of, require_match, stale
from common.errors import Conflict, Invalid, TooLarge
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

ROUTING = ("upstream_url", "connect_timeout_seconds", "total_timeout_seconds", "max_body_bytes", "gateway")
MAX_OPERATION_ID, MAX_PATH = 200, 500
MAX_TIMEOUT_SECONDS = 600
MAX_BODY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A text as it was read. `content_hash` is "" and `operations` empty while it has an error."""

    source: str
    source_format: str = "yaml"
    document: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    operations: tuple[Operation, ...] = ()
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft after saving, with everything remarkable in its document, errors first."""

    revision: Revision
    findings: tuple[Finding, ...]


def check_document(source: bytes | str) -> CheckedDocument:
    """Read and check a document of any quality; raise TooLarge over the size limit, Invalid when it is no text."""
    text = _as_text(source)
    try:
        parsed = parse_document(source if isinstance(source, bytes) else text)
        findings = tuple(validate_document(parsed))
    except DesignError as error:
        if error.code == "document-too-large":
            raise TooLarge(str(error), code="too-large") from error
        return CheckedDocument(source=text, findings=error.findings)
    specs = list_operations(parsed.document)
    findings = (*_too_long(specs), *findings)
    if any(finding.severity == "error" for finding in findings):
        return CheckedDocument(text, parsed.format, dict(parsed.document), findings)
    operations = tuple(operation_rows(specs))
    digest = content_hash(parsed.document)
    return CheckedDocument(text, parsed.format, dict(parsed.document), findings, operations, digest)


def require_valid_document(source: bytes | str) -> CheckedDocument:
    """Return a document without an error; raise Invalid with one entry per error, pointer and line included."""
    checked = check_document(source)
    if checked.content_hash:
        return checked
    errors = [finding_json(finding) for finding in checked.findings if finding.severity == "error"]
    raise Invalid(errors[0]["detail"] if errors else "The document is not valid.", errors=errors)


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as problem documents and imports carry it."""
    return {
        "detail": finding.message,
        "pointer": finding.pointer,
        "line": finding.line,
        "rule": finding.code,
        "severity": finding.severity,
    }


def save_draft(
    *, revision: Revision, actor: User, if_match: str | None, source: bytes | str | None = None, **routing: Any
) -> SavedDraft:
    """Save the working copy: its text (None keeps it) and routing; a text with errors is kept and says so.

    `routing` is any of ROUTING. Raise Stale when somebody saved meanwhile and Conflict when the revision is frozen.
    """
    team = revision.version.api.team
    require_permission(actor=actor, team=team, permission="apis.design", what="edit this design")
    require_match(revision, if_match)
    if revision.state != Revision.State.DRAFT:
        raise Conflict(
            f"Revision {revision.number} is {revision.get_state_display().lower()} and frozen: "
            "take it back to draft, or make a new version.",
            code="revision-frozen",
        )
    checked = check_document(revision.source if source is None else source)
    write_document(revision=revision, checked=checked, actor=actor, routing=routing)
    return SavedDraft(revision, checked.findings)


def write_document(*, revision: Revision, checked: CheckedDocument, actor: User, routing: dict[str, Any]) -> None:
    """Write a checked document and routing into a draft, for services that have asked for the role."""
    check_routing(routing)
    if "gateway" in routing:
        routing = {**routing, "gateway": seal_settings(routing["gateway"])}
    before = {"content_hash": revision.content_hash, **{name: getattr(revision, name) for name in routing}}
    values = {
        "document": checked.document,
        "source": checked.source,
        "source_format": checked.source_format,
        "content_hash": checked.content_hash,
        "author": actor,
        "updated_at": now(),
        **routing,
    }
    with transaction.atomic():
        lock_version(revision.version)
        drafts = Revision.objects.filter(pk=revision.pk, state=Revision.State.DRAFT, row_version=revision.row_version)
        if drafts.update(row_version=F("row_version") + 1, **values) != 1:
            # Somebody was faster between the reading and now.
            raise stale(Revision.objects.get(pk=revision.pk), etag_of(revision))
        if not checked.content_hash or checked.content_hash != revision.content_hash:
            revision.operations.all().delete()
            for operation in checked.operations:
                operation.revision = revision
            Operation.objects.bulk_create(checked.operations, batch_size=1000)
        revision.refresh_from_db()
        score_revision(revision)
        if revision.version.state in ROUTED:
            # Owners call the working copy by Gatehouse-Revision: they call what was saved.
            version_changed.send(sender=ApiVersion, version=revision.version)
        record_audit(
            actor=actor,
            verb="revision.save",
            target=revision,
            team=revision.version.api.team,
            before=before,
            after={"content_hash": revision.content_hash, **routing},
        )


def check_routing(routing: dict[str, Any]) -> None:
    """Raise Invalid that names each wrong value of the routing."""
    errors: list[dict[str, Any]] = []
    for name, value in routing.items():
        if name not in ROUTING:
            raise Invalid(f"{name} is not part of a revision's routing.")
        if name == "gateway":
            errors += [{"detail": item.detail, "pointer": f"/gateway{item.pointer}"} for item in find_problems(value)]
            continue
        problem = _upstream_problem(value) if name == "upstream_url" else _number_problem(name, value)
        if problem:
            errors.append({"detail": problem, "pointer": f"/{name}"})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors), errors=errors)


def _upstream_problem(url: Any) -> str:
    if url == "":
        return ""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        return f"The upstream {str(url)[:100]!r} is no address: write it as https://orders.internal/v1."
    if not is_usable or len(url) > 500 or any(sign.isspace() or ord(sign) < 32 for sign in url):
        return f"The upstream {url[:100]!r} is no http or https address, such as https://orders.internal/v1."
    if parts.username or parts.password:
        return "The upstream holds a name or password: leave them out of the address."
    if parts.query or parts.fragment:
        return f"The upstream {url[:100]!r} holds a ? or #: give its base address only."
    return ""


def _number_problem(name: str, value: Any) -> str:
    highest = MAX_BODY_BYTES if name == "max_body_bytes" else MAX_TIMEOUT_SECONDS
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value <= highest or (name == "max_body_bytes" and value != int(value)):
        return f"{name} is {str(value)[:40]}; it must be above 0 and at most {highest}."
    return ""


def _as_text(source: bytes | str) -> str:
    if isinstance(source, bytes):
        encoding = "utf-16" if source[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        # What cannot be decoded is refused by parse_document with its place; the text is kept readable here.
        text = source.decode(encoding, "replace")
    else:
        text = source.removeprefix("\ufeff")
    if "\x00" in text:
        raise Invalid(
            "The document holds a NUL character. Save it as plain UTF-8 text.",
            errors=[{"detail": "A NUL character is not allowed.", "pointer": "/source"}],
        )
    return text


def _too_long(specs: list[OperationSpec]) -> list[Finding]:
    """Name operations whose id or path does not fit the index of operations."""
    return [
        Finding("operation-too-long", "error", f"{spec.method} {spec.path[:80]}… is too long: shorten its path or id.")
        for spec in specs
        if len(spec.operation_id) > MAX_OPERATION_ID or len(spec.path) > MAX_PATH
    ]
