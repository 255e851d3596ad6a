"""The worker's view of the published world, behind one reference.

A call takes `state = live.current()` once. A full load builds a new `State` and swaps the reference; a delta is written
into the shared dictionaries of the present one, never a copy of the whole. `apply` has no `await` in it, so on the one
event loop it is one step between two calls' steps: nobody sees half a generation. A call that awaits between two
lookups may see two generations, therefore it takes every record it needs before its first `await`
(`policies/access.py`), and records themselves are frozen.

A change that cannot be read keeps the last good record of its key and is reported in `Applied.rejected`.
"""

from __future__ import annotations

import base64
import binascii
import gc
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.dataplane.keys import Sealer, SealError
from gateway.dataplane.records import (
    SEALED_KINDS,
    AliasRecord,
    CredentialRecord,
    ModelRecord,
    PlanRecord,
    PriceRecord,
    PromptRecord,
    ProviderKeyRecord,
    ProviderRecord,
    Record,
    RouteRecord,
    SubscriptionRecord,
    UpstreamRecord,
    from_payload,
)
from gateway.dataplane.router import Router, compile_route

log = logging.getLogger("gatehouse.state")

RawChange = Sequence[Any]  # [kind, key, payload | None], as it comes from the node


@dataclass(frozen=True, slots=True)
class Rejection:
    """A change that was not applied, and why."""

    kind: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What one load or delta did: `decoded` counts the payloads that were parsed."""

    generation: int
    decoded: int
    rejected: tuple[Rejection, ...] = ()


@dataclass(slots=True)
class State:
    """All records by kind and key, and the indices a call looks up. Read-only for everyone but this module."""

    generation: int = 0
    epoch: str = ""
    router: Router = field(default_factory=Router)
    upstreams: dict[str, UpstreamRecord] = field(default_factory=dict)
    plans: dict[str, PlanRecord] = field(default_factory=dict)
    subscriptions: dict[str, SubscriptionRecord] = field(default_factory=dict)
    credentials: dict[str, CredentialRecord] = field(default_factory=dict)
    providers: dict[str, ProviderRecord] = field(default_factory=dict)
    provider_keys: dict[str, ProviderKeyRecord] = field(default_factory=dict)
    models: dict[str, ModelRecord] = field(default_factory=dict)
    aliases: dict[str, AliasRecord] = field(default_factory=dict)
    prices: dict[str, PriceRecord] = field(default_factory=dict)
    prompts: dict[str, PromptRecord] = field(default_factory=dict)
    credential_keys_by_hash: dict[str, str] = field(default_factory=dict)
    subscription_keys_by_pair: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    key_names_by_provider: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Grows with each change of a credential or subscription: streams under way look again when it has.
    rights_changed: int = 0

    def credential_by_hash(self, digest: str) -> tuple[str, CredentialRecord] | None:
        """Return the credential's public id and record."""
        key = self.credential_keys_by_hash.get(digest)
        return None if key is None else (key, self.credentials[key])

    def subscription_for(self, application_id: str, version_id: str) -> tuple[str, SubscriptionRecord] | None:
        """Return the pair's subscription that counts: the newest that has not ended, else the newest ended one."""
        keys = self.subscription_keys_by_pair.get((application_id, version_id))
        return None if keys is None else (keys[0], self.subscriptions[keys[0]])

    def keys_of_provider(self, provider: str) -> list[tuple[str, ProviderKeyRecord]]:
        """Return the provider's active keys as `(public id, record)`."""
        names = self.key_names_by_provider.get(provider, ())
        return [(name, self.provider_keys[name]) for name in names if self.provider_keys[name].is_active]

    def model_named(self, name: str) -> tuple[str, ModelRecord] | None:
        """Return the wire name and record behind a wire name or an alias; None when unknown or not active."""
        alias = self.aliases.get(name)
        wire_name = name if alias is None else alias.model
        model = self.models.get(wire_name)
        return (wire_name, model) if model is not None and model.is_active else None

    def put(self, kind: str, key: str, record: Record | None) -> None:
        """Write or (None) delete one record and keep the indices in step."""
        if kind == "route":
            if isinstance(record, RouteRecord):
                self.router.put(key, compile_route(record))
            else:
                self.router.remove(key)
            return
        if kind in ("credential", "subscription"):
            self.rights_changed += 1
        table: dict[str, Any] = getattr(self, TABLES[kind])
        old = table.pop(key, None)
        if record is not None:
            table[key] = record
        if kind == "credential":
            self._index_credential(key, old, record)
        elif kind == "subscription":
            for item in {_pair(old), _pair(record)} - {None}:
                self._index_pair(item, key)
        elif kind == "provider_key":
            for provider in {getattr(old, "provider", None), getattr(record, "provider", None)} - {None}:
                self._index_provider(provider, key)

    def _index_credential(self, key: str, old: Any, new: Any) -> None:
        if old is not None and self.credential_keys_by_hash.get(old.hash) == key:
            del self.credential_keys_by_hash[old.hash]
        if new is not None:
            self.credential_keys_by_hash[new.hash] = key

    def _index_pair(self, pair: Any, key: str) -> None:
        keys = {*self.subscription_keys_by_pair.get(pair, ()), key}
        known = [(k, self.subscriptions[k]) for k in keys if _pair(self.subscriptions.get(k)) == pair]
        known.sort(key=lambda item: (item[1].state != "ended", item[1].starts_at or 0.0, item[0]), reverse=True)
        if known:
            self.subscription_keys_by_pair[pair] = tuple(k for k, _ in known)
        else:
            self.subscription_keys_by_pair.pop(pair, None)

    def _index_provider(self, provider: Any, key: str) -> None:
        names = {*self.key_names_by_provider.get(provider, ()), key}
        held = [n for n in names if n in self.provider_keys and self.provider_keys[n].provider == provider]
        if held:
            self.key_names_by_provider[provider] = tuple(sorted(held))
        else:
            self.key_names_by_provider.pop(provider, None)


