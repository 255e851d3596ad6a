"""W3C Trace Context: a caller's trace goes on with a new parent id, a call without a valid one begins a trace.

`traceparent` is `00-<32 hex>-<16 hex>-<2 hex>`, and ids of zeros alone are invalid (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import re

from gateway.dataplane.errors import Header

NAME = b"traceparent"
# A higher version may go on after the flags; what it says there is not ours to repeat.
VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
SAMPLED = 1


def next_hop(headers: list[Header], call_id: str, *, is_traced: bool = False) -> Header:
    """Return the field for the next hop. A trace that begins here has the call's own id: either finds the other.

    Such a trace is marked as recorded where this gateway records it.
    """
    own = call_id.replace("-", "").encode()
    match = _match(headers)
    if match is None:
        return NAME, b"00-%b-%b-0%d" % (own, own[16:], is_traced)
    return NAME, b"00-%b-%b-%b" % (match[1], own[16:], match[3])


def context_of(headers: list[Header], call_id: str) -> tuple[str, str, bool]:
    """Return the call's trace id, its parent's span id ("" where the trace begins here), and whether to record it."""
    match = _match(headers)
    if match is None:
        return call_id.replace("-", ""), "", True
    return match[1].decode(), match[2].decode(), bool(int(match[3], 16) & SAMPLED)


def _match(headers: list[Header]) -> re.Match[bytes] | None:
    given = [value for name, value in headers if name == NAME]
    return VALID.fullmatch(given[0]) if len(given) == 1 else None
