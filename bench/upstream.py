"""The upstream of all: answers at once with a kilobyte, or streams chunks that carry their number and their time.

`python -m bench.upstream PORT`. A chat body with `"stream":true` is answered by 50 chunks, 20 ms apart, a usage chunk
and `[DONE]`; everything else by the same JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httptools
import uvloop

CHUNKS, PAUSE_SECONDS = 50, 0.02
CONTENT = b"x" * 640
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"' + CONTENT + b'"},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":19,"completion_tokens":160,"total_tokens":179,"prompt_tokens_details":{"cached_tokens":0},'
    b'"completion_tokens_details":{"reasoning_tokens":0}}}'
)
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER
MODELS = b'{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"bench"}]}'
LISTED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(MODELS) + MODELS
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":'
    b'[{"index":0,"delta":{"content":"%d@%.6f "},"logprobs":null,"finish_reason":%b}]%b}\n\n'
)
USAGE = b',"usage":{"prompt_tokens":19,"completion_tokens":50,"total_tokens":69}'


class Connection(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Forget the last request."""
        self.body = self.url = b""

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        self.url += url

    def on_body(self, body: bytes) -> None:
        """Keep the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Answer."""
        if b'"stream":true' in self.body.replace(b" ", b""):
            asyncio.get_running_loop().create_task(self.stream())
        elif self.url.endswith(b"/models"):
            self.transport.write(LISTED)
        else:
            self.transport.write(WHOLE)

    async def stream(self) -> None:
        """Send chunks on time; each says when it left."""
        self.transport.write(HEAD)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for number in range(CHUNKS):
            due += PAUSE_SECONDS
            await asyncio.sleep(due - loop.time())
            if self.transport.is_closing():
                return
            is_last = number == CHUNKS - 1
            data = CHUNK % (number, time.time(), b'"stop"' if is_last else b"null", USAGE if is_last else b"")
            data += b"data: [DONE]\n\n" if is_last else b""
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data) + (b"0\r\n\r\n" if is_last else b""))


async def main(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
