"""One call on its way through the phases: what is known of it, and nothing that does anything.

Whoever serves a kind of API (`proxy.serve_rest`, `ai.serve_model`, `prompts.serve_prompt`) fills in the usage fields
before the last byte is sent: `replies.end`/`replies.respond` build the `Finished` record from them at that moment.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from gateway.dataplane.calls import Finished, Started, new_call_id
from gateway.dataplane.errors import Header
from gateway.dataplane.records import (
    CredentialRecord,
    OperationRecord,
    PlanRecord,
    RouteRecord,
    SubscriptionRecord,
)

if TYPE_CHECKING:
    from gateway.dataplane.listener.exchange import Exchange
    from gateway.dataplane.router import Route
    from gateway.dataplane.settings import Settings
    from gateway.dataplane.state import State

NANOS_PER_MS = 1_000_000
NO_HEADERS: frozenset[bytes] = frozenset()


class Call:
    """Everything one call carries. Times ending in `_ns` are `time.monotonic_ns()`, 0 when it did not happen.

    `at` is epoch seconds and never changes. `attempt` is 0 until something is sent upstream, then 1. `route` and
    `operation` are set by the route phase, `credential` … `plan` by authenticate and authorise (None on a public
    version). `rate_limit_headers` go on every response once `limits.admit` has set them.
    """

    __slots__ = (
        "at", "attempt", "auth_ns", "body_is_read", "cached_tokens", "capture", "client_request_id", "code",
        "cors_headers", "cost_nano", "credential", "credential_id", "decision", "entry", "exchange", "extra_headers",
        "fault", "finished", "first_byte_ns", "generation", "has_signed_body", "head_sent_ns", "headers",
        "http_version", "id", "identity", "input_tokens", "is_authenticated", "is_client_gone", "is_estimated",
        "is_started", "is_streamed", "is_traced", "is_try_it", "limit_ns", "method", "model", "node", "operation",
        "output_tokens", "peer", "plan", "plan_id", "price_state", "provider", "query", "rate_limit_headers",
        "raw_path", "received_ns", "remainder", "request_bytes", "reserved_nano", "reserved_tokens", "response_bytes",
        "rights_seen", "route", "rule", "scheme", "segments", "slots", "spent_headers", "state", "state_headers",
        "status", "subscription", "subscription_id", "upstream_end_ns", "upstream_start_ns", "upstream_status",
        "user_id", "verdict", "whole_body", "worker",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, *, state: State, settings: Settings, now: float) -> None:
        self.received_ns = time.monotonic_ns()
        self.id = str(new_call_id(now))
        self.at = now
        self.state = state
        self.generation = state.generation
        self.node = settings.node
        self.worker = settings.worker
        self.is_traced = settings.otlp_url != ""
        self.exchange = exchange
        self.method = exchange.method
        self.raw_path = exchange.raw_path.decode("latin-1")
        self.query = exchange.query
        self.headers = exchange.headers
        self.http_version = exchange.http_version
        # The listener speaks no TLS; what stands before it says so by X-Forwarded-Proto, which callers cannot set.
        self.scheme = "http"
        self.peer = exchange.connection.peer

        self.entry: Route | None = None
        self.route: RouteRecord | None = None
        self.operation: OperationRecord | None = None
        self.remainder = ""
        self.segments: list[str] = []
        # The version's own headers (Deprecation …), set once the caller may know that it exists.
        self.state_headers: list[Header] = []
        self.identity: dict[str, Any] = {}
        self.cors_headers: list[Header] = []
        self.rights_seen = state.rights_changed
        self.is_authenticated = False
        self.credential: CredentialRecord | None = None
        self.credential_id = ""
        self.subscription: SubscriptionRecord | None = None
        self.subscription_id = ""
        self.plan: PlanRecord | None = None
        self.plan_id = ""
        self.user_id = ""
        self.is_try_it = False
        self.spent_headers: frozenset[bytes] = NO_HEADERS  # what carried a proof made for us: it goes no further
        self.has_signed_body = False  # the body must fit the Content-Digest that was signed
        self.client_request_id = ""

        self.decision: Any = None  # what limits.admit got from the allowance, for limits.settle
        self.slots: list[Any] = []  # the concurrency slots that limits.admit took, for limits.settle
        self.rate_limit_headers: list[Header] = []
        self.extra_headers: list[Header] = []  # further headers of the answer, such as Gatehouse-Model
        self.attempt = 0
        self.provider = ""
        self.model = ""
        self.reserved_tokens = 0
        self.reserved_nano = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0
        self.is_estimated = False
        self.cost_nano = 0
        self.price_state = "none"

        self.status = 0
        self.code = ""
        self.fault = ""
        self.rule = ""
        self.verdict = ""
        self.upstream_status = 0
        self.is_streamed = False
        self.is_client_gone = False
        self.is_started = False  # the response's head has left
        self.body_is_read = False  # the request's body was read to its end
        self.whole_body: bytes | None = None  # the body, where somebody had to look at it before it is sent on
        self.capture: Any = None  # a replies.Capture that keeps the answer as it is sent
        self.finished: Finished | None = None
        self.request_bytes = 0
        self.response_bytes = 0
        self.upstream_start_ns = 0
        self.first_byte_ns = 0
        self.upstream_end_ns = 0
        self.head_sent_ns = 0
        self.auth_ns = 0  # until the call was authorised
        self.limit_ns = 0  # to take what its limits allow

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a request header, named in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def path(self) -> str:
        """Return the raw path without the query: what is recorded."""
        return self.raw_path

    def started(self) -> Started:
        """Build the record that is written before the upstream sees anything."""
        self.identity = self._identity()
        return Started(**self.identity)

    def finish(self) -> Finished:
        """Build the record of the outcome."""
        end = time.monotonic_ns()
        upstream_end = self.upstream_end_ns or end
        upstream_ns = upstream_end - self.upstream_start_ns if self.upstream_start_ns else 0
        # An attempt keeps the identity that its first record told.
        identity = self.identity if self.identity and self.identity["attempt"] == self.attempt else self._identity()
        return Finished(
            **identity,
            status=self.status,
            code=self.code,
            fault=self.fault,
            rule=self.rule,
            verdict=self.verdict,
            upstream_status=self.upstream_status,
            is_streamed=self.is_streamed,
            is_client_gone=self.is_client_gone,
            total_ms=(end - self.received_ns) / NANOS_PER_MS,
            overhead_ms=self.overhead_ns() / NANOS_PER_MS,
            upstream_ms=upstream_ns / NANOS_PER_MS,
            first_byte_ms=max(0, self.head_sent_ns - self.received_ns) / NANOS_PER_MS,
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            is_estimated=self.is_estimated,
            cost_nano=self.cost_nano,
            price_state=self.price_state,
        )

    def overhead_ns(self) -> int:
        """Return what the gateway took until the headers left: all but the wait for the upstream's first byte."""
        until = self.head_sent_ns or time.monotonic_ns()
        waited = self.first_byte_ns - self.upstream_start_ns if self.first_byte_ns and self.upstream_start_ns else 0
        return max(0, until - self.received_ns - waited)

    def _identity(self) -> dict[str, Any]:
        route, subscription = self.route, self.subscription
        return {
            "id": self.id,
            "attempt": self.attempt,
            "at": self.at,
            "environment": route.environment if route else "production",
            "node": self.node,
            "worker": self.worker,
            "generation": self.generation,
            "kind": route.kind if route else "rest",
            "api_id": route.api_id if route else "",
            "version_id": route.version_id if route else "",
            "operation_id": self.operation.operation_id if self.operation else "",
            "owner_team_id": route.owner_team_id if route else "",
            "application_id": self.credential.application_id
            if self.credential
            else (subscription.application_id if subscription else ""),
            "team_id": self.credential.team_id if self.credential else (subscription.team_id if subscription else ""),
            "subscription_id": self.subscription_id,
            "plan_id": self.plan_id,
            "credential_id": self.credential_id,
            "user_id": self.user_id,
            "is_try_it": self.is_try_it,
            "method": self.method,
            "path": self.raw_path[:2048],
            "client_request_id": self.client_request_id,
            "provider": self.provider,
            "model": self.model,
            "reserved_tokens": self.reserved_tokens,
            "reserved_nano": self.reserved_nano,
        }
