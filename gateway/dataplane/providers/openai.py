"""OpenAI's chat completions as a wire format: what callers send, what any compatible server answers, streams included.

A stream is scanned event by event and passed on byte for byte, but for the end: the usage chunk that only the gateway
asked for is dropped, an error is held back to be told in our words, and `[DONE]` is sent by the caller of the scanner.
Source: OpenAI's API reference (chat, streaming) and the HTML standard on event streams (§9.2.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.dataplane.errors import BadRequest, ProviderError, UpstreamInvalid
from gateway.dataplane.pricing import Usage

PATH = "/chat/completions"
DONE_EVENT = b"data: [DONE]\n\n"
EVENT_BYTES = 16 * 1024 * 1024
MESSAGE_CHARS = 2000
# Two line ends in a row close an event; atomic groups, or a CRLF would be read as two.
BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
LINE_END = re.compile(rb"\r\n|\n|\r")
# Their refusals are about the request itself and keep their status; any other failure is a bad gateway.
RELAYED_STATUSES = frozenset({400, 404, 409, 413, 415, 422, 429})
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A caller's request: the parsed body, and what the gateway must know of it."""

    body: Body
    model: str
    is_stream: bool
    wants_usage: bool
    messages: int
    choices: int
    output_cap: int | None
    is_text_only: bool


def parse_request(raw: bytes) -> ChatRequest:
    """Read a chat request; raise BadRequest naming the field. Fields the gateway does not know are kept."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error.msg} at character {error.pos}.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise BadRequest("The field model must name a model, as `provider/model` or an alias.", param="model")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise BadRequest("The field messages must be a list of at least one message.", param="messages")
    is_stream = body.get("stream", False)
    if not isinstance(is_stream, bool | None):
        raise BadRequest("The field stream must be true or false.", param="stream")
    options = body.get("stream_options")
    if not isinstance(options, dict | None):
        raise BadRequest("The field stream_options must be an object.", param="stream_options")
    return ChatRequest(
        body=body,
        model=model,
        is_stream=bool(is_stream),
        wants_usage=bool(options and options.get("include_usage")),
        messages=len(messages),
        choices=_positive(body, "n") or 1,
        output_cap=max(_positive(body, name) or 0 for name in ("max_tokens", "max_completion_tokens")) or None,
        is_text_only=all(_is_text(item.get("content")) for item in messages),
    )


def _positive(body: Body, name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"The field {name} must be a whole number above 0.", param=name)
    return value


def _is_text(content: Any) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, dict) and part.get("type") in ("text", "refusal") for part in content)
    return content is None or isinstance(content, str)


def forward_body(request: ChatRequest, *, upstream_name: str, output_cap: int | None, cap_field: str) -> bytes:
    """Return what the provider gets: the caller's body with its name of the model, the usage option and the cap."""
    body = {**request.body, "model": upstream_name}
    if request.is_stream:
        body["stream_options"] = {**(request.body.get("stream_options") or {}), "include_usage": True}
    if output_cap is not None and request.output_cap is None:
        body[cap_field] = output_cap
    return orjson.dumps(body)


def cap_field(base_url: str) -> str:
    """Return the field that caps the output: OpenAI's newer models refuse the old one, others know only that."""
    return "max_completion_tokens" if base_url.startswith("https://api.openai.com/") else "max_tokens"


