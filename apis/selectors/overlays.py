"""What a version's document says in an environment: the revision there, under the overlays there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apis.design.operations import list_operations
from apis.design.overlays import apply_overlays, drop_unrouted, hidden_operations, parse_overlay
from apis.design.problems import Finding
from apis.design.references import check_references
from apis.design.structure import check_structure
from apis.models import ApiVersion, Environment, Operation, Overlay, Revision
from apis.selectors.environments import environments
from apis.selectors.operations import operation_rows
from common.errors import NotFound

PRODUCTION = "production"
# What the result is worse by, at most this much of it.
MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class OverlaidDocument:
    """A document under overlays. `findings` holds, per overlay, what hit nothing or could not be applied."""

    plain: dict[str, Any]
    document: dict[str, Any]
    findings: tuple[tuple[Finding, ...], ...]
    left_out: tuple[Finding, ...]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Return method and path of the operations that are not shown, though the gateway routes them."""
        return hidden_operations(self.plain, self.document)

    def problems(self) -> list[Finding]:
        """Return what is wrong with the result and was right without the overlays."""
        before = {(finding.message, finding.pointer) for finding in _faults(self.plain)}
        new = (finding for finding in _faults(self.document) if (finding.message, finding.pointer) not in before)
        return list(new)[:MOST_PROBLEMS]


def _faults(document: dict[str, Any]) -> list[Finding]:
    return [*check_structure(document, str(document.get("openapi", "3.1.0"))), *check_references(document)]


def overlay_document(document: dict[str, Any], overlays: Sequence[Overlay]) -> OverlaidDocument:
    """Apply overlays to a document in the order given; the gateway's operations are the most it can hold."""
    result = apply_overlays(document, [parse_overlay(overlay.source) for overlay in overlays])
    left_out = tuple(drop_unrouted(document, result.document))
    return OverlaidDocument(document, result.document, result.findings, left_out)


def overlays_in(version: ApiVersion, environment: str) -> list[Overlay]:
    """Return the overlays that count in an environment, in their order."""
    rows = version.overlays.filter(is_enabled=True)
    return list(rows.filter(Q(environments=None) | Q(environments__slug=environment)).distinct().order_by("position"))


def under_overlays(version: ApiVersion, document: dict[str, Any], environment: str) -> dict[str, Any]:
    """Return a document of a version as an environment's overlays make it; without any, the same object."""
    overlays = overlays_in(version, environment) if document else []
    return overlay_document(document, overlays).document if overlays else document


def shown_document(version: ApiVersion, revision: Revision, environment: str = PRODUCTION) -> dict[str, Any]:
    """Return a revision's document as docs and mock answers take it."""
    return under_overlays(version, revision.document, environment)


def shown_operations(version: ApiVersion, revision: Revision, environment: str = PRODUCTION) -> list[Operation]:
    """Return the operations that docs list: those that are kept, or where overlays count, those they leave."""
    if not overlays_in(version, environment):
        return list(revision.operations.order_by("position"))
    return operation_rows(list_operations(shown_document(version, revision, environment)))


def read_environment(slug: str) -> str:
    """Return the environment that is asked for, production by default; raise NotFound for one that is not there."""
    if not slug or slug == PRODUCTION:
        return PRODUCTION
    known = [row.slug for row in environments()]
    if slug not in known:
        raise NotFound(f"There is no environment {slug[:40]!r}; there are {', '.join(known)}.")
    return slug


def documented_environments(version: ApiVersion) -> list[Environment]:
    """Return the environments to choose from where documents may differ between them, else none."""
    rows = list(environments())
    if len(rows) < 2:
        return []
    differs = version.overlays.filter(is_enabled=True).exclude(environments=None).exists()
    return rows if differs or version.deployments.exclude(environment__slug=PRODUCTION).exists() else []
