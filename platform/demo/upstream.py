"""The demo's upstream: a small real orders service. `python -m demo.upstream --port N`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs

import uvicorn

CUSTOMERS = ("Ada Lovelace", "Grace Hopper", "Karen Spärck Jones", "Radia Perlman", "Hedy Lamarr")
STATES = ("open", "paid", "shipped")
SEEDED = 24
MAX_ORDERS = 1000
MAX_BODY_BYTES = 64 * 1024
MAX_SECONDS = 30.0
Receive = Any
Send = Any


def _seed() -> dict[int, dict[str, Any]]:
    return {
        number: {
            "id": number,
            "customer": CUSTOMERS[number % len(CUSTOMERS)],
            "state": STATES[number % len(STATES)],
            "amount": f"{number * 7 % 90 + 10}.50",
            "currency": "EUR",
        }
        for number in range(1, SEEDED + 1)
    }


class Orders:
    """An ASGI application over a dictionary; what is created lives until the process ends."""

    def __init__(self) -> None:
        self.orders = _seed()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        path, method = scope["path"].rstrip("/") or "/", scope["method"]
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if path == "/broken":
            # A head that promises more than comes: the server drops the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        if path == "/slow":
            await asyncio.sleep(_seconds(query))
        if path.startswith("/orders/") and path.endswith("/events") and method == "GET":
            await self._events(path.removeprefix("/orders/").removesuffix("/events"), query, send)
            return
        status, answer = self.answer(method, path, query, body)
        content = json.dumps(answer, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, Any]:
        """Return status and JSON of a request."""
        if path == "/livez":
            return 200, {"status": "ok"}
        if path == "/openapi.json":
            return 200, DOCUMENT
        if path == "/slow":
            return 200, {"waited_seconds": _seconds(query)}
        if path == "/orders" and method in ("GET", "HEAD"):
            return self._list(query)
        if path == "/orders" and method == "POST":
            return self._create(body)
        _, _, number = path.partition("/orders/")
        order = self._order(number)
        if order is None:
            return 404, {"error": "There is no such order."}
        if method == "DELETE":
            del self.orders[order["id"]]
            return 200, order
        return (200, order) if method in ("GET", "HEAD") else (405, {"error": f"{method} is not possible here."})

    def _order(self, number: str) -> dict[str, Any] | None:
        return self.orders.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None

    async def _events(self, number: str, query: dict[str, list[str]], send: Send) -> None:
        """Stream what happened to an order as server-sent events, one each `seconds`."""
        order = self._order(number)
        states = STATES[: STATES.index(order["state"]) + 1] if order else ()
        head = (b"content-type", b"text/event-stream")
        await send({"type": "http.response.start", "status": 200 if order else 404, "headers": [head]})
        for position, state in enumerate(states):
            data = json.dumps({"order": int(number), "state": state})
            event = f"id: {position}\nevent: state\ndata: {data}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.sleep(_seconds(query, "0.1"))
        await send({"type": "http.response.body", "body": b""})

    def _list(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        rows = list(self.orders.values())
        if state := query.get("state", [""])[0]:
            rows = [row for row in rows if row["state"] == state]
        limit = query.get("limit", ["10"])[0]
        if not (limit.isascii() and limit.isdigit() and len(limit) < 5):
            return 400, {"error": f"limit is {limit!r}; a number from 0 to 100 is needed."}
        return 200, {"orders": rows[: min(int(limit), 100)], "total": len(rows)}

    def _create(self, body: bytes | None) -> tuple[int, Any]:
        if body is None:
            return 413, {"error": f"A body has at most {MAX_BODY_BYTES} bytes."}
        try:
            given = json.loads(body or b"{}")
            customer, amount = str(given["customer"])[:200], str(given["amount"])[:20]
        except (ValueError, KeyError, TypeError):
            return 400, {"error": "Send JSON with customer and amount."}
        if len(self.orders) >= MAX_ORDERS:
            return 507, {"error": "The demo holds no more orders; restart it."}
        number = max(self.orders, default=0) + 1
        order = {"id": number, "customer": customer, "state": "open", "amount": amount, "currency": "EUR"}
        self.orders[number] = order
        return 201, order


def _seconds(query: dict[str, list[str]], default: str = "2") -> float:
    try:
        return min(max(float(query.get("seconds", [default])[0]), 0.0), MAX_SECONDS)
    except ValueError:
        return float(default)


async def _read(receive: Receive) -> bytes | None:
    """Return the body, None when it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")
        more = message.get("more_body", False)
    return body if len(body) <= MAX_BODY_BYTES else None


def _order_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "customer", "state", "amount", "currency"],
        "properties": {
            "id": {"type": "integer", "examples": [7]},
            "customer": {"type": "string", "examples": ["Ada Lovelace"]},
            "state": {"type": "string", "enum": list(STATES)},
            "amount": {"type": "string", "description": "Decimal, in the order's currency.", "examples": ["24.50"]},
            "currency": {"type": "string", "examples": ["EUR"]},
        },
    }


def _json(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


_ORDER = {"$ref": "#/components/schemas/Order"}
_NUMBER = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "description": "The order."}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Orders",
        "version": "1.0.0",
        "description": "Orders of a small shop: list them, read one, create one. **A demo**: its data lives in memory.",
    },
    "tags": [{"name": "orders", "description": "What customers ordered."}],
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "tags": ["orders"],
                "summary": "List orders",
                "parameters": [
                    {"name": "state", "in": "query", "schema": {"type": "string", "enum": list(STATES)}},
                    {
                        "name": "limit",
                        "in": "query",
                        "description": "How many, 100 at most.",
                        "schema": {"type": "integer", "default": 10, "minimum": 0, "maximum": 100},
                    },
                ],
                "responses": {
                    "200": _json(
                        {
                            "type": "object",
                            "required": ["orders", "total"],
                            "properties": {"orders": {"type": "array", "items": _ORDER}, "total": {"type": "integer"}},
                        },
                        "The orders.",
                    )
                },
            },
            "post": {
                "operationId": "createOrder",
                "tags": ["orders"],
                "summary": "Create an order",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["customer", "amount"],
                                "properties": {
                                    "customer": {"type": "string", "examples": ["Ada Lovelace"]},
                                    "amount": {"type": "string", "examples": ["24.50"]},
                                },
                            }
                        }
                    },
                },
                "responses": {"201": _json(_ORDER, "The order, with its number.")},
            },
        },
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "tags": ["orders"],
                "summary": "Read one order",
                "parameters": [_NUMBER],
                "responses": {"200": _json(_ORDER, "The order."), "404": {"description": "There is no such order."}},
            },
            "delete": {
                "operationId": "deleteOrder",
                "tags": ["orders"],
                "summary": "Delete an order",
                "parameters": [_NUMBER],
                "responses": {"200": _json(_ORDER, "The order that was deleted.")},
            },
        },
    },
    "components": {"schemas": {"Order": _order_schema()}},
}


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="demo.upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(
        Orders(), host=options.host, port=options.port, log_level="warning", access_log=False, lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
