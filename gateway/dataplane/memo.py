"""Remembers what is built from a record, for as long as that very record is in force: nothing is set up per call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")
T = TypeVar("T")
RECORDS_REMEMBERED = 4096


class RecordMemo(Generic[R, T]):
    """A bounded memo by identity: hashing a record with all it holds would cost more than most lookups save."""

    def __init__(self, build: Callable[[R], T]) -> None:
        self._build = build
        self._known: dict[int, tuple[R, T]] = {}

    def of(self, record: R) -> T:
        """Return what was built from this record, building it at the first call."""
        known = self._known.get(id(record))
        # The record is held beside the value, so its identity cannot be given to another one meanwhile.
        if known is not None:
            return known[1]
        if len(self._known) >= RECORDS_REMEMBERED:
            self._known.clear()
        built = self._build(record)
        self._known[id(record)] = (record, built)
        return built
