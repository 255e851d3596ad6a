"""W3C Trace Context: a caller's trace goes on with a new parent id, a call without a valid one begins a trace.

`traceparent` is `00-<32 hex>-<16 hex>-<2 hex>`, and ids of zeros alone are invalid (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import re

from gateway.dataplane.calls import random_bytes
from gateway.dataplane.errors import Header

NAME = b"traceparent"
# A higher version may go on after the flags; what it says there is not ours to repeat.
VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")
NOT_SAMPLED = b"00"


def next_hop(headers: list[Header]) -> Header:
    """Return the field for the next hop."""
    given = [value for name, value in headers if name == NAME]
    match = VALID.fullmatch(given[0]) if len(given) == 1 else None
    trace, flags = match.groups() if match else (random_bytes(16).hex().encode(), NOT_SAMPLED)
    return NAME, b"00-%b-%b-%b" % (trace, random_bytes(8).hex().encode(), flags)
