"""Imports: a document becomes an API's draft, at once when it is small, in the background when it is not."""

from __future__ import annotations

import base64
from typing import Any

from celery import current_app
from django.db import transaction

from apis.design.archives import bundle_archive, declared_bytes, is_archive
from apis.design.document import MAX_DOCUMENT_BYTES
from apis.design.outline import document_summary
from apis.design.problems import DesignError, Finding
from apis.guards import working_revision
from apis.models import Api, ApiVersion, ImportJob, Revision
from apis.services.contracts import create_api
from apis.services.documents import CheckedDocument, finding_json, require_valid_document, write_document
from common.clock import now
from common.errors import Conflict, DomainError, Invalid, TooLarge
from common.outbound import fetch
from teams.models import Team, User
from teams.roles import require_permission
from teams.services.audit import record_audit

# An archive that waits for its turn is kept as text, as documents are.
ZIP_PREFIX = "data:application/zip;base64,"
INLINE_BYTES = 1024 * 1024
FETCH_SECONDS = 15
FIELDS = ("name", "slug", "summary", "description", "tags", "base_path", "visibility", "upstream_url")


def import_document(
    *,
    actor: User,
    team: Team | None = None,
    version: ApiVersion | None = None,
    source: bytes | str = "",
    source_url: str = "",
    root: str = "",
    **fields: Any,
) -> ImportJob:
    """Import a document, or a zip archive of one in files, as a new API of `team`, or into a draft of `version`.

    Under 1 MB it is done on return, or Invalid lists what is wrong and nothing is written; a larger one is queued and
    its file kept. `root` names the document of an archive that has several. `fields` are name, slug, summary,
    description, tags, base_path, visibility, upstream_url; what they leave open is taken from the document. Raise
    TooLarge above 32 MB.
    """
    team = version.api.team if version is not None else team
    if team is None:
        raise Invalid(
            "Say which team the API belongs to.", errors=[{"detail": "A team is needed.", "pointer": "/team"}]
        )
    require_permission(actor=actor, team=team, permission="apis.design", what="import an API")
    if unknown := set(fields) - set(FIELDS):
        raise Invalid(f"{', '.join(sorted(unknown))} cannot be given to an import.")
    data = _read(source, source_url)
    is_zip = is_archive(data)
    is_small = (declared_bytes(data) if is_zip else len(data)) < INLINE_BYTES
    text, notes = _unpack(data, root) if is_small else (data, [])
    checked = require_valid_document(text) if is_small else None
    job = ImportJob(
        team=team,
        version=version,
        created_by=actor,
        source="" if checked else _kept(data) if is_zip else _text(data),
        source_url=source_url[:1000],
        fields={name: value for name, value in {**fields, "root": root}.items() if value},
        findings=[finding_json(note) for note in notes],
    )
    with transaction.atomic():
        job.save()
        if checked is not None:
            _carry_out(job, checked)
        else:
            record_audit(actor=actor, verb="import.queue", target=job, team=team, after={"bytes": len(data)})
            # By name: the task calls this service. A lost message is found again by `run_lost_imports`.
            transaction.on_commit(lambda: current_app.send_task("apis.tasks.run_import", [job.pk]), robust=True)
    return job


def finish_import(*, job: ImportJob) -> ImportJob:
    """Carry out a queued import; a refusal is kept on the job with its findings. Safe to run twice."""
    with transaction.atomic():
        waiting = ImportJob.objects.select_for_update(skip_locked=True).filter(
            pk=job.pk, state__in=["queued", "running"]
        )
        locked = waiting.select_related("team", "created_by").first()
        if locked is None:
            return job
        try:
            with transaction.atomic():
                text, notes = _opened(locked)
                locked.findings = [finding_json(note) for note in notes]
                _carry_out(locked, require_valid_document(text))
        except DomainError as error:
            fail_import(job=locked, detail=error.detail, findings=getattr(error, "errors", []))
    return locked


