"""Header rules of a version: remove, set, add, in this order, with a few words of the call in the values."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.dataplane.context import Call
from gateway.dataplane.errors import Header
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import HeaderRulesRecord

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# What a value may say of the call. All of it is ours or checked: none can hold a line break.
WORDS: dict[str, Callable[[Call], str]] = {
    "request_id": lambda call: call.id,
    "client_ip": lambda call: call.peer,
    "method": lambda call: call.method,
    "api": lambda call: call.route.api_name if call.route else "",
    "api_id": lambda call: call.route.api_id if call.route else "",
    "version": lambda call: call.route.version if call.route else "",
    "operation": lambda call: call.operation.operation_id if call.operation else "",
    "application": lambda call: call.subscription.application_name if call.subscription else "",
    "application_id": lambda call: call.subscription.application_id if call.subscription else "",
    "team_id": lambda call: call.subscription.team_id if call.subscription else "",
    "subscription_id": lambda call: call.subscription_id,
    "plan": lambda call: call.plan.name if call.plan else "",
}
Value = bytes | tuple[str | Callable[[Call], str], ...]


class Rules:
    """One direction's rules, compiled."""

    __slots__ = ("_added", "_dropped", "_set")

    def __init__(self, record: HeaderRulesRecord) -> None:
        self._set = tuple((name.lower().encode(), _compile(value)) for name, value in record.set)
        self._added = tuple((name.lower().encode(), _compile(value)) for name, value in record.add)
        self._dropped = frozenset(name.lower().encode() for name in record.remove) | {name for name, _ in self._set}

    def apply(self, headers: list[Header], call: Call) -> list[Header]:
        """Return the headers as the rules want them."""
        kept = [pair for pair in headers if pair[0] not in self._dropped]
        kept += [(name, _fill(value, call)) for name, value in self._set]
        kept += [(name, _fill(value, call)) for name, value in self._added]
        return kept


rules: RecordMemo[HeaderRulesRecord, Rules] = RecordMemo(Rules)


def _compile(text: str) -> Value:
    parts: list[str | Callable[[Call], str]] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        word = WORDS.get(match[1])
        if word is not None:
            parts += [text[end : match.start()], word]
            end = match.end()
    if not parts:
        return text.encode()
    return (*parts, text[end:])


def _fill(value: Value, call: Call) -> bytes:
    if isinstance(value, bytes):
        return value
    text = "".join(part if isinstance(part, str) else part(call) for part in value)
    # A name may hold any letter; a field's value holds printable ASCII (RFC 9110 §5.5).
    return "".join(char if " " <= char <= "~" else "?" for char in text).encode()
