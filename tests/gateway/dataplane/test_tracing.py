from __future__ import annotations

import re

import pytest

from gateway.dataplane.calls import new_call_id
from gateway.dataplane.tracing import next_hop

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def follow(*given: str) -> str:
    return next_hop([(b"traceparent", value.encode()) for value in given], str(new_call_id()))[1].decode()


def test_a_trace_goes_on_with_a_new_parent():
    found = follow(f"00-{TRACE}-{PARENT}-01")
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", found)
    assert PARENT not in found


def test_a_higher_version_is_followed_by_what_we_know_of_it():
    assert follow(f"01-{TRACE}-{PARENT}-01-more").startswith(f"00-{TRACE}-")


@pytest.mark.parametrize(
    "bad",
    [
        (), ("",), (f"00-{'0' * 32}-{PARENT}-01",), (f"00-{TRACE}-{'0' * 16}-01",), (f"ff-{TRACE}-{PARENT}-01",),
        (f"00-{TRACE.upper()}-{PARENT}-01",), (f"00-{TRACE}-{PARENT}",), (f"00-{TRACE}-{PARENT}-01",) * 2,
    ],
)  # fmt: skip
def test_what_is_not_valid_begins_a_new_trace(bad: tuple[str, ...]):
    first, second = follow(*bad), follow(*bad)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", first)
    assert TRACE not in first
    assert first.split("-")[1] != second.split("-")[1]
