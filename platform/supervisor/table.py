"""The one table of processes: `./run` starts from it, docker-compose.yml and Dockerfile are compared with it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Probe:
    """How a process shows that it is ready: a URL that answers 200, or a file that it touches."""

    url: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; words in braces in `argv`, `env` and the probe are filled at the start."""

    name: str
    argv: tuple[str, ...]
    probe: Probe
    depends: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 2.0
    ready_seconds: float = 90.0
    needs_model: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One command that runs to its end before the processes that need it."""

    name: str
    argv: tuple[str, ...]
    says: str


# In this order, once PostgreSQL and Valkey answer.
STEPS = (
    Step("migrate", ("{python}", "manage.py", "migrate", "--noinput"), "migrating the database"),
    Step("seed_demo", ("{python}", "manage.py", "seed_demo"), "seeding the demo data"),
)

PROCESSES = (
    Process(
        "upstream",
        ("{python}", "-m", "demo.upstream", "--host", "{demo_bind}", "--port", "{upstream_port}"),
        Probe(url="http://{demo_host}:{upstream_port}/livez"),
        stop_seconds=1.0,
    ),
    Process(
        "model",
        ("{python}", "-m", "demo.model", "--host", "{demo_bind}", "--port", "{model_port}"),
        Probe(url="http://{demo_host}:{model_port}/health"),
        stop_seconds=1.0,
        needs_model=True,
    ),
    Process(
        "web",
        (
            *("{python}", "-m", "granian", "--interface", "asginl", "config.asgi:application"),
            *("--host", "{bind}", "--port", "{console_port}", "--workers", "1", "--http", "1", "--no-ws"),
            *("--respawn-failed-workers", "--workers-kill-timeout", "1", "--log-level", "warning"),
        ),
        Probe(url="http://{probe_host}:{console_port}/livez"),
        depends=("postgres", "valkey", "setup"),
    ),
    Process(
        "gateway",
        ("{python}", "-m", "gateway.node"),
        Probe(url="http://{probe_host}:{gateway_port}/readyz"),
        depends=("postgres", "valkey", "setup"),
        stop_seconds=3.0,
    ),
    Process(
        "worker",
        (
            *("{python}", "-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "4"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        ),
        Probe(file="{home}/run/worker.ready"),
        depends=("postgres", "valkey", "setup"),
        stop_seconds=3.0,
    ),
    Process(
        "beat",
        ("{python}", "-m", "celery", "-A", "config", "beat", "-s", "{home}/run/beat-schedule", "--pidfile="),
        Probe(file="{home}/run/beat.ready"),
        depends=("valkey", "setup"),
        stop_seconds=1.0,
    ),
)

# Last started is not first stopped: the schedule ends before its worker, the gateway ships what it counted while the
# database is there, and the stores go last.
STOP_ORDER = ("beat", "worker", "gateway", "web", "model", "upstream", "valkey", "postgres")


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put the start's words into a template; a word that is not there is an error."""
    return text.format_map(words)
