"""Plan and apply. A plan is an apply that is taken back: what it says is what the services said.

All of an apply is one transaction. When an object is refused nothing is done, unless the caller asks to keep going:
then what can be done is. An object whose state its services leave as it was counts as untouched, and is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from common.clock import now
from common.errors import Conflict, DomainError, Invalid, Stale
from common.problems import from_validation_error
from manifests.differences import differences, digest, shown
from manifests.kinds import KINDS, Kind, Step
from manifests.manifest import Manifest, Problem
from manifests.models import ManagedObject, ManifestApply
from manifests.plan import Entry, Plan, contract_changes_json, impact_json
from teams.models import Team, User
from teams.roles import has_permission, teams_of
from teams.services.audit import record_audit
from teams.services.events import write_event

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How manifests are applied. `source` names where they are kept: what it applies is marked as managed by it."""

    source: str = ""
    # Carry out `removal` on what the source applied before and names no more.
    prunes: bool = False
    takes_over: bool = False
    keeps_going: bool = False
    # The hash of the plan that was looked at: another state since then is refused.
    plan_hash: str = ""


class _Unchanged(Exception):
    """The services left the object as it was: what they wrote beside it is taken back."""


def plan_manifests(*, manifests: Sequence[Manifest], actor: User, options: Options) -> Plan:
    """Return what an apply would do, with impact and refusals; nothing is changed."""
    with transaction.atomic():
        plan = _carry_out(manifests, actor, options)
        transaction.set_rollback(True)
    return plan


def apply_manifests(*, manifests: Sequence[Manifest], actor: User, options: Options) -> Plan:
    """Bring each object to its manifest. What is refused is in the plan, and then nothing is done (see the module).

    Raise Stale when `plan_hash` names another state than the present one.
    """
    with transaction.atomic():
        # Two applies of one source: the second sees what the first has done.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"manifests:{options.source}"])
        plan = _carry_out(manifests, actor, options)
        plan.is_applied = not plan.refused or options.keeps_going
        if not plan.is_applied:
            transaction.set_rollback(True)
        elif plan.pending:
            _record(plan, actor, options)
    if not plan.is_applied:
        with transaction.atomic():
            _record(plan, actor, options)
    return plan


def _carry_out(manifests: Sequence[Manifest], actor: User, options: Options) -> Plan:
    if options.prunes and not options.source:
        detail = "Pruning needs a source: only what it applied before is removed."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/source"}])
    before = [_state_of(manifest, actor) for manifest in manifests]
    seen = [[item.kind, item.metadata, state, shown(item.spec)] for item, state in zip(manifests, before, strict=True)]
    gone = _no_longer_named(manifests, actor, options) if options.prunes else []
    plan = Plan([], digest([seen, [[row.kind, row.metadata] for row in gone]]))
    if options.plan_hash and options.plan_hash != plan.hash:
        detail = f"The plan {options.plan_hash} was made for another state or other manifests. Plan again, then apply."
        raise Stale(detail, code="plan-stale", hash=plan.hash)
    plan.entries = [_bring(*turn, actor, options) for turn in zip(manifests, before, strict=True)]
    _take_second_turns(plan, manifests, before, actor, options)
    for row in gone:
        if entry := _prune(row, actor):
            plan.entries.append(entry)
    return plan


def _take_second_turns(
    plan: Plan, manifests: Sequence[Manifest], before: Sequence[State | None], actor: User, options: Options
) -> None:
    """Try once more what is refused, now that the others had their turn.

    A team's rules, say, get stricter only after those of the teams below it.
    """
    if not plan.pending:
        return
    for place, entry in enumerate(plan.entries):
        if entry.is_refused:
            plan.entries[place] = _bring(manifests[place], before[place], actor, options)


def _state_of(manifest: Manifest, actor: User) -> State | None:
    kind = KINDS[manifest.kind]
    try:
        row = kind.find(manifest.metadata, actor)
    except DomainError:
        return None
    return None if row is None else _read(kind, row)


def _read(kind: Kind[Any], row: Any) -> State:
    return {"spec": kind.read(row), "more": kind.more(row)}


