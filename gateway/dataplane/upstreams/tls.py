"""TLS towards an upstream: verified by the system's authorities or by its own, with our certificate where it asks."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

from gateway.dataplane.records import TlsRecord

CONTEXTS_KEPT = 512


@lru_cache(CONTEXTS_KEPT)
def context_of(tls: TlsRecord | None) -> ssl.SSLContext:
    """Return the context of an upstream; raise ssl.SSLError or OSError for text that is no certificate or key."""
    context = ssl.create_default_context(cadata=tls.ca if tls and tls.ca else None)
    context.set_alpn_protocols(["http/1.1"])
    if tls is None:
        return context
    if not tls.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        _load_certificate(context, tls)
    return context


def _load_certificate(context: ssl.SSLContext, tls: TlsRecord) -> None:
    # The ssl module takes files alone: ours is readable by nobody else and gone at once.
    handle, name = tempfile.mkstemp(prefix="gatehouse-", suffix=".pem")
    try:
        os.write(handle, f"{tls.certificate}\n{tls.key}\n".encode())
        os.close(handle)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
