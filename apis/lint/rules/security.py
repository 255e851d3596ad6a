"""Rules on secrets and safety."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from apis.design.json_types import as_list, as_object, as_text
from apis.design.pointers import join_pointer
from apis.lint.rule import Hit, Rule
from apis.lint.view import DocumentView

LOCAL = {"localhost", "127.0.0.1", "::1"}
SCRIPT = re.compile(r"<\s*script\b|javascript:|\bon(?:error|load|click)\s*=", re.IGNORECASE)
# Shapes of secrets that vendors publish, so that scanners find them.
SECRETS = (
    ("a Gatehouse key", re.compile(r"\bgh_live_[0-9A-Za-z]{36}\b")),
    ("an AWS access key", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36}\b")),
    ("a Slack token", re.compile(r"\bxox[baprs]-[0-9A-Za-z-]{20,}\b")),
    ("a Stripe key", re.compile(r"\b[sr]k_live_[0-9A-Za-z]{24,}\b")),
    ("an OpenAI key", re.compile(r"\bsk-(?:proj-)?[0-9A-Za-z_-]{40,}\b")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a private key", re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----")),
    ("a signed token", re.compile(r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{20,}")),
)
# One pass over a text; which it was is asked of those few that hold one.
ANY_SECRET = re.compile("|".join(pattern.pattern for _, pattern in SECRETS))
LONGEST_TEXT = 100_000
SHORTEST_SECRET = 20


def _secrets(view: DocumentView) -> Iterator[Hit]:
    for pointer, text in view.texts:
        if len(text) < SHORTEST_SECRET or not (found := ANY_SECRET.search(text[:LONGEST_TEXT])):
            continue
        name = next(name for name, pattern in SECRETS if pattern.search(found[0]))
        yield pointer, f"This looks like {name}. Take it out and revoke it: documents are read by many."


def _scripts(view: DocumentView) -> Iterator[Hit]:
    for pointer, text in view.texts:
        if SCRIPT.search(text[:LONGEST_TEXT]) and pointer.rpartition("/")[2] in ("description", "summary", "title"):
            yield pointer, "A text for readers holds a script. Viewers that render it would run it."


def _credentials(view: DocumentView) -> Iterator[Hit]:
    for index, server in enumerate(as_list(view.document.get("servers"))):
        if _split(as_text(as_object(server).get("url"))).username:
            yield f"/servers/{index}/url", "The server's address carries a user or a password. Take it out."


def _plain(view: DocumentView) -> Iterator[Hit]:
    for index, server in enumerate(as_list(view.document.get("servers"))):
        url = _split(as_text(as_object(server).get("url")))
        if url.scheme == "http" and url.hostname not in LOCAL:
            yield f"/servers/{index}/url", f"{url.hostname} is reached without TLS: use https."


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _schemes(view: DocumentView) -> Iterator[tuple[str, str, dict[str, object]]]:
    for name, scheme in as_object(view.components.get("securitySchemes")).items():
        yield join_pointer(["components", "securitySchemes", name]), name, dict(as_object(scheme))


def _query_key(view: DocumentView) -> Iterator[Hit]:
    for pointer, name, scheme in _schemes(view):
        if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
            yield pointer, f"{name!r} takes a key in the query: it ends up in logs and histories. Use a header."


def _basic(view: DocumentView) -> Iterator[Hit]:
    for pointer, name, scheme in _schemes(view):
        if scheme.get("type") == "http" and str(scheme.get("scheme", "")).lower() == "basic":
            yield pointer, f"{name!r} is HTTP Basic: a password travels with every call. Use tokens."


def _secret_parameter(view: DocumentView) -> Iterator[Hit]:
    for parameter in view.parameters:
        name = parameter.name.lower().replace("-", "_")
        if parameter.place in ("query", "path") and name in (
            "password",
            "secret",
            "token",
            "access_token",
            "api_key",
            "apikey",
        ):
            yield (
                parameter.pointer,
                f"{parameter.name!r} of {parameter.where} sends a secret in the address, which is logged.",
            )


RULES = (
    Rule("no-secrets", "error", "No secret stands in a document",
         "Documents are published, mailed and indexed. A key in an example is a key in the open.", _secrets),
    Rule("no-scripts", "error", "Texts hold no script",
         "Descriptions are rendered by viewers that may run what they hold.", _scripts),
    Rule("server-credentials", "error", "Server addresses carry no credentials",
         "Whoever reads the document has them.", _credentials),
    Rule("server-https", "warn", "Servers are reached by https",
         "Without TLS anybody on the way reads keys and data.", _plain),
    Rule("security-key-in-query", "warn", "Keys are not sent in the query",
         "Queries stand in logs, histories and Referer headers.", _query_key),
    Rule("security-basic", "info", "HTTP Basic is avoided",
         "A password travels with every call, and cannot be limited or taken back alone.", _basic),
    Rule("parameter-secret", "warn", "Secrets are no parameters of addresses",
         "Addresses are logged everywhere.", _secret_parameter),
)  # fmt: skip
