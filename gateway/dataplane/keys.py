"""Keys derived from the master key, sealed boxes, and the form and hash of credentials. Shared by both planes.

Sources: HKDF RFC 5869, AES-GCM NIST SP 800-38D, the key format after GitHub's of 2021 (prefix, base62, CRC-32).
"""

from __future__ import annotations

import base64
import os
import secrets
import zlib
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
LIVE_PREFIX = "gh_live_"
TOKEN_PREFIX = "gh_pat_"  # noqa: S105  the prefix is public
TRY_IT_PREFIX = "gh_try_"
PEPPER_ID = "p1"
SEAL_KEY_ID = b"k1"


class SealError(ValueError):
    """A sealed box that this master key cannot open, or that was moved to another row."""


def read_master_key(path: str | os.PathLike[str]) -> bytes:
    """Return the 32 bytes of the master key file (base64 text); raise ValueError naming the file otherwise."""
    try:
        key = base64.b64decode(Path(path).read_text().strip(), validate=True)
    except OSError as error:
        raise ValueError(f"GATEHOUSE_MASTER_KEY_FILE {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"GATEHOUSE_MASTER_KEY_FILE {path} is not base64") from error
    if len(key) != 32:
        raise ValueError(f"GATEHOUSE_MASTER_KEY_FILE {path} holds {len(key)} bytes, 32 are needed")
    return key


def derive_key(master: bytes, purpose: str) -> bytes:
    """Return 32 bytes for one purpose: django, pepper, seal, try-it or state."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"gatehouse:{purpose}".encode()).derive(master)


class Sealer:
    """Seals small secrets with AES-256-GCM, bound to the row they belong to."""

    def __init__(self, master: bytes, purpose: str = "seal") -> None:
        self._box = AESGCM(derive_key(master, purpose))

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return key id + nonce + ciphertext; `context` (such as `provider_key:pk_…`) must be given again to open."""
        nonce = os.urandom(12)
        return SEAL_KEY_ID + nonce + self._box.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return the plain bytes; raise SealError when the box, the key or the context is not the one sealed."""
        if sealed[:2] != SEAL_KEY_ID:
            raise SealError("sealed with a key this installation does not hold")
        try:
            return self._box.decrypt(sealed[2:14], sealed[14:], context.encode())
        except InvalidTag as error:
            raise SealError(f"the sealed value of {context} cannot be opened") from error


def _checksum(text: str) -> str:
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, rest = divmod(value, 62)
        digits = ALPHABET[rest] + digits
    return digits


def mint_key(prefix: str = LIVE_PREFIX) -> str:
    """Return a new secret: prefix, 30 random base62 characters (178 bits), 6 of CRC-32."""
    body = prefix + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + _checksum(body)


def is_well_formed(key: str, prefix: str = LIVE_PREFIX) -> bool:
    """Say whether a text has the form and the checksum of one of our keys, before any lookup."""
    if len(key) != len(prefix) + RANDOM_LENGTH + CHECKSUM_LENGTH or not key.startswith(prefix) or not key.isascii():
        return False
    return _checksum(key[:-CHECKSUM_LENGTH]) == key[-CHECKSUM_LENGTH:]


def hash_key(key: str, pepper: bytes) -> str:
    """Return the hex HMAC-SHA256 under which a key is stored and found; `pepper` is `derive_key(master, "pepper")`."""
    inner, outer = _pads(pepper)
    inside, outside = inner.copy(), outer.copy()
    inside.update(key.encode())
    outside.update(inside.digest())
    return outside.hexdigest()


@lru_cache(8)
def _pads(pepper: bytes) -> tuple[Any, Any]:
    """Return the two hashes of RFC 2104 with the pepper taken in: each call then hashes its key alone."""
    block = pepper.ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))


def hint(key: str) -> str:
    """Return what may be shown of a key afterwards: its prefix, an ellipsis and the last four."""
    return f"{key[: key.rindex('_') + 1]}…{key[-4:]}"
