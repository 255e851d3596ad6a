"""Which of a provider's keys a call uses: in turn, and not one that the provider has just asked to be patient with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gateway.dataplane.records import ProviderKeyRecord

COOL_SECONDS = 20.0
LONGEST_COOL_SECONDS = 300.0

Named = tuple[str, ProviderKeyRecord]


class Keyring:
    """What one worker knows of the keys: which are left alone, and until when (the monotonic clock)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cooling: dict[str, float] = {}
        self._turn = 0

    def choose(self, keys: Sequence[Named], tried: Sequence[str] = ()) -> Named | None:
        """Return the next usable key that was not tried; where all are left alone, the one that is so no longer first.

        None when every key was tried.
        """
        fresh = [key for key in keys if key[0] not in tried]
        if not fresh:
            return None
        now = self._clock()
        warm = [key for key in fresh if self._cooling.get(key[0], 0.0) <= now]
        if not warm:
            return min(fresh, key=lambda key: self._cooling[key[0]])
        self._turn += 1
        return warm[self._turn % len(warm)]

    def cool_down(self, name: str, retry_after: bytes | None) -> None:
        """Leave a key alone for as long as its provider asked, some seconds where it did not say."""
        seconds = float(retry_after) if retry_after and retry_after.isdigit() else COOL_SECONDS
        now = self._clock()
        self._cooling = {key: until for key, until in self._cooling.items() if until > now}
        self._cooling[name] = now + min(seconds, LONGEST_COOL_SECONDS)


ring = Keyring()
