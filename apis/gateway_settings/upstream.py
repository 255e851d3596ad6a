"""Block `upstream`: several targets, how calls are shared out and repeated, timeouts, health checks, TLS. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import TargetRecord, TlsRecord

FIELDS = {"targets", "balance", "retry", "breaker", "health", "timeouts", "tls", "headers"}
TIMEOUTS = {
    "connect": "connect_seconds",
    "first_byte": "first_byte_seconds",
    "between_chunks": "between_chunks_seconds",
    "total": "total_seconds",
}
BALANCES = ("round_robin", "least_pending")
MOST_TARGETS = 50
SEALED = "sealed:"


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, FIELDS)
    if "targets" in block:
        yield from _targets(block["targets"])
    if "balance" in block:
        yield from values.one_of(block["balance"], "/balance", BALANCES)
    for name, check in (
        ("retry", _retry),
        ("breaker", _breaker),
        ("health", _health),
        ("timeouts", _timeouts),
        ("tls", _tls),
    ):
        if name in block:
            value = block[name]
            yield from check(value) if isinstance(value, dict) else values.mapping(value, f"/{name}")
    if "headers" in block:
        yield from _headers(block["headers"])


def _targets(targets: Any) -> Iterator[Problem]:
    if not isinstance(targets, list) or not 1 <= len(targets) <= MOST_TARGETS:
        yield Problem("/targets", f"Targets are a list of 1 to {MOST_TARGETS}.")
        return
    for index, target in enumerate(targets):
        pointer = f"/targets/{index}"
        if not isinstance(target, dict):
            yield from values.mapping(target, pointer)
            continue
        yield from values.unknown_fields(target, {"url", "weight"}, pointer)
        yield from _url(target.get("url"), f"{pointer}/url")
        yield from values.number(target.get("weight", 1), f"{pointer}/weight", 1, 100, is_whole=True)


def _url(url: Any, pointer: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        is_plain = is_plain and not (parts.query or parts.fragment or parts.username or parts.password)
    except (ValueError, TypeError, AttributeError):
        is_plain = False
    if not is_plain or not isinstance(url, str) or any(ord(char) <= 32 for char in url):
        yield Problem(pointer, f"{values.show(url)} is no base address such as https://orders.internal/v1.")


def _retry(block: dict[str, Any]) -> Iterator[Problem]:
    yield from values.unknown_fields(block, {"attempts", "statuses"}, "/retry")
    yield from values.number(block.get("attempts", 1), "/retry/attempts", 0, 5, is_whole=True)
    statuses = block.get("statuses", [])
    if not isinstance(statuses, list):
        yield Problem("/retry/statuses", f"{values.show(statuses)} is not a list of statuses such as 503.")
        return
    for index, status in enumerate(statuses):
        if status != 429:
            yield from values.number(status, f"/retry/statuses/{index}", 500, 599, is_whole=True)


def _breaker(block: dict[str, Any]) -> Iterator[Problem]:
    yield from values.unknown_fields(block, {"failures", "open_seconds"}, "/breaker")
    yield from values.number(block.get("failures", 5), "/breaker/failures", 1, 1000, is_whole=True)
    yield from values.number(block.get("open_seconds", 10), "/breaker/open_seconds", 0.1, 120)


def _health(block: dict[str, Any]) -> Iterator[Problem]:
    yield from values.unknown_fields(block, {"path", "every_seconds"}, "/health")
    path = block.get("path")
    if not isinstance(path, str) or not path.startswith("/") or not path.isascii() or any(ord(c) <= 32 for c in path):
        yield Problem("/health/path", f"{values.show(path)} is no path such as /healthz.")
    yield from values.number(block.get("every_seconds", 10), "/health/every_seconds", 1, 3600)


def _timeouts(block: dict[str, Any]) -> Iterator[Problem]:
    yield from values.unknown_fields(block, TIMEOUTS, "/timeouts")
    for name, value in block.items():
        yield from values.number(value, f"/timeouts/{name}", 0.01, 3600)


def _headers(headers: Any) -> Iterator[Problem]:
    if not isinstance(headers, dict):
        yield from values.mapping(headers, "/headers")
        return
    for name, value in headers.items():
        yield from values.header(name, value, f"/headers/{name}")


def _tls(block: dict[str, Any]) -> Iterator[Problem]:
    yield from values.unknown_fields(block, {"verify", "ca", "certificate", "key", "server_name"}, "/tls")
    yield from values.truth(block.get("verify", True), "/tls/verify")
    for name in ("ca", "certificate", "key", "server_name"):
        if not isinstance(block.get(name, ""), str):
            yield Problem(f"/tls/{name}", f"{values.show(block[name])} is not a text.")
            return
    if bool(block.get("certificate")) != bool(block.get("key")):
        yield Problem("/tls/certificate", "A client certificate and its key are given together.")
    if ca := block.get("ca"):
        try:
            ssl.create_default_context(cadata=ca)
        except (ssl.SSLError, ValueError):
            yield Problem("/tls/ca", "The authority's certificate is not PEM text (-----BEGIN CERTIFICATE-----).")


def upstream_fields(block: dict[str, Any], *, key: str = "") -> dict[str, Any]:
    """Return the fields of an UpstreamRecord that a valid block gives; `key` is the opened key of its certificate."""
    fields: dict[str, Any] = {}
    if "targets" in block:
        fields["targets"] = tuple(
            TargetRecord(item["url"].rstrip("/"), item.get("weight", 1)) for item in block["targets"]
        )
        fields["base_url"] = fields["targets"][0].url
    if "balance" in block:
        fields["balance"] = block["balance"]
    if "retry" in block:
        fields["retries"] = block["retry"].get("attempts", 1)
        if "statuses" in block["retry"]:
            fields["retry_statuses"] = tuple(block["retry"]["statuses"])
    if "breaker" in block:
        fields["breaker_failures"] = block["breaker"].get("failures", 5)
        fields["breaker_seconds"] = float(block["breaker"].get("open_seconds", 10))
    if "health" in block:
        fields["health_path"] = block["health"]["path"]
        fields["health_seconds"] = float(block["health"].get("every_seconds", 10))
    fields |= {TIMEOUTS[name]: float(value) for name, value in block.get("timeouts", {}).items()}
    if "headers" in block:
        fields["headers"] = tuple(block["headers"].items())
    if tls := block.get("tls"):
        names = {
            "is_verified": tls.get("verify", True),
            "ca": tls.get("ca", ""),
            "certificate": tls.get("certificate", ""),
        }
        fields["tls"] = TlsRecord(**names, key=key, server_name=tls.get("server_name", ""))
    return fields
