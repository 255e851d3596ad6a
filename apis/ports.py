"""Questions apis asks of the apps above it, filled in their apps.py; check `apis.E001` names an unfilled one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apis.models import Api, ApiVersion, Revision


@dataclass(frozen=True, slots=True)
class Caller:
    """One application's calls of a version within a number of days."""

    application_id: str
    application_name: str
    team_name: str
    contact_email: str
    calls: int
    calls_7_days: int
    last_call_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperationCaller:
    """One application's calls of one operation."""

    application_id: str
    application_name: str
    calls: int


# usage fills it: the applications that called a version in the last `days`, most calls first.
callers_of: Callable[[ApiVersion, int], list[Caller]] | None = None
# usage fills it: by operation id, the applications that called it in the last `days`, most calls first.
callers_of_operations: Callable[[ApiVersion, int], dict[str, list[OperationCaller]]] | None = None
# usage fills it: by the key of an API, how many applications called it in the last 30 days; without any, absent.
caller_counts: Callable[[Iterable[int]], dict[int, int]] | None = None
# prompts fills it: the public id of the prompt version a revision carries, "" when none.
prompt_of: Callable[[Revision], str] | None = None
# prompts fills it: the names of the prompts that an API was made from; they move with it.
prompts_behind: Callable[[Api], list[str]] | None = None
# usage fills it: how many calls an API had in the last `days`.
calls_of_api: Callable[[Api, int], int] | None = None