def fail_import(*, job: ImportJob, detail: str, findings: list[dict[str, Any]]) -> None:
    """Mark an import as failed; its file stays, so that it can be mended and sent again."""
    job.state = ImportJob.State.FAILED
    job.error, job.findings, job.finished_at = detail[:2000], findings[:500], now()
    job.save(update_fields=["state", "error", "findings", "finished_at"])


def _carry_out(job: ImportJob, checked: CheckedDocument) -> None:
    actor = job.created_by
    summary = document_summary(checked.document)
    fields = {name: value for name, value in job.fields.items() if name != "root"}
    upstream = fields.pop("upstream_url", "") or _first_server(summary.server_urls)
    if job.version is not None:
        version, api = job.version, job.version.api
    else:
        fields.setdefault("name", summary.title[:120] or "Imported API")
        fields.setdefault("summary", _first_line(summary.description))
        api = create_api(team=job.team, kind=Api.Kind.REST, actor=actor, **fields)
        version = api.versions.get()
    revision = working_revision(version)
    if revision is None or revision.state != Revision.State.DRAFT:
        raise Conflict(f"{version} has no draft to import into: make a new version.", code="revision-frozen")
    revision.version = version
    routing = {"upstream_url": upstream} if upstream and api.kind == Api.Kind.REST else {}
    write_document(revision=revision, checked=checked, actor=actor, routing=routing)
    job.api, job.version, job.state, job.source, job.finished_at = api, version, ImportJob.State.DONE, "", now()
    job.findings = [*job.findings, *(finding_json(finding) for finding in checked.findings)][:500]
    job.save()


def _unpack(data: bytes, root: str) -> tuple[bytes | str, tuple[Finding, ...] | list[Finding]]:
    """Return the one document of an archive and what was done to make it; a document itself as it is."""
    if not is_archive(data):
        return data, []
    try:
        bundle = bundle_archive(data, root)
    except DesignError as error:
        errors = [finding_json(finding) for finding in error.findings]
        raise Invalid(errors[0]["detail"], errors=errors) from error
    return bundle.text, bundle.findings


def _kept(data: bytes) -> str:
    return ZIP_PREFIX + base64.b64encode(data).decode()


def _opened(job: ImportJob) -> tuple[bytes | str, tuple[Finding, ...] | list[Finding]]:
    if not job.source.startswith(ZIP_PREFIX):
        return job.source, []
    return _unpack(base64.b64decode(job.source.removeprefix(ZIP_PREFIX)), str(job.fields.get("root", "")))


def _read(source: bytes | str, source_url: str) -> bytes:
    if source and source_url:
        raise Invalid("Give the document or its address, not both.")
    if source_url:
        return fetch(source_url, max_bytes=MAX_DOCUMENT_BYTES, timeout_seconds=FETCH_SECONDS).content
    if not source:
        detail = "Paste a document, upload a file, or give its address."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/source"}])
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    if len(data) > MAX_DOCUMENT_BYTES:
        limit = MAX_DOCUMENT_BYTES // 1024**2
        raise TooLarge(f"The document has {len(data) / 1024**2:.1f} MB; at most {limit} MB can be imported.")
    return data


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        detail = f"The document is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/source"}]) from error
    if "\x00" in text:
        detail = "The document holds a NUL character. Save it as plain UTF-8 text."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/source"}])
    return text


def _first_server(urls: tuple[str, ...]) -> str:
    """Return the first absolute server address that names one place: a proposal for the upstream."""
    usable = (url for url in urls if url.startswith(("http://", "https://")) and not set("{}?#@ ") & set(url))
    return next((url.rstrip("/") for url in usable if len(url) <= 500), "")


def _first_line(text: str) -> str:
    lines = (line.strip().lstrip("#").strip() for line in text.splitlines())
    return next((line for line in lines if line), "")[:300]
