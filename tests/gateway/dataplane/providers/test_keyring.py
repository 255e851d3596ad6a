"""Several keys of one provider: shared out, left alone after a 429, used again, and never when switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.dataplane.providers.keyring import Keyring
from gateway.dataplane.records import ModelRecord, OperationRecord, ProviderKeyRecord, ProviderRecord
from tests.gateway.replay import Replay
from tests.gateway.worker import Worker, change, credential, plan, route, subscription

KEYS = [("a", ProviderKeyRecord("p", "sk-a")), ("b", ProviderKeyRecord("p", "sk-b"))]


def test_keys_take_turns_and_one_that_is_cooling_waits_until_its_time():
    now = [100.0]
    ring = Keyring(lambda: now[0])
    assert {ring.choose(KEYS)[0] for _ in range(4)} == {"a", "b"}
    ring.cool_down("a", b"30")
    assert {ring.choose(KEYS)[0] for _ in range(4)} == {"b"}
    ring.cool_down("b", b"60")
    # With all of them cooling, the one that is warm first.
    assert ring.choose(KEYS)[0] == "a"
    now[0] += 31
    assert {ring.choose(KEYS)[0] for _ in range(4)} == {"a"}
    now[0] += 30
    assert {ring.choose(KEYS)[0] for _ in range(4)} == {"a", "b"}


def test_a_key_that_was_tried_is_not_tried_again():
    ring = Keyring()
    assert ring.choose(KEYS, ["a"])[0] == "b"
    assert ring.choose(KEYS, ["a", "b"]) is None
    assert ring.choose([]) is None


@pytest.mark.parametrize("retry_after", [None, b"", b"Wed, 21 Oct 2026 07:28:00 GMT", b"99999999"])
def test_a_provider_that_does_not_say_how_long_gets_some_time_and_never_for_ever(retry_after):
    now = [0.0]
    ring = Keyring(lambda: now[0])
    ring.cool_down("a", retry_after)
    assert ring.choose(KEYS)[0] == "b"
    now[0] += 301
    assert {ring.choose(KEYS)[0] for _ in range(4)} == {"a", "b"}


@pytest.fixture
def provider() -> Iterator[Replay]:
    made = Replay()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def worker(provider: Replay, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    chat = (OperationRecord("chat", "POST", "/chat/completions"),)
    made.load(
        [
            change("route", "ai", route("ai", kind="model", base_path="", version="v1", operations=chat)),
            change("subscription", "sub_ai", subscription("ai")),
            change("plan", "plan_free", plan()),
            change("credential", "key_1", credential(made.key)),
            change("provider", "replay", ProviderRecord("Replay", "openai", provider.base_url)),
            *(change("provider_key", f"pk_{n}", ProviderKeyRecord("replay", f"sk-{n}", n != 3)) for n in (1, 2, 3)),
            change("model", "replay/chat", ModelRecord("replay", "chat")),
        ]
    )
    yield made
    assert made.stop() == 0


def chat(worker: Worker) -> httpx.Response:
    body = {"model": "replay/chat", "messages": [{"role": "user", "content": "hi"}]}
    url = f"{worker.url}/v1/chat/completions"
    return httpx.post(url, json=body, headers={"x-api-key": worker.key}, timeout=10, trust_env=False)


def test_a_call_moves_on_from_a_key_whose_limit_is_reached_and_later_ones_leave_it_alone(worker, provider):
    provider.limited = {"sk-1"}
    answers = [chat(worker) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    used = [asked.headers["authorization"] for asked in provider.asked]
    assert used.count("Bearer sk-1") == 1
    assert "Bearer sk-3" not in used
    tried = next(answer for answer in answers if len(attempts(worker, answer)) > 2)
    assert attempts(worker, tried) == [("started", ""), ("finished", "retried"), ("started", ""), ("finished", "")]


def attempts(worker: Worker, answer: httpx.Response) -> list[tuple[str, str]]:
    name = answer.headers["x-request-id"]
    worker.finished(name)
    return [(record["type"], record.get("code", "")) for record in worker.records() if record["id"] == name]


def test_when_every_key_is_at_its_limit_the_caller_is_told(worker, provider):
    provider.limited = {"sk-1", "sk-2"}
    answer = chat(worker)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert len(provider.asked) == 2
