"""Spectral's core functions, by name."""

from apis.lint.spectral.functions import choice, presence, references, schema, text
from apis.lint.spectral.functions.target import Function, Options, Said, Target

CORE: dict[str, Function] = {
    **choice.FUNCTIONS,
    **presence.FUNCTIONS,
    **references.FUNCTIONS,
    **schema.FUNCTIONS,
    **text.FUNCTIONS,
}

__all__ = ["CORE", "Function", "Options", "Said", "Target"]
