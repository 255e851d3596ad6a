"""What is taken away ends calls under way as well as the next ones, on every worker; what was left goes on."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import httpx
import pytest
from django.conf import settings
from django.db import transaction

from gateway.control.changelog import record_changes
from gateway.dataplane.keys import derive_key, hash_key, mint_key
from gateway.dataplane.records import CredentialRecord, SubscriptionRecord
from tests.gateway.node.process import NodeProcess
from tests.gateway.worker import credential, subscription
from usage.models import UsageEvent

STREAMS = 6


def write(kind: str, key: str, record: CredentialRecord | SubscriptionRecord | None) -> None:
    with transaction.atomic():
        record_changes([(kind, key, record)])


def record_of(key: str, **fields) -> CredentialRecord:
    return replace(credential(key, hash=hash_key(key, derive_key(settings.MASTER_KEY, "pepper"))), **fields)


def open_stream(node: NodeProcess, key: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
    connection.sendall(f"GET /pay/orders/v1/endless HTTP/1.1\r\nHost: gw\r\nx-api-key: {key}\r\n\r\n".encode())
    data = b""
    while b"tick" not in data:
        data += connection.recv(65536)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    connection.close()
    return data


@pytest.mark.parametrize("how", ["revoked", "disabled", "deleted", "subscription ended", "subscription suspended"])
def test_streams_of_what_was_taken_away_are_cut_and_the_next_call_refused(start_node, published, how):
    node = start_node()
    node.ready()
    other = mint_key()
    write("credential", "key_2", record_of(other))
    headers = {"x-api-key": other}
    url = f"{node.url}/pay/orders/v1/echo"
    node.wait_for(lambda: all(httpx.get(url, headers=headers).status_code == 200 for _ in range(6)))
    streams = [open_stream(node, published) for _ in range(STREAMS)]
    gone = {
        "revoked": ("credential", "key_1", record_of(published, revoked_at=time.time())),
        "disabled": ("credential", "key_1", record_of(published, disabled_at=time.time())),
        "deleted": ("credential", "key_1", None),
        "subscription ended": ("subscription", "sub_1", subscription(state="ended")),
        "subscription suspended": ("subscription", "sub_1", subscription(state="suspended")),
    }[how]
    write(*gone)
    for stream in streams:
        # A cut answer never looks complete.
        assert not read_to_end(stream).endswith(b"0\r\n\r\n")
    statuses = {httpx.get(url, headers={"x-api-key": published}).status_code for _ in range(6)}
    assert statuses == ({403} if "subscription" in how else {401})
    if "subscription" not in how:
        # Deleting one of two keys leaves the other working.
        assert {httpx.get(url, headers=headers).status_code for _ in range(6)} == {200}
    codes = {"revoked": "key-revoked", "disabled": "key-revoked", "deleted": "key-revoked"}
    code = codes.get(how, "subscription-required" if how.endswith(" ended") else "subscription-suspended")
    found = UsageEvent.objects.filter(code=code, attempt=1, is_streamed=True)
    node.wait_for(lambda: found.count() == STREAMS)


def test_a_stream_of_another_key_is_left_alone(start_node, published):
    node = start_node()
    node.ready()
    other = mint_key()
    write("credential", "key_2", record_of(other))
    stream = open_stream(node, published)
    write("credential", "key_2", record_of(other, revoked_at=time.time()))
    url = f"{node.url}/pay/orders/v1/echo"
    node.wait_for(lambda: all(httpx.get(url, headers={"x-api-key": other}).status_code == 401 for _ in range(6)))
    until = time.monotonic() + 1
    while time.monotonic() < until:
        assert stream.recv(65536)
    stream.close()
