"""The node's metrics: what callers did stands in them, added up over workers, also over those that have ended."""

from __future__ import annotations

import os
import re
import signal

import httpx
import pytest

from gateway.control.models import Worker
from gateway.dataplane.metrics import FAMILIES, Metrics, exposition, family_of
from gateway.node.exporter import add_up, lasting
from supervisor.ports import free_port


def scrape(port: int) -> dict[str, float]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5, trust_env=False)
    assert answer.status_code == 200
    rows = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in rows}


def total(series: dict[str, float], family: str) -> float:
    return sum(value for name, value in series.items() if name.startswith(f"{family}{{"))


def test_calls_are_counted_over_all_workers_and_a_dead_one_takes_nothing_away(start_node, published):
    port = free_port()
    node = start_node(GATEHOUSE_METRICS_BIND=f"127.0.0.1:{port}")
    node.ready()
    with httpx.Client(headers={"x-api-key": published}, trust_env=False) as client:
        for _ in range(20):
            assert client.get(f"{node.url}/pay/orders/v1/echo").status_code == 200
        assert client.get(f"{node.url}/pay/orders/v1/a/b/c/d").status_code == 404
    node.wait_for(lambda: total(scrape(port), "gatehouse_calls_total") == 21)
    found = scrape(port)
    assert found['gatehouse_calls_total{version="ver_1",status="2xx",fault=""}'] == 20
    assert found['gatehouse_refusals_total{code="operation-unknown"}'] == 1
    assert found['gatehouse_call_duration_ms_count{kind="rest"}'] == 21
    assert found['gatehouse_call_duration_ms_bucket{kind="rest",le="+Inf"}'] == 21
    assert found["gatehouse_workers"] == 2
    assert found["gatehouse_in_flight"] == 0
    assert found["gatehouse_auth_ms_total"] > 0
    victim = min(node.worker_pids())
    os.kill(victim, signal.SIGKILL)
    node.wait_for(lambda: len(set(node.worker_pids()) - {victim}) == 2)
    assert total(scrape(port), "gatehouse_calls_total") == 21
    stats = Worker.objects.first().stats
    assert {"in_flight", "queue_depth", "lease_hit_rate", "memory_bytes", "clock_skew_seconds"} <= set(stats)
    assert abs(stats["clock_skew_seconds"]) < 5


def test_metrics_are_not_served_to_callers(start_node, published):
    node = start_node()
    node.ready()
    assert httpx.get(f"{node.url}/metrics", trust_env=False).status_code == 404


def test_series_are_printed_under_their_type_and_help():
    text = exposition({'gatehouse_calls_total{version="v"}': 3, "gatehouse_in_flight": 1.5}).decode()
    assert '# TYPE gatehouse_calls_total counter\ngatehouse_calls_total{version="v"} 3\n' in text
    assert "# TYPE gatehouse_in_flight gauge\ngatehouse_in_flight 1.5\n" in text


def test_gauges_end_with_their_worker_and_counters_do_not():
    first = {
        "gatehouse_in_flight": 2.0,
        "gatehouse_retries_total": 3.0,
        'gatehouse_worker_memory_bytes{worker="w1"}': 9.0,
    }
    assert lasting(first) == {"gatehouse_retries_total": 3.0}
    assert add_up((lasting(first), {"gatehouse_retries_total": 4.0})) == {"gatehouse_retries_total": 7.0}


@pytest.mark.parametrize("name", ["gatehouse_call_duration_ms_bucket", "gatehouse_call_duration_ms_sum"])
def test_a_histograms_series_belong_to_its_family(name: str):
    assert family_of(f'{name}{{kind="rest"}}') == "gatehouse_call_duration_ms"


def test_labels_are_bounded():
    class Ended:
        version_id, status, fault, code, kind = "v", 200, "", "", "rest"
        total_ms = overhead_ms = upstream_ms = 1.0
        request_bytes = response_bytes = input_tokens = output_tokens = cost_nano = 0

    class Ending:
        auth_ns = limit_ns = 0
        finished = Ended()

    metrics = Metrics()
    for number in range(2500):
        Ending.finished.version_id = f"v{number}"
        metrics.note(Ending())  # type: ignore[arg-type]
    assert len(metrics._calls) == 2001
    assert metrics._calls["other", 2, ""] == 500


def test_every_family_is_documented():
    from pathlib import Path

    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^\| `(gatehouse_[a-z_]+)`", text, re.MULTILINE)) == set(FAMILIES)
