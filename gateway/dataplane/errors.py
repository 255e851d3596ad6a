"""The refusals and failures of a call.

GatewayError
├── CallerError (fault caller)
│   ├── BadRequest 400                 bad-request
│   ├── RouteNotFound 404              route-not-found
│   │   ├── VersionUnknown 404         version-unknown
│   │   ├── OperationUnknown 404       operation-unknown
│   │   ├── ModelUnknown 404           model-unknown
│   │   └── CallUnknown 404            call-unknown
│   ├── MethodNotAllowed 405           method-not-allowed
│   ├── BodyTooLarge 413               body-too-large
│   ├── QueryTooLong 414               query-too-long
│   ├── HeadersTooLarge 431            headers-too-large
│   ├── ValidationFailed 422           validation-failed
│   ├── IdempotencyKeyInvalid 400      idempotency-key-invalid
│   ├── IdempotencyKeyReused 422       idempotency-key-reused
│   ├── IdempotencyRunning 409         idempotency-running
│   ├── LoopDetected 508               loop-detected
│   └── Unauthenticated 401            key-missing
│       ├── KeyInvalid 401             key-invalid
│       ├── KeyExpired 401             key-expired
│       └── KeyRevoked 401             key-revoked
├── PolicyError (fault policy)
│   ├── VersionRetired 410             version-retired
│   ├── VersionBlocked 503             version-blocked
│   ├── VersionBrownout 503            version-brownout
│   ├── SubscriptionRequired 403       subscription-required
│   ├── SubscriptionPending 403        subscription-pending
│   ├── SubscriptionSuspended 403      subscription-suspended
│   ├── PolicyDenied 403               policy-denied
│   ├── PriceUnknown 403               price-unknown
│   └── QuotaExceeded 429              quota-exceeded
├── UpstreamError (fault upstream)
│   ├── UpstreamUnreachable 502        upstream-unreachable
│   ├── IssuerUnavailable 503          issuer-unavailable
│   ├── UpstreamInvalid 502            upstream-invalid
│   ├── UpstreamForbidden 502          upstream-forbidden (fault policy)
│   ├── UpstreamTimeout 504            upstream-timeout
│   ├── UpstreamUnavailable 503        upstream-unavailable
│   ├── ProviderError 4xx/502          provider-error
│   └── ModelOutputInvalid 502         model-output-invalid
└── OwnError (fault gateway)
    ├── LimitsUnavailable 503          limits-unavailable
    ├── SpoolFull 503                  spool-full
    ├── StateStale 503                 state-stale
    ├── ProviderKeyMissing 503         provider-key-missing
    └── InternalError 500              internal-error

ClientGone stands beside the tree: nobody is left to be answered.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

Header = tuple[bytes, bytes]


class ClientGone(Exception):  # noqa: N818  not an error of ours: the caller left
    """The caller closed the connection before the answer was complete."""


class GatewayError(Exception):
    """A call that is answered with a problem. `detail` is one sentence for the caller: no secret, key or prompt text.

    `rule` names what refused (`free@1 minute`), `extra` are further members of the problem body, `headers` go with it.
    """

    status: int = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "The gateway failed"
    fault: str = "gateway"
    level: ClassVar[int] = logging.INFO
    is_retryable: ClassVar[bool] = False
    type_uri: ClassVar[str] = ""

    def __init__(
        self,
        detail: str = "",
        *,
        rule: str = "",
        param: str = "",
        headers: Sequence[Header] = (),
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail or f"{self.title}."
        self.rule = rule
        self.param = param
        self.headers = list(headers)
        self.extra = extra or {}


class CallerError(GatewayError):
    """The caller can mend it."""

    fault = "caller"


class BadRequest(CallerError):
    """The request breaks the rules of HTTP or of the operation."""

    status, code, title = 400, "bad-request", "The request is not valid"


class RouteNotFound(CallerError):
    """No API answers here, or none the caller may see: both say the same."""

    status, code, title = 404, "route-not-found", "No API answers at this address"


class RevisionUnknown(RouteNotFound):
    """A revision that was asked for is not there, or not for the caller."""

    code, title = "revision-unknown", "No such revision"


class VersionUnknown(RouteNotFound):
    """The API is there, the version is not."""

    code, title = "version-unknown", "This API has no such version"


class OperationUnknown(RouteNotFound):
    """The version has no operation at this path."""

    code, title = "operation-unknown", "This version has no such operation"


class ModelUnknown(RouteNotFound):
    """No model or alias of that name that the plan lets the key use."""

    code, title = "model-unknown", "There is no such model"


class CallUnknown(RouteNotFound):
    """No AI call of this id within the hour, or none of the asking application."""

    code, title = "call-unknown", "There is no such call"


class MethodNotAllowed(CallerError):
    """The path exists, not with this method; `headers` carries `Allow`."""

    status, code, title = 405, "method-not-allowed", "The operation does not know this method"


class BodyTooLarge(CallerError):
    """The body is over the limit of the version."""

    status, code, title = 413, "body-too-large", "The body is too large"


class QueryTooLong(CallerError):
    """The query is over the version's limit."""

    status, code, title = 414, "query-too-long", "The query is too long"


class HeadersTooLarge(CallerError):
    """The headers are over the version's limit."""

    status, code, title = 431, "headers-too-large", "The headers are too large"


class ValidationFailed(CallerError):
    """Arguments of the wrong shape; `extra["errors"]` lists `{detail, pointer}`."""

    status, code, title = 422, "validation-failed", "The arguments are not valid"


class IdempotencyKeyInvalid(CallerError):
    """The operation needs an Idempotency-Key, or the one given is none."""

    status, code, title = 400, "idempotency-key-invalid", "The Idempotency-Key is missing or not valid"


