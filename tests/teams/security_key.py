"""A security key in software: makes a P-256 key pair and answers as WebAuthn level 2 has it (§6.1, §6.5)."""

from __future__ import annotations

import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode


class SecurityKey:
    """One credential for one host."""

    def __init__(self, origin: str = "http://localhost:8000") -> None:
        self.origin = origin
        self.host = origin.split("//")[1].split(":")[0]
        self.id = os.urandom(32)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.count = 0

    def create(self, options: dict) -> dict:
        public = cbor.encode(dict(ES256.from_cryptography_key(self.private.public_key())))
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(0x41) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict) -> dict:
        self.count += 1
        data, client = self._data(0x01), self._client("webauthn.get", options)
        signed = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signed)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict) -> bytes:
        challenge = options["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> dict:
        coded = {name: websafe_encode(value) for name, value in response.items()}
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": coded, "clientExtensionResults": {}}
