"""Domain errors. Services raise them, `common.problems` renders them, views catch none.

DomainError
├── Invalid (422)         a value is wrong; `errors` lists {detail, pointer}
├── NotAllowed (403)      the role does not reach
├── NotFound (404)        not there, or not to be known
├── Conflict (409)        the state does not allow it
├── Stale (412)           somebody changed it meanwhile (If-Match)
├── ConditionMissing (428) a write without If-Match
├── TooLarge (413)        over a size limit
└── Unavailable (503)     a part we need is down
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """An expected refusal: `code` is kebab-case and has a page at /problems/{code}; `detail` says what to do."""

    status = 400
    code = "bad-request"
    title = "The request cannot be carried out"

    def __init__(self, detail: str, *, code: str | None = None, **context: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.context = context


class Invalid(DomainError):
    """A value is wrong. `errors` is a list of {"detail", "pointer"}; pointers are JSON pointers or field names."""

    status = 422
    code = "validation-failed"
    title = "A value is not valid"

    def __init__(self, detail: str, *, errors: list[dict[str, Any]] | None = None, **context: Any) -> None:
        super().__init__(detail, **context)
        self.errors = errors or []


class NotAllowed(DomainError):
    """The actor is known and may see the object, but the role does not reach."""

    status = 403
    code = "role-missing"
    title = "Your role does not allow this"


class NotFound(DomainError):
    """Not there, or not to be known by this actor."""

    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(DomainError):
    """The state of the object does not allow it."""

    status = 409
    code = "conflict"
    title = "The current state does not allow this"


class Stale(DomainError):
    """If-Match names an older version of the object."""

    status = 412
    code = "stale"
    title = "Somebody changed it meanwhile"


class ConditionMissing(DomainError):
    """A write came without If-Match."""

    status = 428
    code = "if-match-missing"
    title = "If-Match is needed"


class TooLarge(DomainError):
    """Over a size limit."""

    status = 413
    code = "too-large"
    title = "Too large"


class Unavailable(DomainError):
    """A part this needs is down; trying again later helps."""

    status = 503
    code = "unavailable"
    title = "A part of Gatehouse is not available"
