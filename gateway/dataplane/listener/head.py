"""Judges a request's head: what two servers could read differently is refused (RFC 9112). Pure."""

from __future__ import annotations

HEAD_BYTES = 64 * 1024
HOST_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+;=%:[]")


class HeadRefused(Exception):  # noqa: N818  an answer, given by the listener
    """A head that is answered by the listener itself."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def raw_path(target: bytes) -> bytes:
    """Return the path of a request target in origin form or absolute form (RFC 9112 §3.2)."""
    if target.startswith((b"http://", b"https://")):
        slash = target.find(b"/", 8)
        return target[slash:] if slash >= 0 else b"/"
    return target


def check_head(version: str, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Raise HeadRefused for a head that two servers could read differently; say whether a 100 is waited for."""
    if version not in ("1.1", "1.0"):
        raise HeadRefused(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if method == b"CONNECT":
        raise HeadRefused(501, "This gateway opens no tunnels.")
    if not target.isascii() or b"#" in target:
        raise HeadRefused(400, "The request target holds a character that must be percent-encoded.")
    hosts = lengths = 0
    expects_continue = False
    encodings: list[bytes] = []
    size = len(target)
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts += 1
            if not HOST_CHARACTERS.issuperset(value):
                raise HeadRefused(400, "The Host field is not valid.")
        elif name == b"content-length":
            lengths += 1
            if not value.isdigit():
                raise HeadRefused(400, "The Content-Length is not a number.")
        elif name == b"expect":
            # RFC 9110 §10.1.1: nothing else is defined, so nothing else can be met.
            # In HTTP/1.0 an expectation is ignored.
            expects_continue = version != "1.0"
            if expects_continue and value.lower() != b"100-continue":
                raise HeadRefused(417, "The only expectation met here is 100-continue.")
        elif name == b"transfer-encoding":
            encodings.append(value.strip().lower())
    if size > HEAD_BYTES:
        raise HeadRefused(431, f"The request's head is over {HEAD_BYTES} bytes.")
    # RFC 9112 §3.2: none or several Host fields are a 400.
    if hosts > 1 or (not hosts and version == "1.1"):
        raise HeadRefused(400, "Exactly one Host field is needed.")
    # RFC 9112 §6.1, §6.3: with both, or with two lengths, nobody can say where the body ends.
    if lengths > 1 or (lengths and encodings):
        raise HeadRefused(400, "The length of the body is given twice.")
    if encodings and (encodings != [b"chunked"] or version == "1.0"):
        raise HeadRefused(400, "The only Transfer-Encoding taken is chunked, in HTTP/1.1.")
    return expects_continue
