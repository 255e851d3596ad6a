"""The whole life of an API through the REST API alone, with the vendors' clients at the gateway."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openai
import pytest

from tests.gateway.replay import Replay
from tests.journeys.product import Product, until

DOCUMENT = """openapi: 3.0.3
info: {title: Parcels, version: 1.0.0}
paths:
  /orders:
    get:
      summary: List parcels
      responses: {"200": {description: The parcels.}}
  /orders/{id}:
    get:
      operationId: readParcel
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: The parcel.}}
"""


OPENED: list[httpx.Client] = []


@pytest.fixture(scope="module", autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


class Rest:
    """The REST API as one person, by access token."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=60)
        OPENED.append(self.client)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.get(path, page_size=200, **query)["results"])

    def post(self, path: str, status: int = 201, **body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def move(self, path: str, action: str, status: int = 200, **body: Any) -> Any:
        """Read the row's ETag, then make the move."""
        etag = self.client.get(path).headers["etag"]
        answer = self.client.post(f"{path}/{action}", json=body, headers={"if-match": etag})
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def admin(product: Product) -> Rest:
    return Rest(product.console, product.ready["api_token"])


@pytest.fixture(scope="module")
def shop(admin: Rest) -> dict[str, Any]:
    """A team that publishes alone and gives no notice."""
    return dict(admin.post("teams", name="Shop", required_approvals=0, minimum_notice_days=0, contact_email="s@x.org"))


@pytest.fixture(scope="module")
def developer(product: Product, admin: Rest, shop: dict[str, Any]) -> Rest:
    """Somebody who was invited and joined."""
    made = admin.post(f"teams/{shop['id']}/invitations", email="newcomer@example.com", role="developer")
    code = made["url"].rsplit("/", 1)[1]
    joined = Rest(product.console).post(
        "invitations/accept", 200, code=code, name="New Comer", password="a long enough word"
    )
    return Rest(product.console, joined["token"])


@pytest.fixture(scope="module")
def upstream_url(admin: Rest) -> str:
    """The address of the demo's service, as the demo's own API has it."""
    orders = next(row for row in admin.all("apis", q="orders") if row["slug"] == "orders")
    version = admin.all(f"apis/{orders['id']}/versions")[0]
    return str(admin.all(f"versions/{version['id']}/revisions")[0]["upstream_url"])


@pytest.fixture(scope="module")
def parcels(admin: Rest, shop: dict[str, Any], upstream_url: str) -> dict[str, Any]:
    """A published version, on both workers."""
    job = admin.post("imports", team=shop["id"], source=DOCUMENT, upstream_url=upstream_url, tags=["parcels"])
    version = admin.all(f"apis/{job['api']}/versions")[0]
    published = admin.move(f"versions/{version['id']}", "publish")
    assert published["state"] == "published"
    status = until(lambda: (found := admin.get("gateway"))["is_in_step"] and found)
    assert len(status["workers"]) == 2
    return dict(published)


def call(product: Product, path: str, key: str = "", **options: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.request(
        options.pop("method", "GET"), f"{product.gateway}{path}", headers=headers, timeout=60, **options
    )


def why(rest: Rest, answer: httpx.Response) -> dict[str, Any]:
    """Return what is said of a call once it is known."""

    def ask() -> dict[str, Any] | None:
        found = rest.client.get(f"calls/{answer.headers['x-request-id']}")
        return found.json() if found.status_code == 200 else None

    return until(ask)


def read_curl(line: str) -> httpx.Request:
    """Read a printed curl line as curl does: not every machine that runs the tests has it."""
    words = iter(shlex.split(line))
    assert next(words) == "curl"
    url, headers, body = "", {}, None
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif not word.startswith("-"):
            url = word
    return httpx.Request("GET" if body is None else "POST", url, headers=headers, content=body)


def test_the_printed_curl_lines_answer_as_they_say(product: Product) -> None:
    with httpx.Client(timeout=60) as client:
        for example in product.ready["examples"]:
            answer = client.send(read_curl(example["curl"]))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), example
    # The same by curl itself wherever it is installed.
    for example in product.ready["examples"] if shutil.which("curl") else []:
        done = subprocess.run(f"{example['curl']} -w '\\n%{{http_code}}'", shell=True, capture_output=True, text=True)
        assert done.stdout.rsplit("\n", 1)[1] == "200", (example, done.stdout)


def test_a_key_in_one_step_calls_the_published_api(product: Product, developer: Rest, parcels: dict[str, Any]) -> None:
    grant = developer.post(f"versions/{parcels['id']}/key")
    answer = until(lambda: (got := call(product, "/shop/parcels/v1/orders", grant["key"])).status_code == 200 and got)
    assert answer.json()["orders"]
    assert answer.headers["ratelimit-policy"] == '"minute";q=60;w=60, "day";q=1000;w=86400'
    explained = why(developer, answer)
    assert explained["status"] == 200
    assert grant["key"] not in str(developer.all(f"applications/{grant['application']}/credentials"))


def test_refusals_say_who_by_which_rule_and_what_to_do(
    product: Product, admin: Rest, developer: Rest, parcels: dict[str, Any]
) -> None:
    demo_key = product.ready["api_key"]
    wanted = {
        ("/nowhere", demo_key): (404, "route-not-found"),
        ("/shop/parcels/v1/orders", ""): (401, "key-missing"),
        ("/shop/parcels/v1/orders", "gh_live_nonsense"): (401, "key-invalid"),
        ("/shop/parcels/v1/orders", demo_key): (403, "subscription-required"),
        ("/shop/parcels/v1/nothing", demo_key): (404, "operation-unknown"),
        ("/shop/parcels/v7/orders", demo_key): (404, "version-unknown"),
    }
    for (path, key), (status, code) in wanted.items():
        answer = call(product, path, key)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.json()["help"] == f"{product.console}/problems/{code}"
        assert httpx.get(answer.json()["help"]).status_code == 200
        explained = why(admin, answer)
        assert explained["code"] == code
        assert explained["verdict"]


def test_over_the_limit_is_429_with_the_registered_type(
    product: Product, admin: Rest, developer: Rest, shop: dict[str, Any], parcels: dict[str, Any]
) -> None:
    limits = [{"id": "day", "unit": "requests", "limit": 2, "window": "1d", "algo": "fixed_window",
               "by": "subscription", "hard": True}]  # fmt: skip
    plan = admin.post("plans", api=parcels["api"], name="Tiny", limits=limits)
    application = developer.post("applications", team=shop["id"], name="Tiny client")
    developer.post("subscriptions", application=application["id"], version=parcels["id"], plan=plan["id"])
    key = developer.post(f"applications/{application['id']}/credentials", name="only")["key"]
    path = "/shop/parcels/v1/orders/3"
    until(lambda: call(product, path, key).status_code == 200)
    until(lambda: call(product, path, key).status_code == 429)
    answer = call(product, path, key)
    assert answer.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert int(answer.headers["retry-after"]) >= 1
    assert "day" in why(developer, answer)["verdict"]


def test_a_revoked_key_is_refused_and_the_other_goes_on(
    product: Product, developer: Rest, shop: dict[str, Any], parcels: dict[str, Any]
) -> None:
    grant = developer.post(f"versions/{parcels['id']}/key", application_name="Two keys")
    base = f"applications/{grant['application']}/credentials"
    second = developer.post(base, name="second")["key"]
    path = "/shop/parcels/v1/orders/3"
    until(lambda: call(product, path, second).status_code == 200)
    developer.move(f"{base}/{grant['credential']}", "revoke")
    refused = until(lambda: (got := call(product, path, grant["key"])).status_code == 401 and got)
    assert refused.json()["code"] == "key-revoked"
    assert call(product, path, second).status_code == 200


def test_a_prompt_becomes_an_endpoint(product: Product, admin: Rest, shop: dict[str, Any], developer: Rest) -> None:
    prompt = admin.post(
        "prompts", team=shop["id"], name="Shorten", model="demo-model", max_output_tokens=24,
        text="Say this in {{words}} words: {{text}}",
        parameters=[{"name": "words", "type": "integer"}, {"name": "text", "type": "string"}],
    )  # fmt: skip
    run = admin.post(f"prompts/{prompt['id']}/run", 200, arguments={"words": 3, "text": "Good morning to all"})
    assert run["output"]
    version = admin.post(f"prompts/{prompt['id']}/publish")
    document = admin.get(f"versions/{version['id']}/document")
    assert "/run" in document["paths"]
    key = developer.post(f"versions/{version['id']}/key")["key"]
    path = "/shop/shorten/v1/run"
    body = {"words": 3, "text": "Good morning"}
    answer = until(lambda: (got := call(product, path, key, method="POST", json=body)).status_code == 200 and got)
    assert set(answer.json()) == {"output", "model", "usage", "request_id"}
    assert answer.json()["usage"]["cost_nano_usd"] > 0
    wrong = call(product, path, key, method="POST", json={"words": "three", "more": 1})
    assert wrong.status_code == 422
    pointers = {item["pointer"] for item in wrong.json()["errors"]}
    assert pointers == {"#/words", "#/more", "#/text"}


def test_the_openai_client_works_unmodified_with_every_provider(
    product: Product, admin: Rest, developer: Rest, replay: Replay
) -> None:
    admin.post("providers", name="Replay", slug="replay", base_url=replay.base_url, secret="sk-replay-secret-1",
               models=["chat", "stream", "stream-error", "rate-limited"])  # fmt: skip
    admin.client.post("providers/replay/models/chat/prices", json={
        "input_usd_per_million": "1", "output_usd_per_million": "2"})  # fmt: skip
    ai = next(row for row in admin.all("apis", kind="model"))
    version = admin.all(f"apis/{ai['id']}/versions")[0]
    key = developer.post(f"versions/{version['id']}/key")["key"]
    client = openai.OpenAI(base_url=f"{product.gateway}/v1", api_key=key, max_retries=0)
    names = until(lambda: (found := _models(client)) and "replay/chat" in found and found)
    assert "demo-model" in names
    messages: Any = [{"role": "user", "content": "Say hello"}]
    real = client.chat.completions.create(model="demo-model", messages=messages, max_tokens=8)
    assert real.choices[0].message.content
    replayed = client.chat.completions.create(model="replay/chat", messages=messages)
    assert replayed.usage
    assert replay.asked[-1].headers["authorization"] == "Bearer sk-replay-secret-1"
    chunks = list(client.chat.completions.create(model="demo-model", messages=messages, max_tokens=8, stream=True))
    assert chunks[-1].choices[0].finish_reason
    assert all(chunk.usage is None for chunk in chunks)
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="replay/rate-limited", messages=messages)
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="replay/none", messages=messages)
    assert unknown.value.code == "model-unknown"
    client.close()
    with (
        openai.OpenAI(base_url=f"{product.gateway}/v1", api_key="gh_live_wrong") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


def _models(client: openai.OpenAI) -> list[str]:
    try:
        return [model.id for model in client.models.list()]
    except openai.APIStatusError:
        return []


def test_a_document_of_twenty_megabytes_is_imported_in_the_background(admin: Rest, shop: dict[str, Any]) -> None:
    operation = {"responses": {"200": {"description": "x" * 9000}}}
    paths = {f"/things{number}": {"get": operation} for number in range(2200)}
    source = json.dumps({"openapi": "3.1.0", "info": {"title": "Huge", "version": "1"}, "paths": paths})
    assert len(source) > 19_000_000
    job = admin.post("imports", 202, team=shop["id"], source=source, upstream_url="http://127.0.0.1:9")

    def done() -> dict[str, Any] | None:
        found = admin.get(f"imports/{job['id']}")
        assert found["state"] != "failed", found
        return found if found["state"] == "done" else None

    api = until(done, seconds=90)["api"]
    assert admin.get(f"apis/{api}")["name"] == "Huge"


def test_a_document_over_32_megabytes_is_413(admin: Rest, shop: dict[str, Any]) -> None:
    answer = admin.client.post("imports", json={"team": shop["id"], "source": "x" * 34_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_usage_and_cost_show_within_a_minute(
    product: Product, admin: Rest, developer: Rest, shop: dict[str, Any], parcels: dict[str, Any]
) -> None:
    def counted() -> dict[str, Any] | None:
        usage = admin.get("usage", version=parcels["id"])
        return usage if usage["totals"]["calls"] >= 5 else None

    usage = until(counted, seconds=60)
    assert usage["totals"]["p95_ms"] > 0

    def priced() -> dict[str, Any] | None:
        rows = admin.all("cost-reports", team=shop["id"])
        return next((row for row in rows if float(row["total_usd"]) > 0), None)

    assert until(priced, seconds=60)


def test_writes_need_if_match_and_strangers_see_nothing(
    product: Product, admin: Rest, developer: Rest, parcels: dict[str, Any]
) -> None:
    bare = admin.client.post(f"versions/{parcels['id']}/deprecate", json={"sunset_at": "2030-01-01T00:00:00Z"})
    assert (bare.status_code, bare.json()["code"]) == (428, "if-match-missing")
    stale = admin.client.post(
        f"versions/{parcels['id']}/deprecate", json={"sunset_at": "2030-01-01T00:00:00Z"}, headers={"if-match": '"0"'}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    refused = developer.client.post(f"versions/{parcels['id']}/publish", headers={"if-match": "*"})
    assert refused.status_code == 403
    assert Rest(product.console).client.get("apis").status_code == 401


def test_deprecation_shows_in_headers_and_retirement_is_410(
    product: Product, admin: Rest, developer: Rest, parcels: dict[str, Any]
) -> None:
    key = developer.post(f"versions/{parcels['id']}/key", application_name="Last caller")["key"]
    path, version = "/shop/parcels/v1/orders/3", f"versions/{parcels['id']}"
    until(lambda: call(product, path, key).status_code == 200)
    sunset = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    admin.move(version, "deprecate", sunset_at=sunset.isoformat(), reason="Orders has it all")
    answer = until(lambda: "deprecation" in (got := call(product, path, key)).headers and got)
    assert answer.headers["deprecation"].startswith("@")
    assert answer.headers["sunset"] == f"{sunset:%a, %d %b %Y %H:%M:%S} GMT"
    refused = developer.client.post(f"{version}/key", json={"application_name": "Too late"})
    assert refused.status_code == 409
    asked = admin.move(version, "retire", 422)
    assert {item["pointer"] for item in asked["errors"]} == {"/override_reason", "/typed_name"}
    admin.move(version, "retire", override_reason="Nobody needs it", typed_name="parcels/v1")
    gone = until(lambda: (got := call(product, path, key)).status_code == 410 and got)
    assert gone.headers["cache-control"] == "no-store"
    assert gone.json()["code"] == "version-retired"


def test_every_step_is_in_the_audit_log(admin: Rest, parcels: dict[str, Any]) -> None:
    entries = admin.all("audit")
    verbs = {entry["verb"] for entry in entries}
    assert {
        "team.create", "team.invite", "team.join", "api.create", "version.submit", "version.approve", "version.publish",
        "key.create", "key.revoke", "prompt.create", "prompt.publish", "provider.create", "version.deprecate",
        "version.retire",
    } <= verbs  # fmt: skip
    retired = next(entry for entry in entries if entry["verb"] == "version.retire")
    assert retired["before"]["state"] == "deprecated"
    assert retired["after"]["state"] == "retired"
    assert retired["reason"]
    assert retired["actor_name"].endswith("<admin@example.com>")
