from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.keys import hash_key


@given(st.text(), st.binary(max_size=64))
def test_a_key_is_hashed_as_rfc_2104_has_it(key: str, pepper: bytes):
    text = key.encode("utf-8", "replace").decode()
    assert hash_key(text, pepper) == hmac.new(pepper, text.encode(), "sha256").hexdigest()
