"""One wrong value in a block of gateway settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Where (a JSON pointer inside the block), and one sentence that names the value and the way out."""

    pointer: str
    detail: str
