"""One measurement of one target: full load, a fixed rate, or streams."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gatehouse import ROOT
from bench.peers import Target
from bench.processes import LOAD_CORE, machine_seconds

CONNECTIONS = 32
RATE = 200
BODY_BYTES = 1024
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement found. CPU is that of the target's processes; `foreign_cores` what others took meanwhile."""

    calls: int
    seconds: float
    failed: int
    cpu_us_per_call: float
    p50_ms: float
    p99_ms: float
    foreign_cores: float
    extra: dict[str, float]

    @property
    def calls_per_second(self) -> float:
        """Return the throughput."""
        return self.calls / self.seconds


def chat_body(model: str, *, is_stream: bool = False) -> str:
    """Return a chat request of exactly a kilobyte."""
    body = {"model": model, "stream": is_stream, "messages": [{"role": "user", "content": ""}]}
    if is_stream:
        body["stream_options"] = {"include_usage": True}
    bare = len(json.dumps(body, separators=(",", ":")))
    body["messages"] = [{"role": "user", "content": "x" * max(1, BODY_BYTES - bare)}]
    return json.dumps(body, separators=(",", ":"))


def full_load(target: Target, case: str, seconds: int, scratch: Path) -> Sample:
    """Send calls over 32 connections for a while, as fast as they are answered."""
    lines = [
        'wrk.method = "POST"',
        f"wrk.body = [[{chat_body(target.model)}]]",
        'wrk.headers["content-type"] = "application/json"',
    ]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in target.headers.items()]
    script = scratch / f"{target.name}.lua"
    script.write_text("\n".join(lines))
    url = f"http://127.0.0.1:{target.port}{target.path_of(case)}"
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    argv = ["taskset", "-c", str(LOAD_CORE), *wrk]
    with _Meter(target) as meter:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 30)
    found = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said nothing of {url}: {done.stdout}{done.stderr}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    failed = int(bad[1]) if bad else 0
    failed += sum(int(number) for number in errors.groups()) if errors else 0
    p50, p99 = (_latency(done.stdout, share) for share in ("50%", "99%"))
    return meter.sample(int(found[1]), float(found[2]), failed, p50, p99, {})


def _latency(text: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * UNITS[found[2]] if found else float("nan")


def fixed_rate(target: Target, case: str, seconds: int, rate: int = RATE) -> Sample:
    """Send calls at a fixed rate, whether or not earlier ones came back, in milliseconds from its sending."""
    job = {"kind": "rate", "rate": rate, "body": chat_body(target.model), "path": target.path_of(case)}
    with _Meter(target) as meter:
        found = _run(target, job, seconds)
    return meter.sample(found["calls"], seconds, found["failed"], found["p50_ms"], found["p99_ms"], {})


def streams(target: Target, seconds: int, number: int) -> Sample:
    """Keep streams of 50 chunks open; count what is lost, and how late the first chunk and the others come."""
    body = chat_body(target.model, is_stream=True)
    with _Meter(target) as meter:
        found = _run(target, {"kind": "streams", "streams": number, "body": body, "path": target.path}, seconds)
    names = ("lost", "repeated", "unfinished", "first_p50_ms", "first_p99_ms")
    extra = {name: float(found[name]) for name in names}
    return meter.sample(found["streams"], seconds, found["failed"], found["late_p50_ms"], found["late_p99_ms"], extra)


def _run(target: Target, job: dict[str, Any], seconds: int) -> dict[str, Any]:
    headers = {"content-type": "application/json", **target.headers}
    whole = {**job, "host": "127.0.0.1", "port": target.port, "headers": headers, "seconds": seconds}
    argv = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.load", json.dumps(whole)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, env=env, cwd=ROOT)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1000:])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class _Meter:
    """Reads the clocks round a measurement."""

    def __init__(self, target: Target) -> None:
        self._process = target.process
        self._cpu = self._foreign = self._seconds = 0.0

    def __enter__(self) -> _Meter:
        self._own = self._process.cpu_seconds() if self._process else 0.0
        self._busy = machine_seconds()
        self._load = os.times()
        return self

    def __exit__(self, *_: object) -> None:
        busy, stolen = machine_seconds()
        load = os.times()
        self._cpu = (self._process.cpu_seconds() if self._process else 0.0) - self._own
        children = load.children_user + load.children_system - self._load.children_user - self._load.children_system
        self._seconds = load.elapsed - self._load.elapsed
        # What is neither the target's nor the load generator's: the upstream is in it, and what others do, and steal.
        self._foreign = busy - self._busy[0] - self._cpu - children + stolen - self._busy[1]

    def sample(
        self, calls: int, seconds: float, failed: int, p50: float, p99: float, extra: dict[str, float]
    ) -> Sample:
        """Return the sample."""
        per_call = self._cpu / calls * 1e6 if calls else float("nan")
        return Sample(calls, seconds, failed, per_call, p50, p99, self._foreign / max(self._seconds, 1e-9), extra)
