"""Writes the tables: what was asked for beside what was reached, then every target's figures."""

from __future__ import annotations

from statistics import median

from bench.figures import Ratio, percentile, ratio, slope_per_hour
from bench.measures import Sample

Found = dict[str, dict[str, list[Sample]]]
OURS, LARGE, DOUBLE = "gatehouse", "gatehouse 10k APIs", "gatehouse 2 workers"
AI_GATEWAYS = ("ferrogw", "tensorzero", "smg")


def write(samples: Found, versions: dict[str, str], memory: dict[str, list[float]], changes: list[float]) -> str:
    """Return the report as Markdown."""
    parts = [
        "# Gateway benchmark",
        "",
        "Ratios are medians of same-round ratios (least-most); read docs/performance.md.",
        "",
    ]
    parts += ["| case | reached | at least | aim |", "|---|---|---|---|"]
    parts += [f"| {' | '.join(row)} |" for row in _goals(samples, memory, changes)]
    for case, found in samples.items():
        parts += ["", f"## {case}", "", *_table(case, found)]
    if "soak" in memory:
        rows = [(20.0 * at, value) for at, value in enumerate(memory["soak"])]
        parts += ["", f"Soak: {rows[0][1]:.1f} MB to {rows[-1][1]:.1f} MB, {slope_per_hour(rows):+.1f} MB an hour."]
    parts += ["", "## Versions", "", *(f"- {name}: {text}" for name, text in versions.items() if name != "soak"), ""]
    return "\n".join(parts)


def _goals(samples: Found, memory: dict[str, list[float]], changes: list[float]) -> list[tuple[str, str, str, str]]:
    return [
        ("REST, 1 KB, against Envoy", _throughput(samples, "rest", OURS, "envoy"), "0.3", "0.8"),
        ("chat, against the fastest of ferrogw, TensorZero, smg", _against_fastest(samples), "0.8", "1.5"),
        ("chat, against Portkey", _throughput(samples, "chat", OURS, "portkey"), "6", "15"),
        ("chat, against LiteLLM", _throughput(samples, "chat", OURS, "litellm"), "30", "100"),
        ("added latency at 200 calls/s, p50 / p99 ms", _added_latency(samples), "1.0 / 5", "0.5 / 2"),
        (
            "streams: lost chunks; added first chunk p99 ms; CPU against nginx",
            _streams(samples),
            "0; 10; 6 x",
            "0; 5; 3 x",
        ),
        ("throughput with 10 000 APIs and 100 000 keys", _throughput(samples, "scale", LARGE, OURS), "0.9", "1.0"),
        ("CPU per call, two workers against one", _cpu(samples, "workers", DOUBLE, OURS), "1.1", "1.0"),
        ("MB per worker, small / large", _memory(memory), "120 / 300", "80 / 200"),
        ("change on all workers, p99 ms", f"{percentile(changes, 0.99):.0f}" if changes else "-", "1000", "200"),
    ]


def _throughput(samples: Found, case: str, ours: str, theirs: str) -> str:
    found = samples.get(case, {})
    value = ratio(
        [sample.calls_per_second for sample in found.get(ours, [])],
        [sample.calls_per_second for sample in found.get(theirs, [])],
    )
    return _text(value)


def _cpu(samples: Found, case: str, ours: str, theirs: str) -> str:
    found = samples.get(case, {})
    value = ratio(
        [sample.cpu_us_per_call for sample in found.get(ours, [])],
        [sample.cpu_us_per_call for sample in found.get(theirs, [])],
    )
    return _text(value)


def _text(value: Ratio | None) -> str:
    return "-" if value is None else f"{value} x"


def _against_fastest(samples: Found) -> str:
    found = {name: rows for name, rows in samples.get("chat", {}).items() if name in AI_GATEWAYS}
    if not found:
        return "-"
    fastest = max(found, key=lambda name: median(sample.calls_per_second for sample in found[name]))
    return f"{_throughput(samples, 'chat', OURS, fastest)} ({fastest})"


def _added_latency(samples: Found) -> str:
    found = samples.get("latency", {})
    ours, direct = found.get(OURS, []), found.get("direct", [])
    if not ours or not direct:
        return "-"
    pairs = list(zip(ours, direct, strict=False))
    p50 = median(a.p50_ms - b.p50_ms for a, b in pairs)
    p99 = median(a.p99_ms - b.p99_ms for a, b in pairs)
    return f"{p50:.2f} / {p99:.2f}"


def _streams(samples: Found) -> str:
    found = samples.get("streams", {})
    ours, direct = found.get(OURS, []), found.get("direct", [])
    if not ours or not direct:
        return "-"
    lost = sum(sample.extra["lost"] + sample.extra["repeated"] for sample in ours)
    added = median(a.extra["first_p99_ms"] - b.extra["first_p99_ms"] for a, b in zip(ours, direct, strict=False))
    return f"{lost:.0f}; {added:.1f}; {_cpu(samples, 'streams', OURS, 'nginx')}"


def _memory(memory: dict[str, list[float]]) -> str:
    return " / ".join(f"{max(memory[name]):.0f}" if name in memory else "-" for name in (OURS, LARGE))


def _table(case: str, found: dict[str, list[Sample]]) -> list[str]:
    base = found.get(OURS, [])
    rows = [
        "| target | per second | CPU us | p50 ms | p99 ms | failed | ours / theirs | foreign cores |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, taken in found.items():
        ours = ratio([sample.calls_per_second for sample in base], [sample.calls_per_second for sample in taken])
        cells = (
            name,
            f"{median(sample.calls_per_second for sample in taken):,.0f}",
            f"{median(sample.cpu_us_per_call for sample in taken):,.0f}",
            f"{median(sample.p50_ms for sample in taken):.2f}",
            f"{median(sample.p99_ms for sample in taken):.2f}",
            f"{sum(sample.failed for sample in taken)}",
            _text(ours),
            f"{max(sample.foreign_cores for sample in taken):.2f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
        if case == "streams":
            extra = {key: median(sample.extra[key] for sample in taken) for key in taken[0].extra}
            told = ", ".join(f"{key} {value:.2f}" for key, value in extra.items())
            rows.append(f"| | {told} | | | | | | |")
    return rows
