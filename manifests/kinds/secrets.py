"""The places of gateway settings that hold secrets: shown as kept, compared, never told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apis.gateway_settings.sealing import open_key
from common.errors import Invalid

KEPT = {"kept": True}


def hide_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return gateway settings with `{kept: true}` for the key of a certificate and the headers sent upstream."""
    return _each(settings, lambda where, value: KEPT)


def fill_secrets(settings: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are saved: what is kept is taken from those stored, or refused where there is none."""

    def fill(where: tuple[str, ...], value: Any) -> Any:
        if value != KEPT:
            return value
        found = _stored(stored, where)
        if found is None:
            detail = f"{where[-1]} is to be kept, and nothing is kept yet: write {{from_env: NAME}}."
            raise Invalid(detail, errors=[{"detail": detail, "pointer": "/gateway/" + "/".join(where)}])
        return found

    return _each(settings, fill)


def mark_kept(settings: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with `{kept: true}` where a secret is the one stored already."""

    def mark(where: tuple[str, ...], value: Any) -> Any:
        found = _stored(stored, where)
        return KEPT if value == KEPT or (found is not None and open_key(found) == value) else value

    return _each(settings, mark)


def has_new(settings: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Say whether settings hold a secret that is not the one stored."""
    marked = mark_kept(settings, stored)
    return hide_secrets(marked) != marked


def _each(settings: Mapping[str, Any], change: Callable[[tuple[str, ...], Any], Any]) -> dict[str, Any]:
    upstream = settings.get("upstream")
    if not isinstance(upstream, dict):
        return dict(settings)
    upstream = dict(upstream)
    if isinstance(upstream.get("tls"), dict) and upstream["tls"].get("key"):
        tls = upstream["tls"]
        upstream["tls"] = {**tls, "key": change(("upstream", "tls", "key"), tls["key"])}
    if isinstance(upstream.get("headers"), dict):
        headers = upstream["headers"]
        upstream["headers"] = {name: change(("upstream", "headers", name), value) for name, value in headers.items()}
    return {**settings, "upstream": upstream}


def _stored(settings: Mapping[str, Any], where: tuple[str, ...]) -> Any:
    value: Any = settings
    for part in where:
        value = value.get(part) if isinstance(value, dict) else None
    return value