class IdempotencyKeyReused(CallerError):
    """The key came with another request before."""

    status, code, title = 422, "idempotency-key-reused", "The Idempotency-Key belongs to another request"


class IdempotencyRunning(CallerError):
    """The first call with this key has not ended."""

    status, code, title, is_retryable = 409, "idempotency-running", "The first call is still under way", True


class LoopDetected(CallerError):
    """Our own name stands in `Via`: the call came from us (RFC 9110 §7.6.3, status from RFC 5842)."""

    status, code, title, fault = 508, "loop-detected", "The call came back to its own gateway", "upstream"
    level = logging.WARNING


class Unauthenticated(CallerError):
    """No credential on a version that asks for one."""

    status, code, title = 401, "key-missing", "A key is needed"


class KeyInvalid(Unauthenticated):
    """Not a key of ours: wrong form, wrong checksum, unknown."""

    code, title = "key-invalid", "The key is not valid"


class KeyExpired(Unauthenticated):
    """The key's time has passed."""

    code, title = "key-expired", "The key has expired"


class KeyRevoked(Unauthenticated):
    """The key was revoked or disabled."""

    code, title = "key-revoked", "The key was revoked"


class PolicyError(GatewayError):
    """A decision of a team or an admin stands against it."""

    fault = "policy"


class VersionRetired(PolicyError):
    """The version is gone for good; `headers` links its successor and forbids caching."""

    status, code, title = 410, "version-retired", "This version was retired"


class VersionBlocked(PolicyError):
    """The version is blocked for now by its owners."""

    status, code, title, is_retryable = 503, "version-blocked", "This version is blocked", True


class VersionBrownout(PolicyError):
    """The version refuses calls for a short, announced time before its sunset."""

    status, code, title, is_retryable = 503, "version-brownout", "This version has a brownout", True


class SubscriptionRequired(PolicyError):
    """The key's application has no subscription to the version."""

    status, code, title = 403, "subscription-required", "A subscription is needed"


class SubscriptionPending(PolicyError):
    """The subscription waits for approval or for its start."""

    status, code, title = 403, "subscription-pending", "The subscription is not active yet"


class SubscriptionSuspended(PolicyError):
    """The subscription is suspended."""

    status, code, title = 403, "subscription-suspended", "The subscription is suspended"


class PolicyDenied(PolicyError):
    """A rule of the plan or policy says no."""

    status, code, title = 403, "policy-denied", "The policy does not allow this call"


class PriceUnknown(PolicyError):
    """The model has no price and the plan blocks such calls."""

    status, code, title = 403, "price-unknown", "The model has no price"


class QuotaExceeded(PolicyError):
    """A limit is used up; `headers` carries Retry-After, `extra["violated-policies"]` the names."""

    status, code, title, is_retryable = 429, "quota-exceeded", "The limit is used up", True
    type_uri = "https://iana.org/assignments/http-problem-types#quota-exceeded"


class UpstreamError(GatewayError):
    """The service behind the gateway failed. `is_unsent`: nothing of the request can have reached it."""

    fault = "upstream"
    level = logging.WARNING
    is_unsent = False


class UpstreamUnreachable(UpstreamError):
    """No connection, or it broke before an answer."""

    status, code, title, is_retryable = 502, "upstream-unreachable", "The service behind cannot be reached", True


class IssuerUnavailable(UpstreamError):
    """The keys of a token's issuer cannot be fetched."""

    status, code, title, is_retryable = 503, "issuer-unavailable", "The token's issuer cannot be asked", True


class UpstreamInvalid(UpstreamError):
    """The answer was not HTTP, or not what the format promises."""

    status, code, title = 502, "upstream-invalid", "The service behind answered something unusable"


class UpstreamForbidden(UpstreamError):
    """The upstream's address is one the gateway must not call."""

    status, code, title, fault = 502, "upstream-forbidden", "The gateway may not call this address", "policy"


class UpstreamTimeout(UpstreamError):
    """No answer in time."""

    status, code, title, is_retryable = 504, "upstream-timeout", "The service behind took too long", True


class UpstreamUnavailable(UpstreamError):
    """It failed repeatedly and is left alone for a while."""

    status, code, title, is_retryable = 503, "upstream-unavailable", "The service behind is left alone", True
    is_unsent = True


class ProviderError(UpstreamError):
    """An AI provider answered with an error; a refusal of the request itself keeps the provider's status."""

    status, code, title = 502, "provider-error", "The provider refused the call"

    def __init__(self, detail: str, *, status: int = 502, **more: Any) -> None:
        super().__init__(detail, **more)
        self.status = status


class ModelOutputInvalid(UpstreamError):
    """The model's output breaks the schema that the API promises."""

    status, code, title = 502, "model-output-invalid", "The model's output does not fit the schema"


class OwnError(GatewayError):
    """The gateway itself cannot serve the call now."""

    level = logging.ERROR


class LimitsUnavailable(OwnError):
    """The store of limits cannot be asked and the plan closes then."""

    status, code, title, is_retryable = 503, "limits-unavailable", "The limits cannot be checked now", True


class SpoolFull(OwnError):
    """The call cannot be recorded, so it is not made."""

    status, code, title, is_retryable = 503, "spool-full", "The call cannot be recorded now", True


class StateStale(OwnError):
    """The gateway's state is older than allowed: credentials are refused."""

    status, code, title, is_retryable = 503, "state-stale", "The gateway's data is too old", True


class ProviderKeyMissing(OwnError):
    """No active key of the provider."""

    status, code, title = 503, "provider-key-missing", "The provider has no key"
    level = logging.WARNING


class InternalError(OwnError):
    """A defect; the log has it under the call's id."""
