"""The shapes usage answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from usage.selectors.freshness import Freshness
from usage.selectors.visibility import EVERYTHING, Sight


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls are meant: all fields that are set must agree. Ids are public ids.

    `team_id` takes calls by the team's applications and calls of its APIs. `sight` (usage.selectors.sight_of) leaves
    only what a person may see, and hides money where they may not; without it everything is seen.
    """

    version_id: str = ""
    api_id: str = ""
    application_id: str = ""
    team_id: str = ""
    sight: Sight = EVERYTHING


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts, latency percentiles in milliseconds (None without an answered call), tokens and USD (None: hidden)."""

    calls: int = 0
    caller_errors: int = 0
    policy_errors: int = 0
    upstream_errors: int = 0
    gateway_errors: int = 0
    answers_2xx: int = 0
    answers_3xx: int = 0
    answers_4xx: int = 0
    answers_5xx: int = 0
    interrupted: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @property
    def errors(self) -> int:
        """Return the calls that failed, whoever's fault."""
        return self.caller_errors + self.policy_errors + self.upstream_errors + self.gateway_errors

    @property
    def error_share(self) -> float | None:
        """Return errors per call, None without calls."""
        return self.errors / self.calls if self.calls else None

    @property
    def succeeded(self) -> int:
        """Return the calls that did not fail."""
        return self.calls - self.errors

    @property
    def tokens(self) -> int:
        """Return input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Point:
    """The numbers of one interval; `is_running` while it is not over."""

    at: datetime
    numbers: Numbers
    is_running: bool = False


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """The numbers of a range, in all and per interval (minute, hour or day); `since` is cut to the interval.

    `refused` counts calls refused before a key was known; only for one version, and 0 for whom it is none of theirs.
    """

    since: datetime
    until: datetime
    interval: str
    totals: Numbers
    points: list[Point]
    freshness: Freshness
    refused: int = 0


@dataclass(frozen=True, slots=True)
class TopRow:
    """One API, application or model and its numbers in a range."""

    id: str
    name: str
    detail: str = ""
    url: str = ""
    numbers: Numbers = field(default_factory=Numbers)
