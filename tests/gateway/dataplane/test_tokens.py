"""JWTs through a real worker: the gateway's own, and those of an issuer whose keys stand behind an address."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.dataplane.records import IssuerRecord
from tests.gateway.upstream import Upstream
from tests.gateway.web import Web
from tests.gateway.worker import Worker, change, credential, route, world

ISSUER, AUDIENCE = "https://login.example.com/", "https://orders.example.com"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(65537, 2048)
FORM = {"grant_type": "client_credentials"}


class Issuer:
    """Serves a JWK set on loopback and counts who asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.keys = [jwk("r1", RSA, "RS256"), jwk("e1", EC, "ES256"), {"kty": "oct", "k": "c2VjcmV0", "kid": "o1"}]
        self._web = Web(self._answer)
        self.url = f"{self._web.url}/jwks.json"
        self.stop = self._web.stop

    def _answer(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        return self.status, json.dumps({"keys": self.keys}).encode()


def jwk(key_id: str, private: Any, algorithm: str) -> dict[str, Any]:
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    return {**made, "kid": key_id, "use": "sig", "alg": algorithm}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def worker(issuer: Issuer, service: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("tokens"))
    made.load(trusting(made, service, issuer.url))
    yield made
    assert made.stop() == 0


def trusting(worker: Worker, service: Upstream, url: str) -> list[list[Any]]:
    record = IssuerRecord(ISSUER, AUDIENCE, url, ("RS256", "ES256"), "azp", (("shop", "app_1"), ("other", "app_2")))
    return [*world(worker.key, service.url), change("route", "ver_1", route(issuers=(record,)))]


def token(key: Any = RSA, key_id: str = "r1", algorithm: str = "RS256", **claims: Any) -> str:
    known = {"iss": ISSUER, "aud": AUDIENCE, "azp": "shop", "exp": time.time() + 60}
    return jwt.encode({**known, **claims}, key, algorithm=algorithm, headers={"kid": key_id})


def call(worker: Worker, bearer: str) -> httpx.Response:
    url = f"{worker.url}/pay/orders/v1/echo"
    return httpx.get(url, headers={"authorization": f"Bearer {bearer}"}, trust_env=False)


def ask_token(worker: Worker, secret: str = "", client: str = "app_1", **form: str) -> httpx.Response:
    return httpx.post(
        f"{worker.url}/oauth/token", data={**FORM, **form}, auth=(client, secret or worker.key), trust_env=False
    )


def test_a_key_gives_a_token_that_opens_what_the_key_opens_and_goes_no_further(worker, service):
    answer = ask_token(worker)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 900)
    assert call(worker, given["access_token"]).status_code == 200
    assert service.seen[-1].header("authorization") is None
    assert jwt.get_unverified_header(given["access_token"])["typ"] == "at+jwt"


def test_anybody_can_check_it_by_the_published_key(worker):
    metadata = httpx.get(f"{worker.url}/.well-known/oauth-authorization-server", trust_env=False).json()
    keys = httpx.get(f"{worker.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    claims = jwt.decode(
        ask_token(worker).json()["access_token"], jwt.PyJWK(keys[0]).key, algorithms=["EdDSA"],
        audience=metadata["issuer"], issuer=metadata["issuer"],
    )  # fmt: skip
    assert (claims["sub"], claims["client_id"], claims["exp"] - claims["iat"]) == ("app_1", "app_1", 900)


