"""From the caller's path and query to the upstream's. Raw bytes stay as they came: nothing is decoded on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from gateway.dataplane.context import Call
from gateway.dataplane.memo import RecordMemo
from gateway.dataplane.records import OperationRecord, RewriteRecord

PARAMETER = re.compile(r"\{([^{}/]+)\}")


class Rewrite:
    """A version's rewriting, compiled."""

    __slots__ = ("_dropped", "_record", "_set", "_templates")

    def __init__(self, record: RewriteRecord) -> None:
        self._record = record
        self._templates = dict(record.paths)
        self._dropped = {name for name, _ in record.query_set} | set(record.query_remove)
        self._set = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in record.query_set]

    def path(self, call: Call) -> str:
        """Return the path that follows the upstream's base address."""
        template = self._templates.get(call.operation.operation_id) if call.operation else None
        if template is not None and call.operation is not None:
            values = parameters(call.operation, call.remainder)
            return PARAMETER.sub(lambda match: values.get(match[1], ""), template)
        path = call.remainder
        prefix = self._record.strip_prefix
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path[len(prefix) :]
        return self._record.prefix + path

    def query(self, query: str) -> str:
        """Return the query that goes upstream."""
        if not self._dropped and not self._set:
            return query
        parts = [part for part in query.split("&") if part and part.partition("=")[0] not in self._dropped]
        return "&".join([*parts, *self._set])


rewrites: RecordMemo[RewriteRecord, Rewrite] = RecordMemo(Rewrite)


def parameters(operation: OperationRecord, remainder: str) -> dict[str, str]:
    """Return the raw values of an operation's path parameters."""
    return _readers.of(operation)(remainder)


def _reader(operation: OperationRecord) -> Callable[[str], dict[str, str]]:
    names: list[str] = []

    def group(match: re.Match[str]) -> str:
        names.append(match[1])
        return "([^/]+?)"

    # The literal parts between parameters are quoted; a parameter takes one segment or a part of one.
    pieces, end = [], 0
    for match in PARAMETER.finditer(operation.path):
        pieces += [re.escape(operation.path[end : match.start()]), group(match)]
        end = match.end()
    pattern = re.compile("".join([*pieces, re.escape(operation.path[end:])]))

    def read(remainder: str) -> dict[str, str]:
        found = pattern.fullmatch(remainder)
        return dict(zip(names, found.groups(), strict=True)) if found else {}

    return read


_readers: RecordMemo[OperationRecord, Callable[[str], dict[str, str]]] = RecordMemo(_reader)
