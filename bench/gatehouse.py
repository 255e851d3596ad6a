"""Our own gateway as it is shipped: a node with its workers, its database and its Valkey, everything on.

Key authentication, a subscription, three limits, metering, the durable spool and its shipper. What is published is
written to the changelog in its wire form, as the control plane would.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson
import psycopg

from bench.processes import GATEWAY_CORE, Process, wait_for
from gateway.dataplane.keys import Sealer, derive_key, hash_key, mint_key, read_master_key
from gateway.dataplane.records import (
    SEALED_KINDS,
    CredentialRecord,
    LimitRecord,
    ModelRecord,
    OperationRecord,
    PlanRecord,
    PriceRecord,
    ProviderRecord,
    Record,
    RouteRecord,
    SubscriptionRecord,
    UpstreamRecord,
    to_payload,
)
from supervisor.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
REST_PATH = "/bench/echo/v1/items"
LIMITS = (
    LimitRecord("minute", 10**8, 60),
    LimitRecord("hour", 10**9, 3600),
    LimitRecord("day", 10**10, 86_400, by="application"),
)
OPERATIONS_PER_API = 10


class Database:
    """One database of the run's PostgreSQL, migrated."""

    def __init__(self, name: str) -> None:
        url = urlsplit(os.environ["DATABASE_URL"])
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        self.url = urlunsplit(url._replace(path=f"/{name}"))
        env = {**os.environ, "DATABASE_URL": self.url, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--noinput", "-v0"], cwd=ROOT, env=env, check=True, timeout=600
        )

    def publish(self, upstream_port: int, *, apis: int, keys: int) -> str:
        """Write a world of this size in one transaction; return a key that may call it."""
        master = read_master_key(os.environ["GATEHOUSE_MASTER_KEY_FILE"])
        sealer, pepper, key = Sealer(master), derive_key(master, "pepper"), mint_key()
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            # What the migrations published would stand where ours does.
            cursor.execute("DELETE FROM gateway_change")
            with cursor.copy("COPY gateway_change (kind, key, payload) FROM STDIN") as copy:
                for kind, name, record in _world(upstream_port, apis=apis, keys=keys, key_hash=hash_key(key, pepper)):
                    payload = to_payload(record)
                    if kind in SEALED_KINDS:
                        box = sealer.seal(orjson.dumps(payload), context=f"{kind}:{name}")
                        payload = {"v": 1, "sealed": base64.b64encode(box).decode()}
                    copy.write_row((kind, name, orjson.dumps(payload).decode()))
        return key

    def change_one(self) -> int:
        """Change a route as a publication does; return the generation it was given at the commit."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO gateway_change (kind, key, payload) SELECT kind, key, "
                "jsonb_set(payload, '{revision}', to_jsonb((payload->>'revision')::int + 1)) FROM gateway_change "
                "WHERE kind = 'route' AND key = 'ver_0' ORDER BY generation DESC LIMIT 1"
            )
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT generation FROM gateway_counter").fetchone()
        assert row is not None
        return int(row[0])

    def applied(self, generation: int, workers: int) -> bool:
        """Say whether all workers have said that they serve a generation."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM gateway_worker WHERE generation >= %s", [generation]
            ).fetchone()
        return row is not None and int(row[0]) >= workers


def _world(upstream_port: int, *, apis: int, keys: int, key_hash: str) -> list[tuple[str, str, Record]]:
    url = f"http://127.0.0.1:{upstream_port}"
    rows: list[tuple[str, str, Record]] = [
        ("plan", "plan_1", PlanRecord("Bench", limits=LIMITS)),
        ("credential", "key_0", CredentialRecord(key_hash, "app_0", "team_0")),
        ("route", "ver_ai", _route("ver_ai", "", "v1", "model", (OperationRecord("c", "POST", "/chat/completions"),))),
        ("subscription", "sub_ai", SubscriptionRecord("app_0", "Bench", "team_0", "ver_ai", "plan_1", "active")),
        ("provider", "bench", ProviderRecord("Bench", "openai", f"{url}/v1")),
        ("model", "bench/bench", ModelRecord("bench", "bench")),
        ("price", "bench/bench", PriceRecord(75_000_000, 300_000_000)),
    ]
    paths = ["/items", *(f"/items/{{id}}/part{number}" for number in range(OPERATIONS_PER_API - 1))]
    for number in range(apis):
        operations = tuple(OperationRecord(f"op_{number}_{at}", "POST", path) for at, path in enumerate(paths))
        base = "/bench/echo" if number == 0 else f"/team{number % 500}/api{number}"
        rows.append(("route", f"ver_{number}", _route(f"ver_{number}", base, "v1", "rest", operations)))
        rows.append(("upstream", f"ver_{number}", UpstreamRecord(url)))
    for number in range(keys):
        application, version = f"app_{number}", f"ver_{number % apis}"
        if number:
            hashed = f"{number:064x}"
            rows.append(("credential", f"key_{number}", CredentialRecord(hashed, application, f"team_{number % 500}")))
        team = f"team_{number % 500}"
        record = SubscriptionRecord(application, f"Application {number}", team, version, "plan_1", "active")
        rows.append(("subscription", f"sub_{number}", record))
    return rows


def _route(name: str, base: str, version: str, kind: str, operations: tuple[OperationRecord, ...]) -> RouteRecord:
    return RouteRecord(
        name, f"api_{name}", f"API {name}", version, kind, "published", base, "team_0", operations=operations
    )


class Node:
    """One gateway node on the measured core."""

    def __init__(self, database: Database, home: Path, *, workers: int = 1, profile: Path | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.port, self.database, self.workers = free_port(), database, workers
        known = {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
            "GATEHOUSE_HOME": str(home),
            "GATEHOUSE_NODE_NAME": home.name,
            "GATEHOUSE_GATEWAY_PORT": str(self.port),
            "GATEHOUSE_GATEWAY_WORKERS": str(workers),
            "GATEHOUSE_MASTER_KEY_FILE": os.environ["GATEHOUSE_MASTER_KEY_FILE"],
            "GATEHOUSE_PRIVATE_NETWORKS": "127.0.0.0/8",
            "DATABASE_URL": database.url,
            "REDIS_URL": os.environ["REDIS_URL"],
        }
        argv: list[object] = [sys.executable, "-m", "gateway.node"]
        if profile is not None:
            argv[1:1] = ["-m", "cProfile", "-o", profile]
        self.process = Process(argv, core=GATEWAY_CORE, log=home / "node.log", env=known)

    def wait(self, seconds: float = 120) -> None:
        """Wait until it serves."""
        wait_for(self._is_ready, seconds, f"the gateway ({self.process.log})")

    def _is_ready(self) -> bool:
        if not self.process.is_running:
            raise RuntimeError(f"the gateway ended: {self.process.log}")
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False