def read_usage(body: Body) -> Usage | None:
    """Return the usage an answer or a chunk reports, None when it reports none.

    Some providers (xAI, Gemini) count reasoning only in the total: the higher of both is what they bill.
    """
    usage = body.get("usage")
    if not isinstance(usage, dict):
        usage = (body.get("x_groq") or {}).get("usage") if isinstance(body.get("x_groq"), dict) else None
    if not isinstance(usage, dict):
        return None
    prompt, completion, total = (_count(usage.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    if not prompt and not completion and not total:
        return None
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    cached = cached or _count(usage.get("prompt_cache_hit_tokens"))
    return Usage(prompt, max(completion, total - prompt), min(cached, prompt))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def read_answer(raw: bytes) -> Body:
    """Return the JSON of an unstreamed answer; raise ProviderError for an error in a 200, UpstreamInvalid otherwise."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UpstreamInvalid("The provider's answer is not JSON.") from error
    if not isinstance(body, dict):
        raise UpstreamInvalid("The provider's answer is not a JSON object.")
    if body.get("error") and not body.get("choices"):
        raise provider_error(502, raw, retry_after=None)
    return body


def answer_text(body: Body) -> tuple[str, str]:
    """Return the text of the first choice and why it ended; raise UpstreamInvalid when there is none."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise UpstreamInvalid("The provider's answer holds no text.")
    return content, str(first.get("finish_reason") or "") if isinstance(first, dict) else ""


def provider_error(status: int, raw: bytes, *, retry_after: bytes | None) -> ProviderError:
    """Return a provider's refusal as ours, in the provider's words. A refusal of our key says nothing of it."""
    message, param, code = _error_words(raw)
    if status in (401, 403):
        message, code = "The provider refused the gateway's key. A platform admin must check it.", ""
    shown = status if status in RELAYED_STATUSES else 502
    headers = [(b"retry-after", retry_after)] if retry_after else []
    extra: dict[str, Any] = {"provider_status": status}
    if code:
        extra["provider_code"] = code
    return ProviderError(
        message or f"The provider answered with status {status}.",
        status=shown,
        param=param,
        headers=headers,
        extra=extra,
    )


def _error_words(raw: bytes) -> tuple[str, str, str]:
    """Return message, param and code of the error shapes that are about: an object, a text, or a flat body."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return "", "", ""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return "", "", ""
    error = body.get("error", body)
    if isinstance(error, str):
        return error[:MESSAGE_CHARS], "", ""
    if not isinstance(error, dict):
        return "", "", ""
    message = error.get("message") or error.get("detail") or ""
    param, code = error.get("param"), error.get("code") or error.get("type")
    return (
        message[:MESSAGE_CHARS] if isinstance(message, str) else "",
        param if isinstance(param, str) else "",
        str(code)[:100] if code else "",
    )


class StreamScanner:
    """Reads a stream as it comes, in whatever pieces, and says what goes on to the caller.

    `is_done`: `[DONE]` came; `is_finished`: a choice told its finish reason; `error`: the provider told an error;
    `usage`: the last one reported; `text_bytes`: output seen so far, for an estimate.
    """

    __slots__ = ("_buffer", "_keeps_usage", "_searched", "error", "is_done", "is_finished", "text_bytes", "usage")

    def __init__(self, *, keeps_usage: bool) -> None:
        self.is_done = False
        self.is_finished = False
        self.error: ProviderError | None = None
        self.usage: Usage | None = None
        self.text_bytes = 0
        self._keeps_usage = keeps_usage
        self._buffer = b""
        self._searched = 0

    @property
    def has_ended(self) -> bool:
        """Say whether nothing that follows counts: `[DONE]` or an error came."""
        return self.is_done or self.error is not None

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece and return the whole events that go on; raise UpstreamInvalid for one of impossible size."""
        self._buffer += chunk
        return self._drain(is_last=False)

    def close(self) -> bytes:
        """Take the end of the stream: a last event without its blank line still counts."""
        passed = self._drain(is_last=True)
        rest, self._buffer = self._buffer.rstrip(b"\r\n"), b""
        # Torn in the middle, it would reach the caller as broken JSON.
        if not self.has_ended and _is_whole(_event_data(rest)) and self._passes(rest):
            passed += rest + b"\n\n"
        return passed

    def _drain(self, *, is_last: bool) -> bytes:
        buffer, start, passed = self._buffer, 0, []
        place = self._searched
        while not self.has_ended:
            match = BLANK_LINE.search(buffer, place)
            # A lone CR at the end may yet become a CRLF.
            if match is None or (match.end() == len(buffer) and buffer[-1:] == b"\r" and not is_last):
                break
            event = buffer[start : match.end()]
            if self._passes(event):
                passed.append(event)
            start = place = match.end()
        self._buffer = buffer = buffer[start:]
        # A blank line is at most four bytes, so the search goes on three before the end.
        self._searched = max(0, len(buffer) - 3)
        if len(buffer) > EVENT_BYTES:
            raise UpstreamInvalid("The provider's stream holds an event of impossible size.")
        return b"".join(passed)

    def _passes(self, event: bytes) -> bool:
        """Learn what the event says; say whether it goes to the caller."""
        data = _event_data(event)
        if data is None:
            return True
        if data == b"[DONE]":
            self.is_done = True
            return False
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            return True
        if not isinstance(body, dict):
            return True
        return self._learn(body, data, is_error=event.lstrip().startswith((b"event: error", b"event:error")))

    def _learn(self, body: Body, data: bytes, *, is_error: bool) -> bool:
        if is_error or body.get("error"):
            self.error = provider_error(502, data, retry_after=None)
            return False
        usage = read_usage(body)
        if usage is not None:
            self.usage = usage
        choices = body.get("choices")
        if not isinstance(choices, list):
            return True
        for choice in choices:
            if isinstance(choice, dict):
                self._learn_choice(choice, data)
        return self.error is None and (bool(choices) or usage is None or self._keeps_usage)

    def _learn_choice(self, choice: Body, data: bytes) -> None:
        if isinstance(choice.get("error"), dict):
            self.error = provider_error(502, orjson.dumps({"error": choice["error"]}), retry_after=None)
        if choice.get("finish_reason"):
            self.is_finished = True
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self.text_bytes += sum(_text_bytes(value) for key, value in delta.items() if key != "role")


def _event_data(event: bytes) -> bytes | None:
    """Return the data of an event, None when it has none (a comment, a lone field)."""
    if event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2 and b"\r" not in event:
        return event[6:-2]
    lines = []
    for line in LINE_END.split(event):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            lines.append(b"")
    return b"\n".join(lines).strip() if lines else None


def _is_whole(data: bytes | None) -> bool:
    if data is None or data == b"[DONE]":
        return data is not None
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _text_bytes(value: Any) -> int:
    """Count the text in a delta's value: content, reasoning, the names and arguments of tool calls."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict):
        return sum(_text_bytes(item) for key, item in value.items() if key not in ("id", "type"))
    if isinstance(value, list):
        return sum(_text_bytes(item) for item in value)
    return 0
