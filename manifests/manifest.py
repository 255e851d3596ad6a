"""One object as its manifest says it, and what can be wrong with one. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

API_VERSION = "gatehouse/v1"
# Fields of a spec that hold a text in a format of its own; {file: openapi.yaml} there names the file with it.
TEXT_FIELDS = ("document", "spectral")


class Secret(str):
    """A value that came from the environment of whoever applies; it is never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong value: a sentence, and where it stands. `pointer` begins at the manifest; `line` 0 is unknown."""

    detail: str
    pointer: str = ""
    file: str = ""
    line: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as problem documents list it."""
        return {name: value for name, value in asdict(self).items() if value or name in ("detail", "pointer")}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object: `kind`, what names it, what it should be. `lines` are those of its pointers in `file`."""

    kind: str
    metadata: dict[str, Any]
    spec: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def team(self) -> str:
        """Return the slug of the team it belongs to, "" for what is the platform's."""
        return str(self.metadata["slug"] if self.kind == "Team" else self.metadata.get("team", ""))

    def problem(self, detail: str, pointer: str = "") -> Problem:
        """Return a problem with a value of this manifest, with the line of that value or of what holds it."""
        at = pointer
        while at and at not in self.lines:
            at = at.rpartition("/")[0]
        return Problem(detail, pointer, self.file, self.lines.get(at, 0))


def as_document(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest's document in the order in which its parts are written."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def files_named(spec: Mapping[str, Any], file: str) -> dict[str, str]:
    """Return the files that a spec names for its texts, by field, as paths beside the manifest's own file."""
    found = {}
    for name in TEXT_FIELDS:
        value = spec.get(name)
        if isinstance(value, dict) and set(value) == {"file"} and isinstance(value["file"], str):
            found[name] = posixpath.normpath(posixpath.join(posixpath.dirname(file), value["file"]))
    return found
