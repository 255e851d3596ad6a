"""Words to find things by: folded the same way when they are written and when they are asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Beyond these a text adds no word: tsvector takes 1 MB, and nobody searches for the ten-thousandth property.
MOST_CHARACTERS = 200_000
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return a text in lower case without accents: `Café` as `cafe`."""
    # Folding the case can bring accents forth anew.
    return _bare(_bare(text).casefold())


def _bare(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def words_of(*texts: str) -> str:
    """Return the words of some texts, each once, in order; `listOrders` gives listorders, list and orders."""
    found: dict[str, None] = {}
    size = 0
    for word in _split(texts):
        if word not in found:
            size += len(word) + 1
            if size > MOST_CHARACTERS:
                break
            found[word] = None
    return " ".join(found)


def _split(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for whole in NO_WORD.sub(" ", _bare(text)).split():
            parts = HUMP.split(whole)
            for word in (whole, *parts) if len(parts) > 1 else (whole,):
                yield from NO_WORD.sub(" ", fold(word)).split()
