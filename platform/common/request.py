"""The id of the request being served, for logs and the audit log."""

from __future__ import annotations

from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request being served, "" outside one."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Name the request being served in this context."""
    _request_id.set(value)
