"""Objects written out as manifests: the same rows give the same bytes."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from common.errors import Invalid, NotAllowed
from manifests.kinds import KINDS
from manifests.kinds.kind import own_team
from manifests.manifest import as_document
from manifests.text import write_text
from teams.models import Team, User


@dataclass(frozen=True, slots=True)
class Exported:
    """One object's document and the file it belongs in."""

    file: str
    document: dict[str, Any]


def export_manifests(*, actor: User, team: str = "", kinds: Collection[str] = ()) -> list[Exported]:
    """Return a team's objects that the actor may see, or without a team those of the platform.

    Without `kinds` all are taken but those that are written out only by name, such as Membership.
    """
    if unknown := set(kinds) - set(KINDS):
        raise Invalid(f"There is no kind {', '.join(sorted(unknown))}. Known are {', '.join(KINDS)}.")
    if not team and not actor.sees_everything:
        raise NotAllowed("Only a platform admin or an auditor exports what is the platform's. Name a team with ?team=.")
    return list(_documents(own_team(actor, team) if team else None, actor, kinds))


def _documents(team: Team | None, actor: User, kinds: Collection[str]) -> Iterator[Exported]:
    for name, kind in KINDS.items():
        if name not in kinds if kinds else not kind.is_exported:
            continue
        for row in kind.rows(team, actor):
            metadata = kind.identify(row)
            yield Exported(kind.file(metadata), as_document(name, metadata, kind.write_out(row)))


def as_stream(exported: Collection[Exported]) -> str:
    """Return one YAML text, texts in formats of their own inside it."""
    return write_text(item.document for item in exported)


def as_files(exported: Collection[Exported]) -> dict[str, str]:
    """Return files by path; texts in formats of their own are files beside the manifests that name them."""
    files: dict[str, list[dict[str, Any]]] = {}
    beside: dict[str, str] = {}
    for item in exported:
        kind, spec = KINDS[item.document["kind"]], dict(item.document["spec"])
        stem = "-".join(filter(None, (item.file.removesuffix(".yaml"), kind.beside(item.document["metadata"]))))
        for field, called in kind.texts.items():
            if text := spec.get(field):
                name = _free(beside, f"{stem}.{called}", "json" if text.lstrip().startswith("{") else "yaml")
                beside[name] = text
                spec[field] = {"file": posixpath.basename(name)}
        files.setdefault(item.file, []).append({**item.document, "spec": spec})
    return {
        **{path: write_text(documents) for path, documents in sorted(files.items())},
        **dict(sorted(beside.items())),
    }


def _free(taken: Collection[str], stem: str, suffix: str) -> str:
    """Return a file's name that is not taken: two overlays may be called nearly the same."""
    names = (f"{stem}{number}.{suffix}" for number in ("", *(f"-{count}" for count in range(2, 1000))))
    return next(name for name in names if name not in taken)


def as_zip(exported: Collection[Exported]) -> bytes:
    """Return the files as a zip; its bytes depend on them alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in as_files(exported).items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()
