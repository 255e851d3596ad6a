"""The OpenAI wire format: requests kept as they are, streams passed on byte for byte however they are cut."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.dataplane.errors import BadRequest, ProviderError, UpstreamInvalid
from gateway.dataplane.pricing import Usage
from gateway.dataplane.providers import openai

USAGE = b'"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}'
HELLO = 'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Grüezi"}}]}\n\n'.encode()
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
TOTAL = b'data: {"id":"c","choices":[],' + USAGE + b"}\n\n"
DONE = b"data: [DONE]\n\n"
COMMENT = b": keepalive\n\n"


def scan(pieces: list[bytes], *, keeps_usage: bool = False) -> tuple[bytes, openai.StreamScanner]:
    scanner = openai.StreamScanner(keeps_usage=keeps_usage)
    out = b""
    for piece in pieces:
        out += scanner.feed(piece)
        if scanner.has_ended:
            return out, scanner
    return out + scanner.close(), scanner


def crlf(stream: bytes) -> bytes:
    return stream.replace(b"\n", b"\r\n")


STREAMS = [
    HELLO + COMMENT + STOP + TOTAL + DONE,
    crlf(HELLO + COMMENT + STOP + TOTAL + DONE),
    (HELLO + STOP + TOTAL + DONE).replace(b"\n", b"\r"),
    HELLO + crlf(STOP) + TOTAL + DONE + DONE,
    b"\n\n" + HELLO + b'data: {"choices":[],\ndata: ' + USAGE + b"}\n\n" + STOP,
    HELLO + b'event: error\ndata: {"error":{"message":"overloaded"}}\n\n' + DONE,
    HELLO + STOP[:-1],
    HELLO + STOP[:40],
    b"\xef\xbb\xbf" + HELLO + b"retry: 10\n\n" + DONE,
]


@settings(max_examples=300, deadline=None)
@given(stream=st.sampled_from(STREAMS), cuts=st.lists(st.integers(0, 700), max_size=12), keeps=st.booleans())
@example(stream=STREAMS[1], cuts=list(range(700)), keeps=False)
@example(stream=STREAMS[2], cuts=list(range(700)), keeps=True)
@example(stream=STREAMS[4], cuts=list(range(700)), keeps=True)
def test_any_split_of_a_stream_gives_the_same_bytes_and_the_same_facts(
    stream: bytes, cuts: list[int], keeps: bool
) -> None:
    places = [0, *sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]
    pieces = [stream[a:b] for a, b in zip(places, places[1:], strict=False)]
    out, scanner = scan(pieces, keeps_usage=keeps)
    whole, expected = scan([stream], keeps_usage=keeps)
    assert out == whole
    assert (scanner.usage, scanner.is_done, scanner.is_finished, scanner.text_bytes, str(scanner.error)) == (
        expected.usage,
        expected.is_done,
        expected.is_finished,
        expected.text_bytes,
        str(expected.error),
    )


@pytest.mark.parametrize("change", [bytes, crlf])
def test_events_pass_untouched_but_for_the_usage_chunk_nobody_asked_for_and_done(change: object) -> None:
    stream = change(HELLO + COMMENT + STOP + TOTAL + DONE)  # type: ignore[operator]
    out, scanner = scan([stream])
    assert out == change(HELLO + COMMENT + STOP)  # type: ignore[operator]
    assert scanner.is_done and scanner.is_finished
    assert scanner.usage == Usage(9, 3)
    assert scanner.text_bytes == len("Grüezi".encode())


def test_a_caller_that_asked_for_usage_gets_the_chunk() -> None:
    assert scan([HELLO + STOP + TOTAL + DONE], keeps_usage=True)[0] == HELLO + STOP + TOTAL


def test_usage_on_the_finish_chunk_is_read_and_the_chunk_kept() -> None:
    last = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],' + USAGE + b"}\n\n"
    out, scanner = scan([HELLO + last + DONE])
    assert out == HELLO + last
    assert scanner.usage == Usage(9, 3)


def test_a_chunk_without_choices_or_usage_passes() -> None:
    filters = b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":null}\n\n'
    assert scan([filters + HELLO])[0] == filters + HELLO


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"message":"overloaded"}\n\n',
        b'data: {"error":{"message":"overloaded","code":502}}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"error","error":{"message":"overloaded"}}]}\n\n',
    ],
)
def test_an_error_after_200_is_held_back_with_the_providers_words(event: bytes) -> None:
    out, scanner = scan([HELLO + event + DONE])
    assert out == HELLO
    assert scanner.error is not None and scanner.error.detail == "overloaded"
    assert not scanner.is_done


def test_a_torn_last_event_is_not_passed_on_and_a_whole_one_is_closed() -> None:
    assert scan([HELLO + STOP[:40]])[0] == HELLO
    assert scan([HELLO + STOP[:-2]])[0] == HELLO + STOP


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "EVENT_BYTES", 1000)
    scanner = openai.StreamScanner(keeps_usage=False)
    for _ in range(9):
        scanner.feed(b"data: " + b"x" * 100)
    with pytest.raises(UpstreamInvalid):
        scanner.feed(b"x" * 100)


def test_unknown_fields_go_on_and_only_model_and_stream_options_change() -> None:
    raw = b'{"model":"demo/m","messages":[{"role":"user","content":"hi"}],"stream":true,"x_new":{"a":[1,2.5]},"seed":7}'
    chat = openai.parse_request(raw)
    sent = orjson.loads(openai.forward_body(chat, upstream_name="m-1", output_cap=None, cap_field="max_tokens"))
    expected = {**orjson.loads(raw), "model": "m-1", "stream_options": {"include_usage": True}}
    assert sent == expected
    assert list(sent)[:5] == list(orjson.loads(raw))[:5]


def test_a_cap_is_set_only_where_the_caller_gave_none() -> None:
    def capped(extra: str) -> dict[str, object]:
        chat = openai.parse_request(f'{{"model":"m","messages":[{{"role":"user","content":"x"}}]{extra}}}'.encode())
        body = openai.forward_body(chat, upstream_name="m", output_cap=99, cap_field="max_tokens")
        return orjson.loads(body)  # type: ignore[no-any-return]

    assert capped("")["max_tokens"] == 99
    assert capped(',"max_tokens":5')["max_tokens"] == 5
    assert "max_tokens" not in capped(',"max_completion_tokens":5')


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b"\xff\xfe", ""),
        (b'{"messages":[{}]}', "model"),
        (b'{"model":5,"messages":[{}]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[]}', "messages"),
        (b'{"model":"m","messages":["hi"]}', "messages"),
        (b'{"model":"m","messages":[{}],"stream":"yes"}', "stream"),
        (b'{"model":"m","messages":[{}],"stream":true,"stream_options":3}', "stream_options"),
        (b'{"model":"m","messages":[{}],"n":0}', "n"),
        (b'{"model":"m","messages":[{}],"max_tokens":-1}', "max_tokens"),
        (b'{"model":"m","messages":[{}],"max_tokens":true}', "max_tokens"),
    ],
)
def test_a_body_of_the_wrong_shape_is_a_400_naming_the_field(raw: bytes, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        openai.parse_request(raw)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, Usage(9, 3)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 40}, Usage(9, 31)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}, Usage(9, 3, 4)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_cache_hit_tokens": 8}, Usage(9, 3, 8)),
        ({"prompt_tokens": 9, "completion_tokens": None, "prompt_tokens_details": None}, Usage(9, 0)),
        ({"prompt_tokens": "9"}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage_is_read_as_the_higher_of_what_is_told(usage: object, expected: Usage | None) -> None:
    assert openai.read_usage({"usage": usage}) == expected
    assert openai.read_usage({"x_groq": {"usage": usage}}) == expected


@pytest.mark.parametrize(
    ("status", "shown"),
    [(400, 400), (404, 404), (422, 422), (429, 429), (401, 502), (403, 502), (500, 502), (529, 502)],
)
def test_a_refusal_of_the_request_keeps_its_status_and_any_other_is_a_bad_gateway(status: int, shown: int) -> None:
    error = openai.provider_error(status, b'{"error":{"message":"key sk-abc","code":"c"}}', retry_after=None)
    assert (error.status, error.code, error.fault) == (shown, "provider-error", "upstream")
    assert ("sk-abc" in error.detail) == (status not in (401, 403))


def test_a_429_brings_its_retry_after_along() -> None:
    assert openai.provider_error(429, b"", retry_after=b"7").headers == [(b"retry-after", b"7")]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"error":{"message":"m","param":"p","code":"c"}}', "m"),
        (b'{"error":"flat text"}', "flat text"),
        (b'{"object":"error","message":"mistral","code":1}', "mistral"),
        (b'{"detail":"no"}', "no"),
        (b'[{"error":{"message":"gemini"}}]', "gemini"),
        (b"<html>", "The provider answered with status 400."),
    ],
)
def test_error_shapes_of_many_providers_are_understood(raw: bytes, words: str) -> None:
    assert openai.provider_error(400, raw, retry_after=None).detail == words


def test_a_200_that_holds_only_an_error_is_an_error() -> None:
    with pytest.raises(ProviderError):
        openai.read_answer(b'{"error":{"message":"no capacity","code":503}}')
