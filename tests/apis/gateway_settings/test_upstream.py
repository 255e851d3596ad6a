from __future__ import annotations

import pytest

from apis.gateway_settings import find_problems
from apis.gateway_settings.upstream import upstream_fields
from gateway.dataplane.records import TargetRecord, UpstreamRecord

WHOLE = {
    "targets": [{"url": "https://a.example/v1/", "weight": 3}, {"url": "http://b.example:8080"}],
    "balance": "least_pending",
    "retry": {"attempts": 2, "statuses": [429, 503]},
    "breaker": {"failures": 5, "open_seconds": 10},
    "health": {"path": "/healthz", "every_seconds": 5},
    "timeouts": {"connect": 1, "first_byte": 10, "between_chunks": 20, "total": 60},
    "headers": {"X-Team": "payments"},
    "tls": {"verify": False, "server_name": "orders.internal"},
}


def test_a_whole_block_becomes_a_record():
    assert find_problems({"upstream": WHOLE}) == []
    record = UpstreamRecord(**upstream_fields(WHOLE))
    assert record.targets == (TargetRecord("https://a.example/v1", 3), TargetRecord("http://b.example:8080", 1))
    assert (record.base_url, record.balance, record.retries, record.retry_statuses) == (
        "https://a.example/v1", "least_pending", 2, (429, 503),
    )  # fmt: skip
    assert (record.breaker_failures, record.health_path, record.connect_seconds, record.total_seconds) == (
        5,
        "/healthz",
        1.0,
        60.0,
    )
    assert record.tls is not None and record.tls.server_name == "orders.internal" and not record.tls.is_verified


@pytest.mark.parametrize(
    ("block", "pointer", "words"),
    [
        ("x", "", "'x'"),
        ({"target": []}, "/target", "'target'"),
        ({"targets": []}, "/targets", "1 to 50"),
        ({"targets": ["http://a"]}, "/targets/0", "'http://a'"),
        ({"targets": [{"url": "ftp://a"}]}, "/targets/0/url", "'ftp://a'"),
        ({"targets": [{"url": "http://u:p@a"}]}, "/targets/0/url", "base address"),
        ({"targets": [{"url": "http://a", "weight": 0}]}, "/targets/0/weight", "0"),
        ({"balance": "random"}, "/balance", "'random'"),
        ({"retry": {"attempts": 9}}, "/retry/attempts", "9"),
        ({"retry": {"statuses": [404]}}, "/retry/statuses/0", "404"),
        ({"breaker": {"failures": True}}, "/breaker/failures", "True"),
        ({"health": {}}, "/health/path", "None"),
        ({"health": {"path": "healthz"}}, "/health/path", "'healthz'"),
        ({"timeouts": {"connect": "5"}}, "/timeouts/connect", "'5'"),
        ({"headers": {"Host": "x"}}, "/headers/Host", "itself"),
        ({"headers": {"X-A": "a\r\nb: c"}}, "/headers/X-A", "one line"),
        ({"tls": {"ca": "not a certificate"}}, "/tls/ca", "PEM"),
        ({"tls": {"certificate": "x"}}, "/tls/certificate", "together"),
        ({"tls": {"verify": "no"}}, "/tls/verify", "'no'"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(block, pointer, words):
    (problem, *_) = find_problems({"upstream": block})
    assert problem.pointer == f"/upstream{pointer}"
    assert words in problem.detail
