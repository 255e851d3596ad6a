"""The model endpoints through a real worker: replayed providers behind, OpenAI's own SDK in front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from gateway.dataplane.records import (
    AliasRecord,
    ModelRecord,
    OperationRecord,
    ParameterRecord,
    PriceRecord,
    PromptRecord,
    ProviderKeyRecord,
    ProviderRecord,
)
from tests.gateway.replay import FIXTURES, Replay
from tests.gateway.worker import Worker, change, credential, plan, route, subscription

CHAT = (OperationRecord("createChatCompletion", "POST", "/chat/completions"), OperationRecord("m", "GET", "/models"))
MESSAGES: Any = [{"role": "user", "content": "Say hello"}]
SCHEMA = (
    '{"type": "object", "required": ["sentiment"], "properties": {"sentiment": {"type": "string"}}}'  # as the fixtures
)


def prompt(model: str, **fields: Any) -> PromptRecord:
    parameters = (ParameterRecord("text"), ParameterRecord("times", "integer", False, 1))
    return PromptRecord(f"replay/{model}", "Judge {{text}} {{times}}", parameters=parameters, **fields)


@pytest.fixture(scope="module")
def provider() -> Iterator[Replay]:
    made = Replay()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def worker(provider: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    home: Path = tmp_path_factory.mktemp("ai")
    made = Worker(home)
    quick = {"first_byte_seconds": 1.0, "between_chunks_seconds": 1.0, "total_seconds": 5.0}
    names = [path.stem for path in FIXTURES.iterdir()]
    run = (OperationRecord("run", "POST", "/run"),)
    changes = [
        change("route", "ai", route("ai", kind="model", base_path="", version="v1", operations=CHAT)),
        change("subscription", "sub_ai", subscription("ai")),
        change("plan", "plan_free", plan()),
        change("credential", "key_1", credential(made.key)),
        change("provider", "replay", ProviderRecord("Replay", "openai", provider.base_url, **quick)),
        change("provider_key", "pk_1", ProviderKeyRecord("replay", "sk-replay")),
        *(change("model", f"replay/{name}", ModelRecord("replay", name)) for name in names),
        change("alias", "fast", AliasRecord("replay/chat")),
        change("price", "replay/chat", PriceRecord(1_000_000_000, 2_000_000_000)),
        change("price", "replay/stream", PriceRecord(1_000_000_000, 2_000_000_000)),
        change("prompt", "pv_text", prompt("chat")),
        change("prompt", "pv_json", prompt("json-output", output="json", schema=SCHEMA)),
        change("prompt", "pv_bad", prompt("json-output-invalid", output="json", schema=SCHEMA)),
    ]
    for name in ("text", "json", "bad"):
        known = {"kind": "prompt", "base_path": f"/pay/{name}", "prompt": f"pv_{name}", "operations": run}
        changes += [
            change("route", f"ver_{name}", route(f"ver_{name}", **known)),
            change("subscription", f"sub_{name}", subscription(f"ver_{name}")),
        ]
    assert made.load(changes)["rejected"] == []
    yield made
    assert made.stop() == 0


@pytest.fixture
def client(worker: Worker) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{worker.url}/v1", api_key=worker.key, max_retries=0, timeout=10) as made:
        yield made


def stream(worker: Worker, model: str, **fields: Any) -> tuple[httpx.Response, bytes]:
    """Return the head and all bytes of a stream, however it ended."""
    body = {"model": f"replay/{model}", "messages": MESSAGES, "stream": True, **fields}
    data = b""
    with httpx.stream(
        "POST", f"{worker.url}/v1/chat/completions", json=body, headers={"x-api-key": worker.key}, timeout=10
    ) as answer:
        try:
            for chunk in answer.iter_raw():
                data += chunk
        except httpx.HTTPError:
            data += b"<cut>"
    return answer, data


def test_an_answer_passes_with_its_cost_and_the_callers_key_stays_here(worker, client, provider) -> None:
    raw = client.chat.completions.with_raw_response.create(model="replay/chat", messages=MESSAGES)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Grüezi mitenand."
    assert raw.headers["gatehouse-provider"] == "replay"
    usage = answer.usage
    cost = usage.prompt_tokens * 1000 + usage.completion_tokens * 2000
    assert 0 < int(raw.headers["gatehouse-cost-nano-usd"]) <= cost
    asked = provider.asked[-1]
    assert asked.headers["authorization"] == "Bearer sk-replay"
    assert worker.key not in str(asked)
    record = worker.finished(raw.headers["x-request-id"])
    assert record["cost_nano"] == int(raw.headers["gatehouse-cost-nano-usd"])
    assert (record["input_tokens"], record["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_an_alias_names_a_model_and_unknown_fields_pass(client, provider) -> None:
    client.chat.completions.create(model="fast", messages=MESSAGES, extra_body={"of_tomorrow": {"a": 1}})
    assert provider.asked[-1].body["model"] == "chat"
    assert provider.asked[-1].body["of_tomorrow"] == {"a": 1}


def test_a_stream_arrives_whole_and_its_usage_is_asked_for_but_not_shown(worker, client, provider) -> None:
    chunks = list(client.chat.completions.create(model="replay/stream", messages=MESSAGES, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    assert provider.asked[-1].body["stream_options"] == {"include_usage": True}
    answer, data = stream(worker, "stream")
    assert data.count(b"data: [DONE]") == 1
    record = worker.finished(answer.headers["x-request-id"])
    assert record["is_streamed"]
    assert record["output_tokens"] > 0
    assert not record["is_estimated"]


def test_usage_is_shown_to_who_asks_for_it(client) -> None:
    asked = client.chat.completions.create(
        model="replay/stream", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    assert [chunk.usage for chunk in asked][-1]


def test_a_stream_with_crlf_and_comments_is_read_by_the_sdk(client) -> None:
    chunks = list(client.chat.completions.create(model="replay/stream-crlf", messages=MESSAGES, stream=True))
    assert chunks[-1].choices[0].finish_reason


def test_a_finished_stream_without_its_mark_gets_exactly_one(worker) -> None:
    _, data = stream(worker, "stream-without-done")
    assert data.count(b"data: [DONE]") == 1


@pytest.mark.parametrize("name", ["stream-reset", "stream-without-end", "stream-cut-short"])
def test_a_stream_whose_upstream_dies_never_ends_clean(worker, name) -> None:
    answer, data = stream(worker, name)
    assert b"[DONE]" not in data
    assert b'"error"' in data
    record = worker.finished(answer.headers["x-request-id"])
    assert record["fault"] == "upstream"
    assert record["is_estimated"]


def test_an_error_inside_a_stream_is_passed_on_as_an_error(worker, client) -> None:
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="replay/stream-error", messages=MESSAGES, stream=True))
    _, data = stream(worker, "stream-error")
    assert b"[DONE]" not in data


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("rate-limited", openai.RateLimitError, 429),
        ("stream-refused", openai.BadRequestError, 400),
        ("unauthorized", openai.InternalServerError, 502),
        ("overloaded", openai.InternalServerError, 502),
        ("not-json", openai.InternalServerError, 502),
        ("error-in-200", openai.InternalServerError, 502),
        ("silent", openai.InternalServerError, 504),
    ],
)
def test_a_providers_failure_has_the_sdks_shape_and_our_help(worker, client, name, error, status) -> None:
    with pytest.raises(error) as failure:
        client.chat.completions.create(model=f"replay/{name}", messages=MESSAGES)
    assert failure.value.status_code == status
    assert failure.value.body["request_id"]
    assert failure.value.body["help"].startswith("http://")
    assert "sk-replay" not in str(failure.value.body)
    if status == 429:
        assert failure.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("body", "param"),
    [(b"{", None), (b"[]", None), (b'{"messages": []}', "model"), (b'{"model": "fast", "messages": "x"}', "messages")],
)
def test_a_body_that_is_no_request_is_400_and_names_the_field(worker, body, param) -> None:
    answer = httpx.post(f"{worker.url}/v1/chat/completions", content=body, headers={"x-api-key": worker.key})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_only_callable_names_are_listed(client) -> None:
    assert {"fast", "replay/chat"} <= {model.id for model in client.models.list()}


def run(worker: Worker, name: str, body: Any) -> httpx.Response:
    return httpx.post(f"{worker.url}/pay/{name}/v1/run", json=body, headers={"x-api-key": worker.key}, timeout=10)


def test_a_prompt_fills_its_template_and_never_reads_an_argument_as_one(worker, provider) -> None:
    answer = run(worker, "text", {"text": "{{times}} and {{text}}"})
    assert answer.status_code == 200
    assert answer.json()["output"] == "Grüezi mitenand."
    assert provider.asked[-1].body["messages"] == [{"role": "user", "content": "Judge {{times}} and {{text}} 1"}]


def test_json_output_is_checked_against_its_schema(worker) -> None:
    assert run(worker, "json", {"text": "fine"}).json()["output"]["sentiment"] == "good"
    refused = run(worker, "bad", {"text": "fine"})
    assert (refused.status_code, refused.json()["code"], refused.json()["fault"]) == (
        502, "model-output-invalid", "upstream",
    )  # fmt: skip
    assert worker.finished(refused.headers["x-request-id"])["output_tokens"] > 0


def test_every_wrong_argument_is_named_at_once(worker) -> None:
    refused = run(worker, "text", {"times": "three", "more": 1})
    assert refused.status_code == 422
    assert {item["pointer"] for item in refused.json()["errors"]} == {"#/text", "#/times", "#/more"}


def test_an_argument_of_a_megabyte_is_refused_and_nothing_is_sent(worker, provider) -> None:
    before = len(provider.asked)
    assert run(worker, "text", {"text": "x" * 1_100_000}).status_code == 422
    assert len(provider.asked) == before
