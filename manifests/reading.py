"""From what was sent to manifests that are right in form, in the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.errors import Invalid, TooLarge
from manifests.kinds import KINDS
from manifests.manifest import TEXT_FIELDS, Manifest, Problem, Secret
from manifests.schema import find_problems, whole_schema
from manifests.text import MOST_MANIFESTS, read_document, read_files

MAX_BYTES = 24 * 1024 * 1024


def read_manifests(
    *,
    files: Mapping[str, str] | None = None,
    objects: list[Any] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> list[Manifest]:
    """Return the manifests of files or of JSON objects, ordered; raise Invalid that names each wrong value's place."""
    if sum(map(len, (files or {}).values())) > MAX_BYTES:
        raise TooLarge(f"The files have more than {MAX_BYTES // 1024**2} MB together: apply them in parts.")
    found, problems = read_files(files or {})
    if len(objects or ()) > MOST_MANIFESTS:
        raise TooLarge(f"{len(objects or ())} objects were sent, {MOST_MANIFESTS} at most: apply them in parts.")
    for value in objects or ():
        manifest, wrong = read_document(value)
        problems += wrong
        found += [manifest] if manifest else []
    schemas = {name: kind.schema() for name, kind in KINDS.items()}
    for manifest in found:
        problems += find_problems(manifest, schemas)
    if not problems:
        problems += _twice(found)
    if problems:
        raise Invalid(_sentence(problems), errors=[problem.as_json() for problem in problems])
    return in_order([_with_secrets(manifest, secrets or {}) for manifest in found])


def format_schema() -> dict[str, Any]:
    """Return the JSON Schema of the format."""
    return whole_schema({name: kind.schema() for name, kind in KINDS.items()})


def in_order(manifests: list[Manifest]) -> list[Manifest]:
    """Return manifests so that what others need comes first; among equals the order they were written in."""
    done: list[Manifest] = []
    for name, kind in KINDS.items():
        mine = sorted((item for item in manifests if item.kind == name), key=kind.turn)
        waiting = {kind.key(item.metadata): item for item in mine}
        while waiting:
            ready = [key for key, item in waiting.items() if not set(kind.needs(item)) & (set(waiting) - {key})]
            # A circle is left to the services: they say what is wrong with it.
            for key in ready or list(waiting):
                done.append(waiting.pop(key))
    return done


def _twice(manifests: list[Manifest]) -> list[Problem]:
    seen: dict[tuple[str, str], Manifest] = {}
    problems = []
    for manifest in manifests:
        name = manifest.kind, KINDS[manifest.kind].key(manifest.metadata)
        first = seen.setdefault(name, manifest)
        if first is not manifest:
            where = f" It is in {first.file}, line {first.lines.get('', 0)}, too." if first.file else ""
            problems.append(manifest.problem(f"{name[0]} {name[1]} stands twice.{where}", "/metadata"))
    return problems


def _sentence(problems: list[Problem]) -> str:
    first = problems[0]
    where = (
        f"{first.file}, line {first.line}: " if first.file and first.line else f"{first.file}: " if first.file else ""
    )
    more = f" There are {len(problems) - 1} more." if len(problems) > 1 else ""
    return f"{where}{first.detail}{more}"


def _with_secrets(manifest: Manifest, secrets: Mapping[str, str]) -> Manifest:
    """Put what the environment of the caller holds in the place of its names; a name without a value is kept."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"from_env"}:
                name = str(value["from_env"])
                return Secret(secrets[name]) if name in secrets else {"kept": True}
            return {name: fill(item) for name, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, list) else value

    # A text is in a format of its own and holds no secrets of ours.
    spec = {name: value if name in TEXT_FIELDS else fill(value) for name, value in manifest.spec.items()}
    return Manifest(manifest.kind, manifest.metadata, spec, manifest.file, manifest.lines)