def test_the_secret_may_stand_in_the_form(worker):
    form = {**FORM, "client_id": "app_1", "client_secret": worker.key}
    assert httpx.post(f"{worker.url}/oauth/token", data=form, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("change_", "status", "error"),
    [
        ({"secret": "gh_live_wrong"}, 401, "invalid_client"),
        ({"client": "app_2"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_what_is_no_client_gets_no_token(worker, change_, status, error):
    answer = ask_token(worker, **change_)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_form_is_asked_for(worker):
    url = f"{worker.url}/oauth/token"
    assert httpx.post(url, json=FORM, trust_env=False).json()["error"] == "invalid_request"
    body = "grant_type=client_credentials&grant_type=client_credentials"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert httpx.post(url, content=body, headers=kind, trust_env=False).json()["error"] == "invalid_request"
    assert httpx.get(url, trust_env=False).status_code == 405
    assert httpx.post(url, content=b"a=" + b"b" * 20_000, headers=kind, trust_env=False).status_code == 400


def test_revoking_the_key_ends_its_tokens(worker):
    given = ask_token(worker).json()["access_token"]
    worker.delta([change("credential", "key_1", credential(worker.key, revoked_at=time.time() - 1))], generation=11)
    try:
        refused = call(worker, given)
        assert (refused.status_code, refused.json()["code"]) == (401, "key-revoked")
        assert ask_token(worker).status_code == 401
    finally:
        worker.delta([change("credential", "key_1", credential(worker.key))], generation=12)
    assert call(worker, given).status_code == 200


@pytest.mark.parametrize(
    "made", [lambda: token(), lambda: token(EC, "e1", "ES256"), lambda: token(aud=["https://else", AUDIENCE])]
)
def test_a_token_of_a_trusted_issuer_opens_the_api_as_its_application(worker, service, made):
    bearer = made()
    answer = call(worker, bearer)
    assert answer.status_code == 200
    record = worker.finished(answer.headers["x-request-id"])
    assert (record["application_id"], record["subscription_id"]) == ("app_1", "sub_1")
    # The service behind may want it as well.
    assert service.seen[-1].header("authorization") == f"Bearer {bearer}"


def forged_with_the_public_key() -> str:
    """Return a token whose signature is an HMAC under the issuer's public key, told as one of its own."""
    body = token().split(".")[1]
    head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "r1", "typ": "JWT"}).encode()).decode()
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    seal = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{jwt.utils.base64url_encode(seal).decode()}"


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: token(STRANGER), "key-invalid"),
        (lambda: token(key_id="unknown"), "key-invalid"),
        (lambda: token(key="secret" * 8, key_id="o1", algorithm="HS256"), "key-invalid"),
        (forged_with_the_public_key, "key-invalid"),
        (lambda: jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "azp": "shop"}, None, algorithm="none"), "key-invalid"),
        (lambda: token(aud="https://else"), "key-invalid"),
        (lambda: token(iss="https://else"), "key-invalid"),
        (lambda: token(azp="nobody"), "key-invalid"),
        (lambda: token(azp=None), "key-invalid"),
        (lambda: token(exp=time.time() - 31), "key-expired"),
        (lambda: token(nbf=time.time() + 60), "key-invalid"),
        (lambda: token(exp="soon"), "key-invalid"),
        (lambda: token(ed25519.Ed25519PrivateKey.generate(), "r1", "EdDSA"), "key-invalid"),
        (lambda: "ey.ey.ey", "key-invalid"),
    ],
)
def test_what_the_issuer_did_not_say_is_a_401(worker, made, code):
    answer = call(worker, made())
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_application_without_a_subscription_is_a_403(worker):
    assert call(worker, token(azp="other")).json()["code"] == "subscription-required"


def test_made_up_key_ids_do_not_make_us_ask_each_time(worker, issuer):
    call(worker, token())
    before = issuer.asked
    for number in range(20):
        call(worker, token(key_id=f"made-up-{number}"))
    assert issuer.asked - before <= 1


def test_an_issuer_that_cannot_be_asked_is_a_503_and_later_asked_again(issuer, service, tmp_path):
    worker = Worker(tmp_path)
    worker.load(trusting(worker, service, issuer.url))
    issuer.status = 500
    try:
        answer = call(worker, token())
        assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
        assert answer.headers["retry-after"] == "10"
        assert call(worker, worker.key).status_code == 200
    finally:
        issuer.status = 200
        assert worker.stop() == 0
