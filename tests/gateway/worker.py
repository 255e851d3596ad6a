"""A real gateway worker in its own process, with this process as its node: the shipped listener, link and spool."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.dataplane.control_link import pack
from gateway.dataplane.keys import Sealer, derive_key, hash_key, mint_key
from gateway.dataplane.records import (
    SEALED_KINDS,
    CredentialRecord,
    OperationRecord,
    PlanRecord,
    Record,
    RouteRecord,
    SubscriptionRecord,
    UpstreamRecord,
    to_payload,
)
from gateway.dataplane.spool import SegmentDamaged, read_segment

MASTER = bytes(range(32))
PEPPER = derive_key(MASTER, "pepper")
ROOT = Path(__file__).parents[2]
EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def payload_of(kind: str, key: str, record: Record) -> dict[str, Any]:
    """Return a record as it stands in the changelog, sealed where its kind is."""
    plain = to_payload(record)
    if kind not in SEALED_KINDS:
        return plain
    box = Sealer(MASTER).seal(orjson.dumps(plain), context=f"{kind}:{key}")
    return {"v": 1, "sealed": base64.b64encode(box).decode()}


def change(kind: str, key: str, record: Record | None) -> list[Any]:
    """Return one change as the node sends it."""
    return [kind, key, None if record is None else payload_of(kind, key, record)]


def route(version_id: str = "ver_1", **fields: Any) -> RouteRecord:
    """Return a published version at /pay/orders/v1 that takes every path of up to three segments."""
    paths = ("/", "/{a}", "/{a}/{b}", "/{a}/{b}/{c}")
    operations = tuple(
        OperationRecord(f"op_{method}_{len(path)}", method, path) for path in paths for method in EVERY_METHOD[:-1]
    )
    known: dict[str, Any] = {
        "version_id": version_id,
        "api_id": "api_1",
        "api_name": "Orders",
        "version": "v1",
        "kind": "rest",
        "state": "published",
        "base_path": "/pay/orders",
        "owner_team_id": "team_pay",
        "operations": operations,
    }
    return RouteRecord(**{**known, **fields})


def subscription(version_id: str = "ver_1", **fields: Any) -> SubscriptionRecord:
    known: dict[str, Any] = {
        "application_id": "app_1",
        "application_name": "Shop",
        "team_id": "team_shop",
        "version_id": version_id,
        "plan_id": "plan_free",
        "state": "active",
    }
    return SubscriptionRecord(**{**known, **fields})


def credential(key: str, **fields: Any) -> CredentialRecord:
    known: dict[str, Any] = {"hash": hash_key(key, PEPPER), "application_id": "app_1", "team_id": "team_shop"}
    return CredentialRecord(**{**known, **fields})


def plan(**fields: Any) -> PlanRecord:
    return PlanRecord(name="Free", **fields)


def world(key: str, base_url: str, **upstream: Any) -> list[list[Any]]:
    """Return the changes of one published API with one subscribed key."""
    return [
        change("route", "ver_1", route()),
        change("upstream", "ver_1", UpstreamRecord(base_url=base_url, **upstream)),
        change("plan", "plan_free", plan()),
        change("subscription", "sub_1", subscription()),
        change("credential", "key_1", credential(key)),
    ]


class Worker:
    """Starts on a free port of loopback; `send` speaks the node's protocol. `wrapper` is a command that starts ours."""

    def __init__(self, home: Path, *, wrapper: Sequence[str] = (), **environment: str) -> None:
        self.home = home
        self.key = mint_key()
        master = home / "master.key"
        master.write_text(base64.b64encode(MASTER).decode())
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.link, theirs = socket.socketpair()
        self.link.settimeout(10)
        defaults = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "GATEHOUSE_HOME": str(home),
            "GATEHOUSE_MASTER_KEY_FILE": str(master),
            "GATEHOUSE_NODE_NAME": "node1",
            "GATEHOUSE_PRIVATE_NETWORKS": "127.0.0.0/8",
            # Nothing listens there: the limits fall back to local, as the plan says.
            "REDIS_URL": "redis://127.0.0.1:9/0",
        }
        fds = ["--listen-fd", str(self.listening.fileno()), "--control-fd", str(theirs.fileno())]
        self.log = (home / "worker.log").open("wb")
        self.process = subprocess.Popen(
            [
                *wrapper,
                sys.executable,
                "-X",
                "dev",
                "-W",
                "ignore::DeprecationWarning",
                "-m",
                "gateway.dataplane",
                *fds,
            ],
            pass_fds=(self.listening.fileno(), theirs.fileno()),
            env={**defaults, **environment},
            cwd=home,
            stderr=self.log,
        )
        theirs.close()
        assert self.read()["type"] == "ready"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, **message: Any) -> None:
        self.link.sendall(pack(message))

    def read(self) -> dict[str, Any]:
        length = int.from_bytes(self._exactly(4), "big")
        message: dict[str, Any] = orjson.loads(self._exactly(length))
        return message

    def _exactly(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            piece = self.link.recv(number - len(data))
            assert piece, f"the worker ended: {(self.home / 'worker.log').read_text()}"
            data += piece
        return data

    def load(self, changes: Sequence[Any], generation: int = 1, **freshness: Any) -> dict[str, Any]:
        fresh = {"is_stale": False, "age_seconds": 0, **freshness}
        self.send(type="load", epoch="e1", generation=generation, changes=list(changes), **fresh)
        return self.applied()

    def delta(self, changes: Sequence[Any], generation: int) -> dict[str, Any]:
        self.send(type="delta", generation=generation, changes=list(changes))
        return self.applied()

    def applied(self) -> dict[str, Any]:
        """Return what the worker says of the changes it was sent; its statistics may come in between."""
        while (message := self.read())["type"] != "applied":
            pass
        return message

    def raw(self, data: bytes, *, seconds: float = 5.0) -> bytes:
        """Send bytes on a new connection and return all that comes back until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            return read_all(connection)

    def records(self) -> list[dict[str, Any]]:
        """Return what stands in the spool now, in order."""
        found: list[dict[str, Any]] = []
        for path in sorted((self.home / "spool" / "node1").glob("*.*ed")) + sorted(
            (self.home / "spool" / "node1").glob("*.open")
        ):
            try:
                found.extend(read_segment(path))
            except (SegmentDamaged, FileNotFoundError):
                continue
        return found

    def finished(self, call_id: str, seconds: float = 5.0) -> dict[str, Any]:
        """Return the finished record of a call once it is written."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for record in self.records():
                if record["type"] == "finished" and record["id"] == call_id:
                    return record
            time.sleep(0.02)
        raise AssertionError(f"no finished record of {call_id}")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(15)
        self.link.close()
        self.listening.close()
        self.log.close()
        return status


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes; a reset ends it as well."""
    data = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece
