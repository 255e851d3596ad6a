"""What changes between two specs, field by field. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.manifest import Secret


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's value before and after; None stands for nothing."""

    field: str
    old: Any
    new: Any


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], only: Iterable[str] | None = None
) -> tuple[FieldChange, ...]:
    """Return the fields of `new` that differ, in its order; objects, and lists of such with ids, are walked into."""
    names = [name for name in new if only is None or name in set(only)]
    return tuple(change for name in names for change in _walk(name, old.get(name), new[name]))


def _walk(name: str, old: Any, new: Any) -> Iterable[FieldChange]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            yield from _walk(f"{name}.{key}", old.get(key), new.get(key))
        return
    before, after = _by_id(old), _by_id(new)
    if before and after:
        inner = [one for key in {**after, **before} for one in _walk(f"{name}.{key}", before.get(key), after.get(key))]
        if inner:
            yield from inner
            return
    yield FieldChange(name, shown(old), shown(new))


def _by_id(value: Any) -> dict[str, Any]:
    """Return a list's objects by their ids, nothing where they have none of their own."""
    if not isinstance(value, list) or not all(isinstance(item, dict) and "id" in item for item in value):
        return {}
    found = {str(item["id"]): item for item in value}
    return found if len(found) == len(value) else {}


def shown(value: Any) -> Any:
    """Return a value as plans show it: secrets are not told."""
    if isinstance(value, Secret):
        return "(secret)"
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def digest(value: Any) -> str:
    """Return a short digest of JSON values that depends on their content alone."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
