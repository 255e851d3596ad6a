"""Two people saved the same design: what goes together by itself, what somebody must decide, and the outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from apis.design.merge import Choice, Merge, merge_texts
from apis.models import Revision
from common.errors import Invalid

NOT_KNOWN = object()


@dataclass(frozen=True, slots=True)
class FieldDispute:
    """A value of the routing that both changed, each otherwise."""

    name: str
    mine: Any
    theirs: Any


@dataclass(frozen=True, slots=True)
class DesignConflict:
    """My text and routing against what is stored meanwhile; `routing` holds what is settled."""

    merge: Merge
    routing: dict[str, Any]
    fields: tuple[FieldDispute, ...]

    @property
    def places(self) -> list[tuple[str, Any]]:
        """Return the disputes of the text, each with the name of its choice in the form."""
        return [(f"choice-{number}", dispute) for number, dispute in enumerate(self.merge.disputes, start=1)]

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is left to decide."""
        return not self.merge.disputes and not self.fields

    def decided(self, choices: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Return text and routing by the choices of the form; raise Invalid that names what is not decided."""
        names = [name for name, _ in self.places]
        wanted = [*names, *(f"field-{field.name}" for field in self.fields)]
        missing = [name for name in wanted if choices.get(name) not in get_args(Choice)]
        if missing:
            count = f"{len(missing)} place{'' if len(missing) == 1 else 's'}"
            raise Invalid(f"{count} of {len(wanted)} still to decide: take yours, theirs or both.")
        chosen: list[Any] = [choices[name] for name in names]
        fields = {
            field.name: field.mine if choices[f"field-{field.name}"] == "mine" else field.theirs
            for field in self.fields
        }
        return self.merge.text(chosen), {**self.routing, **fields}


def conflict_of(
    *, source: str, routing: Mapping[str, Any], base_source: str, base_routing: str, stored: Revision
) -> DesignConflict:
    """Compare what I typed with what is stored, from what my editing began with (as the browser says)."""
    base = _mapping(base_routing)
    settled: dict[str, Any] = {}
    fields = []
    for name, mine in routing.items():
        theirs = getattr(stored, name)
        if mine == theirs or mine == base.get(name, NOT_KNOWN):
            settled[name] = theirs
        elif theirs == base.get(name, NOT_KNOWN):
            settled[name] = mine
        else:
            fields.append(FieldDispute(name, mine, theirs))
    merge = merge_texts(base_source, source, stored.source.replace("\r\n", "\n"))
    return DesignConflict(merge, settled, tuple(fields))


def _mapping(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
