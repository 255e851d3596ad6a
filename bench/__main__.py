"""`./run bench`: starts everything, measures in interleaved rounds, prints the tables, stops what it started."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import tests_stores
from bench import catalog, installation, measures, peers, report
from bench.figures import percentile
from bench.gatehouse import REST_PATH, Database, Node
from bench.measures import Sample
from bench.peers import Target
from bench.processes import LOAD_CORE, Process, wait_for
from supervisor.ports import free_port

OURS, LARGE, DOUBLE = "gatehouse", "gatehouse 10k APIs", "gatehouse 2 workers"
CASES = ("rest", "chat", "latency", "streams", "scale", "workers", "change")
STREAMS = 500


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark."""
    options = _parse(arguments)
    if options.install:
        for name, reason in installation.install().items():
            sys.stderr.write(f"left out: {name}: {reason}\n")
        return 0
    if options.catalog:
        sys.stdout.write(catalog.run(options.catalog))
        return 0
    if not shutil.which("wrk"):
        sys.stderr.write("The load generator wrk is not on this machine.\n    apt-get install -y wrk nginx\n")
        return 1
    signal.signal(signal.SIGTERM, _interrupt)
    with Run(options) as run:
        run.start()
        if options.soak:
            run.soak(options.soak)
        else:
            for case in options.only.split(",") if options.only else CASES:
                run.measure(case)
        text = report.write(run.samples, run.versions, run.memory, run.changes)
    folder = installation.HOME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.md").write_text(text)
    (folder / "result.json").write_text(json.dumps(run.as_json()))
    sys.stdout.write(text)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description="Our gateway beside others, in the same rounds.")
    parser.add_argument("--install", action="store_true", help="install the peers into .build/bench and stop")
    parser.add_argument("--peers", default=",".join(peers.STARTERS), help="which to measure, by comma; '' for none")
    parser.add_argument("--only", default="", help=f"cases by comma: {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--streams", type=int, default=STREAMS)
    parser.add_argument("--apis", type=int, default=10_000, help="of the large installation")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument(
        "--soak", type=int, default=0, metavar="SECONDS", help="load ours at 60 %% and watch its memory"
    )
    parser.add_argument(
        "--catalog", type=int, default=0, metavar="ROUNDS", help="measure the console's search pages, and nothing else"
    )
    parser.add_argument("--profile", type=Path, help="write cProfile's figures of our worker to this file")
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Run:
    """The processes of one run and what they showed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.samples: dict[str, dict[str, list[Sample]]] = {}
        self.versions: dict[str, str] = {}
        self.memory: dict[str, list[float]] = {}
        self.changes: list[float] = []
        self.targets: dict[str, Target] = {}
        self._nodes: dict[str, Node] = {}
        self._processes: list[Process] = []
        self._home = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
        self._stores: tests_stores.Stores | None = None
        self._upstream_port = free_port()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.stop()
        if self._stores is not None:
            self._stores.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def start(self) -> None:
        """Start the stores, the upstream, ourselves and the peers that are installed."""
        self._stores = tests_stores.start_stores()
        for process, _ in self._stores.processes:
            os.sched_setaffinity(process.pid, {LOAD_CORE})
        argv = [sys.executable, "-m", "bench.upstream", self._upstream_port]
        env = {"PYTHONPATH": os.pathsep.join(sys.path)}
        upstream = Process(argv, core=LOAD_CORE, log=self._home / "upstream.log", env=env)
        self._processes.append(upstream)
        self.targets["direct"] = Target("direct", self._upstream_port, ("rest", "chat", "streams"))
        small = Database("bench_small")
        key = small.publish(self._upstream_port, apis=10, keys=10)
        self._start_ours(OURS, small, key, workers=1)
        if self._wants("workers"):
            self._start_ours(DOUBLE, small, key, workers=2)
        if self._wants("scale"):
            large = Database("bench_large")
            key = large.publish(self._upstream_port, apis=self.options.apis, keys=self.options.keys)
            self._start_ours(LARGE, large, key, workers=1)
        for name in [] if self.options.soak or not self.options.peers else self.options.peers.split(","):
            self._start_peer(name)

    def _wants(self, case: str) -> bool:
        return not self.options.soak and (not self.options.only or case in self.options.only.split(","))

    def _start_ours(self, name: str, database: Database, key: str, *, workers: int) -> None:
        _say(f"starting {name}")
        home = self._home / name.replace(" ", "-")
        node = Node(database, home, workers=workers, profile=self.options.profile)
        self._processes.append(node.process)
        started = time.monotonic()
        node.wait()
        self.versions[name] = f"ready after {time.monotonic() - started:.1f} s"
        headers = {"authorization": f"Bearer {key}"}
        cases = ("rest", "chat", "streams") if name == OURS else ()
        self._nodes[name] = node
        target = Target(name, node.port, cases, node.process, headers, rest_path=REST_PATH, model="bench/bench")
        self.targets[name] = target
        node.process.signal(signal.SIGSTOP)

    def _start_peer(self, name: str) -> None:
        if not installation.is_installed(name):
            _say(f"left out: {name} is not installed (./run bench --install)")
            return
        _say(f"starting {name}")
        try:
            target = peers.start(name, self._home, self._upstream_port)
        except (RuntimeError, OSError, StopIteration) as error:
            _say(f"left out: {name}: {error}")
            return
        assert target.process is not None
        self._processes.append(target.process)
        target.process.signal(signal.SIGSTOP)
        self.targets[name] = target
        self.versions[name] = " ".join(installation.PINS.get(name, ()))

    def measure(self, case: str) -> None:
        """Measure one case on all that serve it, round by round, each round beginning with another one."""
        scratch, seconds = self._home, self.options.seconds
        alone: dict[str, list[str]] = {"scale": [OURS, LARGE], "workers": [OURS, DOUBLE]}
        if case == "change":
            self._measure_changes()
            return
        kind = {"latency": "chat", "scale": "rest", "workers": "rest"}.get(case, case)
        names = alone.get(case) or [name for name, target in self.targets.items() if kind in target.cases]
        names = [name for name in names if name in self.targets]
        take: Callable[[Target], Sample]
        if case == "latency":
            take = lambda target: measures.fixed_rate(target, "chat", seconds, _rate_of(target))  # noqa: E731
        elif case == "streams":
            take = lambda target: measures.streams(target, seconds, self.options.streams)  # noqa: E731
        else:
            take = lambda target: measures.full_load(target, kind, seconds, scratch)  # noqa: E731
        for number in range(self.options.rounds):
            for name in [*names[number % len(names) :], *names[: number % len(names)]]:
                self._take(case, self.targets[name], take, is_first=number == 0)
        for name in names:
            if (process := self.targets[name].process) is not None:
                self.memory.setdefault(name, []).append(process.worker_mb())

    def _take(self, case: str, target: Target, take: Callable[[Target], Sample], *, is_first: bool) -> None:
        if target.process is not None:
            target.process.signal(signal.SIGCONT)
        try:
            # What waited while it was stopped (heartbeats, shipping) settles first; the first time also warms up.
            time.sleep(0.5)
            if is_first:
                measures.full_load(target, "rest" if case in ("rest", "scale", "workers") else "chat", 1, self._home)
            sample = take(target)
        except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
            # One target that fails leaves the others' figures.
            _say(f"{case:8} {target.name:20} failed: {error}")
            return
        finally:
            if target.process is not None:
                target.process.signal(signal.SIGSTOP)
        self.samples.setdefault(case, {}).setdefault(target.name, []).append(sample)
        _say(
            f"{case:8} {target.name:20} {sample.calls_per_second:9.0f}/s {sample.cpu_us_per_call:7.0f} us/call "
            f"p50 {sample.p50_ms:.2f} p99 {sample.p99_ms:.2f} ms, failed {sample.failed}"
        )

    def _measure_changes(self) -> None:
        """Time from a commit to all workers serving it, under the load of nothing."""
        node = self._nodes.get(DOUBLE) or self._nodes[OURS]
        node.process.signal(signal.SIGCONT)
        time.sleep(1)
        for _ in range(50):
            generation = node.database.change_one()
            committed = time.monotonic()
            wait_for(lambda g=generation: node.database.applied(g, node.workers), 10, "a change")
            self.changes.append((time.monotonic() - committed) * 1000)
            time.sleep(0.05)
        node.process.signal(signal.SIGSTOP)
        _say(f"change   p50 {percentile(self.changes, 0.5):.0f} p99 {percentile(self.changes, 0.99):.0f} ms")

    def soak(self, seconds: int) -> None:
        """Load ours at 60 % of what it can, and watch memory and descriptors."""
        target = self.targets[OURS]
        assert target.process is not None
        target.process.signal(signal.SIGCONT)
        most = measures.full_load(target, "chat", 3, self._home).calls_per_second
        started, rows = time.monotonic(), []
        while time.monotonic() - started < seconds:
            sample = measures.fixed_rate(target, "chat", min(20, seconds), int(most * 0.6))
            worker = target.process.worker_mb()
            rows.append((time.monotonic() - started, worker))
            _say(f"soak {rows[-1][0]:6.0f} s: {worker:.1f} MB, p99 {sample.p99_ms:.1f} ms, failed {sample.failed}")
        self.memory["soak"] = [value for _, value in rows]
        self.versions["soak"] = json.dumps(rows)

    def as_json(self) -> dict[str, object]:
        """Return everything that was measured."""
        samples = {
            case: {name: [dataclasses.asdict(sample) for sample in rows] for name, rows in found.items()}
            for case, found in self.samples.items()
        }
        return {"samples": samples, "versions": self.versions, "memory_mb": self.memory, "changes_ms": self.changes}


def _rate_of(target: Target) -> int:
    """A peer that cannot carry the rate gets what it can, or its queue would be measured."""
    return 30 if target.name == "litellm" else measures.RATE


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
