"""The changelog records: every shape that crosses from the control plane to a gateway worker.

A change is `(kind, key, payload)`; the payload is the JSON form of the record class registered for the kind in `KINDS`.
Rules: unknown fields are ignored, a missing field takes its default, and a form once written stays loadable for ever
(golden files in tests/golden/records/). Times are RFC 3339 text in UTC on the wire and epoch seconds (float) in memory.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

FORMAT = 1


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One operation of a route: its public id, upper-case method and path template (`/orders/{id}`)."""

    operation_id: str
    method: str
    path: str
    is_deprecated: bool = False


@dataclass(frozen=True, slots=True)
class CorsRecord:
    """Who may call from a browser. `origins` are exact, `https://*.example.com`, or `*`; no `methods`: the path's."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ("*",)
    exposed_headers: tuple[str, ...] = ()
    allows_credentials: bool = False
    max_age_seconds: int = 600


@dataclass(frozen=True, slots=True)
class HeaderRulesRecord:
    """What is done to the headers of one direction: removed, then set, then added. Values may hold `{words}`."""

    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RewriteRecord:
    """How a path goes upstream: by a template per operation id, or by a prefix taken off and one put before."""

    strip_prefix: str = ""
    prefix: str = ""
    paths: tuple[tuple[str, str], ...] = ()
    query_set: tuple[tuple[str, str], ...] = ()
    query_remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """Operations, by id, that run once for each Idempotency-Key; their answers are kept for `ttl_seconds`."""

    operations: tuple[str, ...]
    is_required: bool = False
    ttl_seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class KeyPlacesRecord:
    """Where else a key may stand: a header of the API's own, a query parameter, HTTP Basic's name or password."""

    header: str = ""
    query: str = ""
    is_basic: bool = False


# Asymmetric ones alone: what issuers publish are no secrets.
JWT_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True)
class IssuerRecord:
    """An issuer of JWTs that a version trusts. No algorithms means all asymmetric ones.

    `applications` are pairs: a value of the claim `claim`, and the public id of the application that it stands for.
    """

    issuer: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...] = ()
    claim: str = "client_id"
    applications: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """One API version in one environment as the gateway serves it. Key: the version's public id.

    `kind` is `rest`, `prompt` or `model`; `state` one of published, deprecated, retired, preview; draft, in_review and
    approved stand beside alone, in other environments.
    `visibility` is `everyone` or `teams`: then only `team_ids` (the owner's included) may see it. `version_in` is where
    a call names the version: path, or the header or query parameter `version_name`; where it names none there, the
    version with `is_default` answers. Limits of 0 bytes are none. `brownouts` are (start, end) in epoch seconds.

    `has_own_upstream` says that another server stands behind this environment than behind production.

    A record with `beside` stands beside the version of that key, under the key `{beside}~{alternate}`: `alternate` is
    `env:{environment}`, `rev:{number}` or `canary`. A canary gets `canary_percent` of the calls, and those whose
    `canary_header` has `canary_value` (any, when empty); it falls back above `canary_max_error_percent`.
    """

    version_id: str
    api_id: str
    api_name: str
    version: str
    kind: str
    state: str
    base_path: str
    owner_team_id: str
    visibility: str = "everyone"
    team_ids: tuple[str, ...] = ()
    is_public: bool = False
    is_blocked: bool = False
    blocked_reason: str = ""
    blocked_until: float | None = None
    brownouts: tuple[tuple[float, float], ...] = ()
    beside: str = ""
    alternate: str = ""
    canary_percent: float = 0.0
    canary_header: str = ""
    canary_value: str = ""
    canary_max_error_percent: float = 100.0
    environment: str = "production"
    has_own_upstream: bool = False
    operations: tuple[OperationRecord, ...] = ()
    prompt: str = ""
    deprecated_at: float | None = None
    sunset_at: float | None = None
    retired_at: float | None = None
    successor_path: str = ""
    docs_url: str = ""
    policy_ref: str = ""
    revision: int = 0
    version_in: str = "path"
    version_name: str = ""
    is_default: bool = False
    cors: CorsRecord | None = None
    request_headers: HeaderRulesRecord | None = None
    response_headers: HeaderRulesRecord | None = None
    rewrite: RewriteRecord | None = None
    max_query_bytes: int = 0
    max_header_bytes: int = 0
    max_response_bytes: int = 0
    key_places: KeyPlacesRecord | None = None
    idempotency: IdempotencyRecord | None = None
    issuers: tuple[IssuerRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """One of several addresses of an upstream; of two, the one with twice the weight gets twice the calls."""

    url: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class TlsRecord:
    """How an upstream is trusted: the CAs' PEM text instead of the system's, our certificate and its key, its name."""

    is_verified: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamRecord:
    """Where a `rest` version's calls go. Key: the version's public id. Sealed on the wire and on disk.

    Timeouts are seconds: to connect, to the first byte, between chunks, and in all. `targets` take the place of
    `base_url`; `balance` is round_robin or least_pending. `retries` are further attempts; 0 `breaker_failures` is no
    breaker, "" `health_path` no health check.
    """

    base_url: str
    headers: tuple[tuple[str, str], ...] = ()
    connect_seconds: float = 5.0
    first_byte_seconds: float = 30.0
    between_chunks_seconds: float = 30.0
    total_seconds: float = 120.0
    max_body_bytes: int = 10 * 1024 * 1024
    targets: tuple[TargetRecord, ...] = ()
    balance: str = "round_robin"
    retries: int = 0
    retry_statuses: tuple[int, ...] = (502, 503, 504)
    breaker_failures: int = 0
    breaker_seconds: float = 10.0
    health_path: str = ""
    health_seconds: float = 10.0
    tls: TlsRecord | None = None


@dataclass(frozen=True, slots=True)
class LimitRecord:
    """One limit of a plan: `limit` units per `window_seconds`, or at once where the unit is `concurrent`.

    `algorithm` is fixed_window (aligned to UTC), sliding_window or token_bucket; `calendar` is "" or a fixed window
    of a `day` or `month` in `time_zone`. `by` is key, subscription, application, team, api or upstream. Calls over a
    concurrent limit wait `queue_seconds` in a queue of `queue_size` per worker, a higher `priority` first.
    """

    id: str
    limit: int
    window_seconds: int
    unit: str = "requests"
    by: str = "subscription"
    algorithm: str = "fixed_window"
    calendar: str = ""
    time_zone: str = "UTC"
    queue_size: int = 0
    queue_seconds: float = 0.0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan. Key: the plan's public id.

    `limits_elsewhere` are those of calls in other environments than production, None where they are the same.
    `on_store_error` is open, closed or local; `unknown_price` block, warn or default.
    """

    name: str
    limits: tuple[LimitRecord, ...] = ()
    on_store_error: str = "local"
    unknown_price: str = "warn"
    policy_ref: str = ""
    allowed_models: tuple[str, ...] = ()
    limits_elsewhere: tuple[LimitRecord, ...] | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """One application's right to call one version under one plan. Key: the subscription's public id.

    `state` is pending, active, change_pending, suspended or ended; the times bound it whatever the state says.
    """

    application_id: str
    application_name: str
    team_id: str
    version_id: str
    plan_id: str
    state: str
    starts_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """One API key. Key: the credential's public id. `hash` is hex HMAC-SHA256 under the pepper `pepper_id`."""

    hash: str
    application_id: str
    team_id: str
    environment: str = "production"
    pepper_id: str = "p1"
    hint: str = ""
    expires_at: float | None = None
    revoked_at: float | None = None
    disabled_at: float | None = None

    def is_usable(self, now: float) -> bool:
        """Say whether the key opens anything at this moment."""
        ends = (self.expires_at, self.revoked_at, self.disabled_at)
        return not any(moment is not None and moment <= now for moment in ends)


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """One AI provider. Key: its slug, the first half of `{provider}/{model}`. Sealed: it carries the base URL.

    `wire` names the wire format; `openai` is any OpenAI-compatible server.
    """

    name: str
    wire: str
    base_url: str
    is_active: bool = True
    connect_seconds: float = 5.0
    first_byte_seconds: float = 60.0
    between_chunks_seconds: float = 60.0
    total_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ProviderKeyRecord:
    """One key of a provider. Key: its public id. Sealed."""

    provider: str
    secret: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model. Key: its wire name `{provider}/{model}`. `upstream_name` is what the provider calls it."""

    provider: str
    upstream_name: str
    display_name: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """Another name for a model. Key: the alias. `model` is a wire name."""

    model: str


@dataclass(frozen=True, slots=True)
class PriceRecord:
    """Prices of a model in nano-USD per million tokens (0.075 USD per million = 75 000 000). Key: the wire name.

    Nano-USD per million tokens keeps every published price an integer; cost = tokens * price / 1 000 000, rounded up.
    """

    input_nano_per_million: int
    output_nano_per_million: int
    cached_input_nano_per_million: int | None = None
    source: str = ""
    effective_at: float | None = None


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """One parameter of a prompt: `type` is string, integer, number, boolean or enum (then `values`)."""

    name: str
    type: str = "string"
    is_required: bool = True
    default: Any = None
    values: tuple[str, ...] = ()
    max_chars: int = 100_000


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A prompt program. Key: the prompt version's public id, named by `RouteRecord.prompt`.

    `system` and `template` hold `{{name}}` and nothing else; `output` is text or json, then
    `schema` is a JSON Schema text.
    """

    model: str
    template: str
    system: str = ""
    parameters: tuple[ParameterRecord, ...] = ()
    output: str = "text"
    schema: str = ""
    temperature: float | None = None
    max_output_tokens: int = 512


Record = (
    RouteRecord
    | UpstreamRecord
    | PlanRecord
    | SubscriptionRecord
    | CredentialRecord
    | ProviderRecord
    | ProviderKeyRecord
    | ModelRecord
    | AliasRecord
    | PriceRecord
    | PromptRecord
)

KINDS: dict[str, type[Record]] = {
    "route": RouteRecord,
    "upstream": UpstreamRecord,
    "plan": PlanRecord,
    "subscription": SubscriptionRecord,
    "credential": CredentialRecord,
    "provider": ProviderRecord,
    "provider_key": ProviderKeyRecord,
    "model": ModelRecord,
    "alias": AliasRecord,
    "price": PriceRecord,
    "prompt": PromptRecord,
}
# The payload of these kinds is `{"v": 1, "sealed": "<base64>"}`; the box binds `kind:key` as associated data.
SEALED_KINDS = frozenset({"upstream", "provider", "provider_key"})

SHARED = frozenset(
    {
        "api_id", "application_id", "application_name", "environment", "kind", "method", "owner_team_id", "pepper_id",
        "plan_id", "policy_ref", "state", "team_id", "version", "version_id", "visibility",
    }
)  # fmt: skip

T = TypeVar("T")


@cache
def _shape(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


def to_payload(record: Record | OperationRecord | LimitRecord | ParameterRecord) -> dict[str, Any]:
    """Return the JSON form of a record: every field is written, times as RFC 3339."""
    out: dict[str, Any] = {"v": FORMAT} if type(record) in KINDS.values() else {}
    for name in _shape(cast(Any, type(record))):
        out[name] = _to_json(name, getattr(record, name))
    return out


def _to_json(name: str, value: Any) -> Any:
    if name.endswith("_at") and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_to_json("", item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return to_payload(value)
    return value


NESTED: dict[tuple[str, str], type] = {
    ("RouteRecord", "operations"): OperationRecord,
    ("RouteRecord", "cors"): CorsRecord,
    ("RouteRecord", "request_headers"): HeaderRulesRecord,
    ("RouteRecord", "response_headers"): HeaderRulesRecord,
    ("RouteRecord", "rewrite"): RewriteRecord,
    ("RouteRecord", "key_places"): KeyPlacesRecord,
    ("RouteRecord", "idempotency"): IdempotencyRecord,
    ("RouteRecord", "issuers"): IssuerRecord,
    ("UpstreamRecord", "targets"): TargetRecord,
    ("UpstreamRecord", "tls"): TlsRecord,
    ("PlanRecord", "limits"): LimitRecord,
    ("PlanRecord", "limits_elsewhere"): LimitRecord,
    ("PromptRecord", "parameters"): ParameterRecord,
}


def from_payload(kind: str, payload: dict[str, Any]) -> Record:
    """Build the record of `kind` from its JSON form; raise ValueError that names kind and field when it cannot."""
    cls = KINDS.get(kind)
    if cls is None:
        raise ValueError(f"unknown kind {kind!r}")
    if payload.get("v", FORMAT) > FORMAT:
        raise ValueError(f"{kind}: format {payload['v']} is newer than this gateway knows ({FORMAT})")
    return _build(cls, kind, payload)


def _build(cls: type[T], where: str, payload: dict[str, Any]) -> T:
    values: dict[str, Any] = {}
    for name in _shape(cast(Any, cls)):
        if name not in payload:
            continue
        value = payload[name]
        nested = NESTED.get((cls.__name__, name))
        if nested is not None and isinstance(value, list):
            value = tuple(_build(nested, f"{where}.{name}", item) for item in value)
        elif nested is not None and value is not None:
            value = _build(nested, f"{where}.{name}", value)
        elif name.endswith("_at") and isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        elif isinstance(value, list):
            value = tuple(tuple(item) if isinstance(item, list) else item for item in value)
        elif type(value) is str and name in SHARED:
            # Thousands of records say the same team, plan or state: it is held once.
            value = sys.intern(value)
        values[name] = value
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the changelog: a payload of None deletes the key."""

    kind: str
    key: str
    payload: dict[str, Any] | None = field(default=None)
