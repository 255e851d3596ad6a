"""What a kind of manifest is: how its object is found, read, written and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from apis.selectors import Impact
from apis.selectors.gate import Change
from common.errors import Invalid, NotFound
from common.permission_names import TeamPermission
from manifests.manifest import Manifest
from manifests.schema import kind_schema
from teams.models import Team, User
from teams.roles import teams_of

Row = TypeVar("Row")


@dataclass(slots=True)
class Step:
    """One object's turn: who acts, and what the kind has to tell of it beside the fields."""

    actor: User
    notes: list[str] = field(default_factory=list)
    # What is asked of somebody else before it is as the manifest says; the fields that wait for it.
    waiting: str = ""
    waiting_fields: frozenset[str] = frozenset()
    impact: Impact | None = None
    changes: tuple[Change, ...] = ()
    # The spec in the form in which it was compared.
    wanted: dict[str, Any] | None = None


class Kind(Generic[Row]):
    """One kind: rows to specs and specs to service calls. A field that a manifest does not give is left alone.

    `identity` are the fields of metadata that name an object; `properties` the JSON Schema of each field of the spec;
    `write_only` fields are given to the service and read from nowhere. Everything is done through the services people
    use, in the name of who applies: a kind asks for no permission and writes no audit entry of its own.
    """

    name: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    properties: ClassVar[dict[str, Any]]
    required: ClassVar[tuple[str, ...]] = ()
    write_only: ClassVar[frozenset[str]] = frozenset()
    # Fields with a text in a format of its own, and what its file is called after: an export puts it in one.
    texts: ClassVar[Mapping[str, str]] = {}
    # Written out only when it is asked for by name.
    is_exported: ClassVar[bool] = True
    # What prune makes of one that the source no longer names: a verb of the plan, "" leaves it.
    removal: ClassVar[str] = ""
    # What changing one asks for in its team: who may do it may mark an untouched one as managed.
    permission: ClassVar[TeamPermission] = "apis.manage"

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its metadata and spec."""
        return kind_schema(self.identity, self.optional, self.properties, self.required)

    def key(self, metadata: Mapping[str, Any]) -> str:
        """Return what names one object among its kind, such as payments/orders/v1."""
        parts = [str(metadata[name]) for name in (*self.identity, *self.optional) if name in metadata]
        return "/".join(parts)

    def needs(self, manifest: Manifest) -> Iterable[str]:
        """Return the keys of objects of this kind that are made ready before this one."""
        return ()

    def turn(self, manifest: Manifest) -> int:
        """Return a number by which those of one kind take their turns, the least first."""
        return 0

    def find(self, metadata: Mapping[str, Any], actor: User) -> Row | None:
        """Return the object, None when there is none; raise NotFound when what holds it is not there for the actor."""
        raise NotImplementedError

    def rows(self, team: Team | None, actor: User) -> Iterable[Row]:
        """Return the objects of a team, or of the platform, in an order that stays."""
        raise NotImplementedError

    def identify(self, row: Row) -> dict[str, Any]:
        """Return the metadata that names an object."""
        raise NotImplementedError

    def read(self, row: Row) -> dict[str, Any]:
        """Return an object's spec as it is, without secrets."""
        raise NotImplementedError

    def normal(self, spec: dict[str, Any], row: Row | None) -> dict[str, Any]:
        """Return a spec as `read` would say the same."""
        return spec

    def more(self, row: Row) -> dict[str, Any]:
        """Return what else tells one state of an object from another, such as a request under way."""
        return {}

    def write_out(self, row: Row) -> dict[str, Any]:
        """Return the spec as an export holds it."""
        return {name: value for name, value in self.read(row).items() if value is not None}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Make the object."""
        raise NotImplementedError

    def update(self, row: Row, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change the object; `changed` names the fields of the spec that differ, and the write-only ones."""
        raise NotImplementedError

    def remove(self, row: Row, step: Step) -> None:
        """Carry out `removal`."""
        raise NotImplementedError

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Return the file that an export puts the object in."""
        raise NotImplementedError

    def beside(self, metadata: Mapping[str, Any]) -> str:
        """Return what tells the files of its texts from those of others in the same file, "" where it is alone."""
        return ""

    def mark(self, row: Row) -> int:
        """Return the number under which it is remembered what manages the object."""
        return int(row.pk)  # type: ignore[attr-defined]

    def url(self, row: Row) -> str:
        """Return the object's page."""
        raise NotImplementedError


def given(spec: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of those names that a spec gives."""
    return {name: spec[name] for name in names if name in spec}


def own_team(actor: User, slug: Any) -> Team:
    """Return a team the actor is in; raise NotFound, in the words of a manifest."""
    team = teams_of(actor).filter(slug=str(slug)).first()
    if team is None:
        raise NotFound(f"There is no team called {str(slug)[:60]!r} that you are in.")
    return team


def team_in(metadata: Mapping[str, Any], actor: User) -> Team | None:
    """Return the team that metadata names, None where they name none: then it is the installation's."""
    return own_team(actor, metadata["team"]) if "team" in metadata else None


def text_of(value: Any) -> str:
    """Return a text of its own format as text; an object is written as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def text_hash(text: str) -> str | None:
    """Return what stands for a text in plans, None where there is none."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}" if text else None


def read_moment(text: Any, pointer: str) -> datetime:
    """Return a day or a moment as written in a manifest; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        detail = f"{str(text)[:40]!r} is no moment: write 2027-03-01 or 2027-03-01T12:00:00Z."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": pointer}]) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_moment(moment: datetime | None) -> str | None:
    """Return a moment as manifests write it: a day where it is the beginning of one."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    is_day = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_day else moment.isoformat().replace("+00:00", "Z")
