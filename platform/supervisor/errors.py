"""What can stop the supervisor: one class, told to a person in one sentence and one remedy."""

from __future__ import annotations


class SupervisorError(Exception):
    """Say what is wrong and how to mend it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}".strip())