def _bring(manifest: Manifest, before: State | None, actor: User, options: Options) -> Entry:
    """Bring one object to its manifest, within a savepoint; a refusal is part of the entry."""
    kind, step = KINDS[manifest.kind], Step(actor)
    entry = Entry(manifest.kind, kind.key(manifest.metadata), manifest.team, file=manifest.file)
    entry.line = manifest.lines.get("", 0)
    after: State | None = before
    try:
        row = kind.find(manifest.metadata, actor)
        now_is = _read(kind, row) if row is not None else None
        held = _holder(kind, row, now_is, step, options)
        after = _write(kind, manifest, row, now_is, step)
        if after != now_is:
            row = kind.find(manifest.metadata, actor) or row
        entry.url = kind.url(row) if row is not None else ""
        if options.source and row is not None and after is not None:
            _mark(kind, manifest, row, after, step, options.source, held, is_touched=after != now_is)
    except (DomainError, ValidationError) as error:
        domain = from_validation_error(error) if isinstance(error, ValidationError) else error
        entry.code, entry.problems = domain.code, _problems(manifest, domain, kind)
    _describe(entry, manifest, before, after, step)
    return entry


def _write(kind: Kind[Any], manifest: Manifest, row: Any, now_is: State | None, step: Step) -> State | None:
    """Let the services bring an object to its manifest; return its state then. What changed nothing is taken back."""
    try:
        with transaction.atomic():
            if now_is is None:
                kind.create(manifest.metadata, manifest.spec, step)
            else:
                wanted = step.wanted = kind.normal(manifest.spec, row)
                known = now_is["spec"]
                changed = {name for name in wanted if name in kind.write_only or wanted[name] != known.get(name)}
                if not changed:
                    return now_is
                kind.update(row, manifest.spec, changed, step)
            done = kind.find(manifest.metadata, step.actor)
            after = _read(kind, done) if done is not None else None
            if after == now_is:
                raise _Unchanged
            return after
    except _Unchanged:
        return now_is


def _holder(kind: Kind[Any], row: Any, now_is: State | None, step: Step, options: Options) -> ManagedObject | None:
    """Return what manages a row; raise Conflict when it is another source and that is not to be taken over."""
    held = ManagedObject.objects.filter(kind=kind.name, object_id=kind.mark(row)).first() if row is not None else None
    if held is None:
        return None
    if held.source == options.source:
        if held.applied_hash != digest(now_is):
            step.notes.append(f"It was changed elsewhere since the apply of {held.applied_at:%-d %B %Y}.")
    elif not options.source:
        step.notes.append(f"Managed by {held.source}: its next apply may change this back.")
    elif not options.takes_over:
        detail = f"It is managed by {held.source}: take it out there, or apply with --take-over."
        raise Conflict(detail, code="managed-elsewhere")
    else:
        step.notes.append(f"Taken over from {held.source}.")
    return held


def _mark(
    kind: Kind[Any], manifest: Manifest, row: Any, after: State, step: Step, source: str,
    held: ManagedObject | None, *, is_touched: bool,
) -> None:  # fmt: skip
    """Mark an object as managed by the source; one no service was asked about needs the permission to change it."""
    is_marked = held is not None and held.source == source and held.applied_hash == digest(after)
    if is_marked or not (is_touched or _may_change(kind, manifest, step.actor)):
        return
    if not is_touched and held is None:
        step.notes.append(f"Managed by {source} from now on.")
    ManagedObject.objects.update_or_create(
        kind=kind.name,
        object_id=kind.mark(row),
        defaults={
            "metadata": manifest.metadata, "source": source, "applied_hash": digest(after), "applied_at": now(),
            "applied_by": step.actor,
        },
    )  # fmt: skip


def _may_change(kind: Kind[Any], manifest: Manifest, actor: User) -> bool:
    team = Team.objects.filter(slug=manifest.team).first() if manifest.team else None
    return has_permission(actor, team, kind.permission) if team is not None else actor.is_platform_admin


def _describe(entry: Entry, manifest: Manifest, before: State | None, after: State | None, step: Step) -> None:
    """Say in the entry what became of the object, or what would have been asked of it."""
    try:
        wanted = step.wanted if step.wanted is not None else KINDS[manifest.kind].normal(manifest.spec, None)
    except (DomainError, ValidationError):
        # What cannot be read cannot be compared; its problems are in the entry.
        wanted = {}
    kind = KINDS[manifest.kind]
    old = before["spec"] if before else {}
    new = dict(after["spec"]) if after and not entry.is_refused else {}
    for name in wanted:
        if name not in kind.write_only and (entry.is_refused or name in step.waiting_fields):
            new[name] = wanted[name]
    shown_fields = [name for name in new if before is not None or name in manifest.spec]
    entry.changes = differences(old, new, shown_fields)
    entry.notes, entry.waiting = step.notes, step.waiting
    entry.impact = impact_json(step.impact) if step.impact else None
    entry.breaks = contract_changes_json(step.changes)
    if before is None:
        entry.action = "create" if after is not None or entry.is_refused else "none"
    elif entry.is_refused or after != before:
        entry.action = "move" if any(change.field == "state" for change in entry.changes) else "change"


def _problems(manifest: Manifest, error: DomainError, kind: Kind[Any]) -> list[Problem]:
    """Return a refusal's sentences, each with its place in the manifest where it has one."""
    errors = error.errors if isinstance(error, Invalid) else []
    found = []
    for item in errors:
        pointer, detail = str(item.get("pointer", "")), str(item["detail"])
        first = pointer.lstrip("/").partition("/")[0]
        if "rule" in item:
            line = f", line {item['line']}" if item.get("line") else ""
            detail, pointer = f"{detail} (document{line}, {pointer or '/'})", "/spec/document"
        elif first in kind.properties:
            pointer = f"/spec{pointer}"
        elif first in (*kind.identity, *kind.optional):
            pointer = f"/metadata{pointer}"
        found.append(manifest.problem(detail, pointer))
    return found or [manifest.problem(error.detail)]


def _no_longer_named(manifests: Sequence[Manifest], actor: User, options: Options) -> list[ManagedObject]:
    """Return what a source applied before and does not name, those that need others first.

    What the actor may not see stays out of it, for whoever may.
    """
    named = {(item.kind, KINDS[item.kind].key(item.metadata)) for item in manifests}
    mine = set(teams_of(actor).values_list("slug", flat=True))
    gone = []
    for row in ManagedObject.objects.filter(source=options.source, kind__in=KINDS).order_by("-id"):
        team = Manifest(row.kind, row.metadata).team
        is_seen = team in mine if team else actor.sees_everything
        if is_seen and (row.kind, KINDS[row.kind].key(row.metadata)) not in named:
            gone.append(row)
    order = list(KINDS)
    return sorted(gone, key=lambda row: -order.index(row.kind))


def _prune(held: ManagedObject, actor: User) -> Entry | None:
    """Carry out the removal of an object that its source no longer names; None when it is gone already."""
    kind, step = KINDS[held.kind], Step(actor)
    manifest = Manifest(held.kind, held.metadata)
    entry = Entry(held.kind, kind.key(held.metadata), manifest.team)
    try:
        with transaction.atomic():
            row = kind.find(held.metadata, actor)
            if row is None or kind.mark(row) != held.object_id:
                held.delete()
                return None
            entry.url = kind.url(row)
            if not kind.removal:
                entry.notes = ["No manifest names it any more. It is left as it is: prune never takes it away."]
                return entry
            held.delete()
            kind.remove(row, step)
            entry.action = "remove"
            entry.notes = [f"No manifest names it any more: prune {kind.removal}s it.", *step.notes]
    except DomainError as error:
        entry.action, entry.code, entry.problems = "remove", error.code, _problems(manifest, error, kind)
    return entry


def _record(plan: Plan, actor: User, options: Options) -> None:
    touched = [*plan.pending, *plan.refused]
    outcome = ManifestApply.Outcome.APPLIED
    if plan.refused:
        outcome = ManifestApply.Outcome.PARTLY if plan.is_applied else ManifestApply.Outcome.REFUSED
    row = ManifestApply.objects.create(
        source=options.source, outcome=outcome, actor=actor, plan_hash=plan.hash,
        entries=[entry.as_json() for entry in touched], teams=sorted({entry.team for entry in touched} - {""}),
    )  # fmt: skip
    plan.apply_id = row.public_id
    record_audit(
        actor=actor, verb=f"manifests.{'apply' if plan.is_applied else 'refuse'}", target=row, team=None,
        after={"source": options.source, "plan": plan.hash, **plan.summary},
    )  # fmt: skip
    if plan.is_applied:
        # Each team is told of its own objects alone.
        for team in Team.objects.filter(slug__in=row.teams):
            objects = [f"{entry.kind} {entry.key}" for entry in plan.pending if entry.team == team.slug]
            data = {"source": options.source, "plan": plan.hash, "objects": objects}
            write_event(type="manifests.applied", target=row, team=team, actor=actor, data=data)
