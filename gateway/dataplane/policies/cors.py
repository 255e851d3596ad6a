"""Cross-origin calls (Fetch standard, "CORS protocol"): preflights are answered here, answers say who may read them.

A preflight carries no key, so it is answered before authentication and tells nothing but the API's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import CorsRecord

VARY: Header = (b"vary", b"Origin")
# What our own answers carry and a script could not read otherwise.
ALWAYS_EXPOSED = (
    "Deprecation", "Gatehouse-Model", "Gatehouse-Provider", "Link", "RateLimit", "RateLimit-Policy", "Retry-After",
    "Sunset", "X-Request-Id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """A version's rule, ready to be compared with."""

    record: CorsRecord
    is_open: bool
    exact: frozenset[str]
    suffixes: tuple[tuple[str, str], ...]
    exposed: bytes

    def allows(self, origin: str) -> bool:
        """Say whether scripts of an origin may read answers."""
        if self.is_open or origin in self.exact:
            return True
        scheme, _, host = origin.partition("://")
        return any(scheme == wanted and host.endswith(suffix) for wanted, suffix in self.suffixes)


def _build(record: CorsRecord) -> Rule:
    suffixes = []
    for origin in record.origins:
        scheme, found, host = origin.partition("://*")
        if found:
            suffixes.append((scheme, host))
    exposed = ", ".join(dict.fromkeys((*record.exposed_headers, *ALWAYS_EXPOSED))).encode()
    return Rule(record, "*" in record.origins, frozenset(record.origins), tuple(suffixes), exposed)


_rules: RecordMemo[CorsRecord, Rule] = RecordMemo(_build)


def note_origin(call: Call, record: CorsRecord) -> None:
    """Let every answer of this call say whether its origin may read it."""
    origin = call.header(b"origin")
    rule = _rules.of(record)
    if origin is None:
        call.cors_headers = [VARY]
        return
    text = origin.decode("latin-1")
    if not rule.allows(text):
        call.cors_headers = [VARY]
        return
    call.cors_headers = [
        VARY,
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", rule.exposed),
    ]
    if record.allows_credentials:
        call.cors_headers.append((b"access-control-allow-credentials", b"true"))


def is_preflight(call: Call) -> bool:
    """Say whether a browser asks what it may send."""
    return (
        call.method == "OPTIONS"
        and bool(call.header(b"access-control-request-method"))
        and bool(call.header(b"origin"))
    )


def preflight_headers(call: Call, record: CorsRecord, methods: list[str]) -> list[Header]:
    """Return the answer to a preflight; without the allowing fields where the origin is not one of the rule's."""
    if len(call.cors_headers) == 1:
        return []
    allowed = [method for method in record.methods or methods if method in methods]
    headers = [(b"access-control-allow-methods", ", ".join(allowed).encode())]
    asked = call.header(b"access-control-request-headers")
    if asked:
        # `*` does not cover Authorization, nor anything where credentials are sent: what was asked for is named.
        wanted = [name.strip() for name in asked.decode("latin-1").split(",") if name.strip()]
        known = {name.lower() for name in record.headers}
        granted = [name for name in wanted if "*" in known or name.lower() in known]
        if granted:
            headers.append((b"access-control-allow-headers", ", ".join(granted).encode("latin-1")))
    headers.append((b"access-control-max-age", b"%d" % record.max_age_seconds))
    return headers