TABLES = {
    "upstream": "upstreams",
    "plan": "plans",
    "subscription": "subscriptions",
    "credential": "credentials",
    "provider": "providers",
    "provider_key": "provider_keys",
    "model": "models",
    "alias": "aliases",
    "price": "prices",
    "prompt": "prompts",
}


def _pair(record: Any) -> tuple[str, str] | None:
    return None if record is None else (record.application_id, record.version_id)


class LiveState:
    """Holds the one reference, and how fresh what it points to is."""

    def __init__(self, sealer: Sealer, *, max_age_seconds: float = 0.0) -> None:
        self._sealer = sealer
        self._max_age_seconds = max_age_seconds
        self._state = State()
        self._loading: State | None = None
        self._unknown_kinds: set[str] = set()
        self._loaded = Applied(0, 0)
        self._age_seconds = 0.0
        self._age_at = time.monotonic()
        self.is_loaded = False
        self.is_stale = False
        # The worker has been told to stop: it takes no new connections.
        self.is_draining = False
        self.rejected: dict[tuple[str, str], Rejection] = {}

    def current(self) -> State:
        """Return the state in force now."""
        return self._state

    def load(
        self, *, epoch: str, generation: int, changes: Iterable[RawChange], is_stale: bool, age_seconds: float
    ) -> Applied:
        """Replace everything. A record that cannot be read keeps its last good form, if there was one."""
        self.begin(epoch=epoch, generation=generation)
        self.add(changes)
        return self.finish(is_stale=is_stale, age_seconds=age_seconds)

    def begin(self, *, epoch: str, generation: int) -> None:
        """Begin a load that comes in parts; calls go on being served from the present state."""
        self._loading = State(generation=generation, epoch=epoch)
        self._loaded = Applied(generation, 0)
        self.rejected = {}

    def add(self, changes: Iterable[RawChange]) -> None:
        """Take one part of the load under way."""
        loading, before = self._loading, self._state
        assert loading is not None
        part = self._write(loading, loading.generation, changes, before)
        self._loaded = Applied(
            part.generation, self._loaded.decoded + part.decoded, self._loaded.rejected + part.rejected
        )

    def finish(self, *, is_stale: bool, age_seconds: float) -> Applied:
        """Put what was loaded in force."""
        assert self._loading is not None
        self._state, self._loading = self._loading, None
        self.is_loaded = True
        self.set_freshness(is_stale=is_stale, age_seconds=age_seconds)
        # What was loaded lives long: out of the collector's sight, a collection costs the calls nothing.
        gc.collect()
        gc.freeze()
        return self._loaded

    def apply(self, generation: int, changes: Iterable[RawChange]) -> Applied:
        """Write one delta into the present state, in one step."""
        applied = self._write(self._state, generation, changes, self._state)
        self._state.generation = generation
        return applied

    def set_freshness(self, *, is_stale: bool, age_seconds: float) -> None:
        """Take the node's word on how old the state is; between two words the age grows by our own clock."""
        self.is_stale = is_stale
        self._age_seconds = age_seconds
        self._age_at = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Return the seconds since the node last knew the state to be the database's."""
        return self._age_seconds + time.monotonic() - self._age_at

    @property
    def is_too_old(self) -> bool:
        """Say whether credentials must be refused; a maximum age of 0 never is."""
        return bool(self._max_age_seconds) and self.age_seconds > self._max_age_seconds

    def _write(self, state: State, generation: int, changes: Iterable[RawChange], before: State) -> Applied:
        decoded, rejected = 0, []
        for kind, key, payload in changes:
            if kind != "route" and kind not in TABLES:
                # Of a newer control plane: an N-1 gateway serves what it knows.
                self._note_unknown(str(kind))
                continue
            try:
                if payload is None:
                    record = None
                else:
                    decoded += 1
                    record = self._decode(kind, key, payload)
                state.put(kind, key, record)
                self.rejected.pop((kind, key), None)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                rejection = Rejection(str(kind), str(key), str(error) or type(error).__name__)
                rejected.append(rejection)
                self.rejected[kind, key] = rejection
                if state is not before:
                    _carry_over(kind, key, before, state)
        return Applied(generation, decoded, tuple(rejected))

    def _note_unknown(self, kind: str) -> None:
        if kind not in self._unknown_kinds:
            self._unknown_kinds.add(kind)
            log.warning("event=unknown_kind kind=%s reason='written by a newer control plane'", kind[:60])

    def _decode(self, kind: str, key: str, payload: dict[str, Any]) -> Record:
        if kind in SEALED_KINDS:
            try:
                box = base64.b64decode(payload["sealed"], validate=True)
                payload = orjson.loads(self._sealer.open(box, context=f"{kind}:{key}"))
            except (KeyError, binascii.Error) as error:
                raise ValueError(f"{kind}: the payload is not a sealed box") from error
            except SealError as error:
                raise ValueError(str(error)) from error
        return from_payload(kind, payload)


def _carry_over(kind: str, key: str, before: State, state: State) -> None:
    """Keep the last good record of a key over a full load."""
    if kind == "route":
        entry = before.router.by_key.get(key)
        old: Record | None = None if entry is None else entry.record
    else:
        old = getattr(before, TABLES[kind]).get(key)
    if old is not None:
        state.put(kind, key, old)
