"""The demo's service, run as the supervisor runs it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from apis.design.document import parse_document
from apis.design.operations import list_operations
from demo.upstream import DOCUMENT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def orders():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
    process = subprocess.Popen([sys.executable, "-m", "demo.upstream", "--port", str(port)], env=env, cwd=ROOT)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    for _ in range(200):
        try:
            client.get("/livez")
            break
        except httpx.ConnectError:
            time.sleep(0.05)
    yield client
    client.close()
    process.terminate()
    assert process.wait(10) in (0, -15)


def test_orders_are_listed_narrowed_read_made_and_deleted(orders):
    assert [row["id"] for row in orders.get("/orders?limit=2").json()["orders"]] == [1, 2]
    assert {row["state"] for row in orders.get("/orders?state=paid").json()["orders"]} == {"paid"}
    made = orders.post("/orders", json={"customer": "Zuse", "amount": "1.00"})
    assert made.status_code == 201
    path = f"/orders/{made.json()['id']}"
    assert orders.get(path).json() == made.json()
    assert orders.delete(path).status_code == 200
    assert orders.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/orders?limit=many", b"", 400),
        ("GET", "/orders/x", b"", 404),
        ("GET", "/elsewhere", b"", 404),
        ("PUT", "/orders/1", b"{}", 405),
        ("POST", "/orders", b"not json", 400),
        ("POST", "/orders", b"[]", 400),
        ("POST", "/orders", b"x" * 70_000, 413),
    ],
)
def test_bad_input_is_answered_with_a_sentence(orders, method, path, body, status):
    answer = orders.request(method, path, content=body)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_every_operation_of_its_document_answers(orders):
    document = orders.get("/openapi.json").json()
    assert document == DOCUMENT
    operations = list_operations(parse_document(orders.get("/openapi.json").content).document)
    assert {row.operation_id for row in operations} == {"listOrders", "createOrder", "getOrder", "deleteOrder"}
    for row in operations:
        answer = orders.request(row.method.upper(), row.path.replace("{id}", "5"), content=b"{}")
        assert answer.status_code in (200, 400), row.operation_id


def test_events_of_an_order_come_one_by_one(orders):
    with orders.stream("GET", "/orders/8/events?seconds=0.01") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        data = [line for line in answer.iter_lines() if line.startswith("data:")]
    assert [line.split('"state": ')[1] for line in data] == ['"open"}', '"paid"}', '"shipped"}']
    assert orders.get("/orders/9999/events").status_code == 404


def test_it_is_slow_and_broken_on_demand(orders):
    assert orders.get("/slow?seconds=0.01").json() == {"waited_seconds": 0.01}
    with pytest.raises(httpx.RemoteProtocolError):
        orders.get("/broken")
    assert orders.get("/livez").status_code == 200
