"""What a lint rule is: a stable code, how grave it is unless a ruleset says otherwise, what to do, and its check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from apis.lint.view import DocumentView

Severity = Literal["error", "warn", "info", "off"]
# The place of what was found, as an RFC 6901 pointer into the canonical document, and a sentence about it.
Hit = tuple[str, str]
Check = Callable[[DocumentView], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `why` is for the documentation page, `check` yields what stands against it."""

    code: str
    severity: Severity
    title: str
    why: str
    check: Check
