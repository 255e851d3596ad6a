"""Signed requests: a library of others signs, a real worker judges, and nothing that was changed passes."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from gateway.dataplane.errors import KeyInvalid
from gateway.dataplane.keys import derive_key
from gateway.dataplane.policies.signatures import Request, key_id_of, signing_secret
from tests.gateway.upstream import Upstream
from tests.gateway.worker import MASTER, Worker, change, credential, world

KEY = derive_key(MASTER, "signing")
SECRET = signing_secret(KEY, "key_1")
BODY = b'{"order": 7}'


class Secrets(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id: str) -> bytes:
        return SECRET.encode()

    def resolve_public_key(self, key_id: str) -> bytes:
        raise NotImplementedError


class Message:
    """A request as the library takes it."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers


@pytest.fixture(scope="module")
def worker(service: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("signatures"))
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signed(
    url: str, *, method: str = "GET", body: bytes = b"", cover: tuple[str, ...] = ("@method", "@path", "@query"),
    ago: float = 0, key_id: str = "key_1",
) -> dict[str, str]:  # fmt: skip
    """Return the headers of a signed request."""
    headers = {"content-digest": digest(body)} if body else {}
    if body and "content-digest" not in cover:
        cover = (*cover, "content-digest")
    message = Message(method, url, headers)
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Secrets())
    created = datetime.fromtimestamp(time.time() - ago, UTC)
    signer.sign(
        message, key_id=key_id, covered_component_ids=cover, created=created, label="gh", use_existing_digest=bool(body)
    )
    return message.headers


def url_of(worker: Worker, path: str = "/echo?a=1&b=2") -> str:
    return f"{worker.url}/pay/orders/v1{path}"


def send(url: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> httpx.Response:
    return httpx.request(method, url, headers=headers, content=body or None, trust_env=False)


def test_a_signed_call_is_its_keys_call_and_the_signature_stays_here(worker, service):
    url = url_of(worker)
    answer = send(url, signed(url))
    assert answer.status_code == 200
    assert worker.finished(answer.headers["x-request-id"])["credential_id"] == "key_1"
    assert not {"signature", "signature-input"} & service.seen[-1].names()


def test_a_body_arrives_as_it_was_signed(worker, service):
    url = url_of(worker, "/echo")
    cover = ("@method", "@path")
    assert send(url, signed(url, method="POST", body=BODY, cover=cover), "POST", BODY).status_code == 200
    assert service.seen[-1].body == BODY
    number = len(service.seen)
    changed = send(url, signed(url, method="POST", body=BODY, cover=cover), "POST", b'{"order": 8}')
    assert (changed.status_code, changed.json()["code"]) == (400, "bad-request")
    assert len(service.seen) == number


def change_path(url: str, headers: dict[str, str]) -> tuple[str, dict[str, str], str]:
    return url.replace("/echo", "/echo2"), headers, "GET"


def change_query(url: str, headers: dict[str, str]) -> tuple[str, dict[str, str], str]:
    return url.replace("a=1", "a=2"), headers, "GET"


def change_method(url: str, headers: dict[str, str]) -> tuple[str, dict[str, str], str]:
    return url, headers, "DELETE"


def change_signature(url: str, headers: dict[str, str]) -> tuple[str, dict[str, str], str]:
    name = next(name for name in headers if name.lower() == "signature")
    return url, {**headers, name: "gh=:" + base64.b64encode(b"0" * 32).decode() + ":"}, "GET"


@pytest.mark.parametrize("alter", [change_path, change_query, change_method, change_signature])
def test_what_was_changed_on_the_way_is_a_401(worker, alter):
    url = url_of(worker)
    target, headers, method = alter(url, signed(url))
    answer = send(target, headers, method)
    assert (answer.status_code, answer.json()["code"]) == (401, "key-invalid")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cover": ("@method",)}, "must cover @path, @query"),
        ({"cover": ("@path", "@query")}, "must cover @method"),
        ({"ago": 301}, "created"),
        ({"ago": -301}, "created"),
        ({"key_id": "key_2"}, "does not fit"),
    ],
)
def test_what_a_signature_lacks_is_named(worker, options, words):
    url = url_of(worker)
    answer = send(url, signed(url, **options))
    assert answer.status_code == 401
    assert words in answer.json()["detail"]


def test_a_body_must_be_covered(worker):
    url = url_of(worker, "/echo")
    answer = send(url, signed(url, method="POST", cover=("@method", "@path")), "POST", BODY)
    assert "must cover content-digest" in answer.json()["detail"]


def test_a_revoked_key_signs_nothing(worker):
    url = url_of(worker)
    worker.delta([change("credential", "key_1", credential(worker.key, revoked_at=time.time() - 1))], generation=11)
    try:
        assert send(url, signed(url)).json()["code"] == "key-revoked"
    finally:
        worker.delta([change("credential", "key_1", credential(worker.key))], generation=12)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "one signature"), ("gh=()", "keyid"), ('gh=("@method"', "one signature"), ("a=(), b=()", "one signature"),
        ('gh=("@method" "@path");created=x;keyid="k"', "cannot be read"),
        ('gh=("@method" "@path");keyid="k"', "created"),
        ('gh=("@method";req "@path");created=1;keyid="k"', "one signature"),
        ('gh=("@method" "@path");created={now};created={now};keyid="k"', "cannot be read"),
        ('gh=("@method" "@path");created={now}', "keyid"),
        ('gh=("@method" "@path");created={now};keyid="k";alg="rsa-v1_5-sha256"', "hmac-sha256"),
        ('gh=("@method" "@path");created={now};expires=1;keyid="k"', "expired"),
        ('gh=("@method" "@path" "@path");created={now};keyid="k"', "twice"),
        ('gh=("@method" "@path" "@status");created={now};keyid="k"', "@status"),
        ('gh=("@method" "@path" "x-a");created={now};keyid="k"', "x-a"),
    ],
)  # fmt: skip
def test_an_input_that_is_none_is_refused_with_its_reason(given: str, words: str) -> None:
    headers: list[Any] = [
        (b"signature-input", given.replace("{now}", str(int(time.time()))).encode()), (b"signature", b"gh=:AAAA:"),
    ]  # fmt: skip
    with pytest.raises(KeyInvalid, match=words):
        key_id_of(Request("GET", "/x", "", headers), KEY, time.time())
