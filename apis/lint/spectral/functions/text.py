"""pattern, casing, length: how a text is written, and how much of something there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from apis.lint.spectral.functions.target import Function, Options, Said, Target, known_options
from apis.lint.spectral.patterns import BadPattern, compile_pattern
from apis.lint.spectral.values import is_number, print_value

# Words of a casing: how it begins, how it goes on, what joins. %d is where digits may stand.
_CASES = {
    "flat": "[a-z][a-z%d]*",
    "camel": "[a-z][a-z%d]*(?:[A-Z%d](?:[a-z%d]+|$))*",
    "pascal": "[A-Z][a-z%d]*(?:[A-Z%d](?:[a-z%d]+|$))*",
    "kebab": "[a-z][a-z%d]*(?:-[a-z%d]+)*",
    "cobol": "[A-Z][A-Z%d]*(?:-[A-Z%d]+)*",
    "snake": "[a-z][a-z%d]*(?:_[a-z%d]+)*",
    "macro": "[A-Z][A-Z%d]*(?:_[A-Z%d]+)*",
}


def _pattern(target: Target, options: Options) -> Iterator[Said]:
    for name, is_wanted, word in (("match", True, "must match"), ("notMatch", False, "must not match")):
        if name in options and compile_pattern(options[name]).is_in(target.value) is not is_wanted:
            yield Said(f" {word} the pattern {print_value(options[name])}", "value")


def _check_pattern(options: Any) -> str:
    if wrong := known_options(options, ("match", "notMatch")):
        return wrong
    if not options:
        return "needs the option 'match' or 'notMatch'"
    for name, text in options.items():
        if not isinstance(text, str):
            return f"needs a text in {name!r}"
        try:
            compile_pattern(text)
        except BadPattern as error:
            return f"cannot run {name!r}: {error}"
    return ""


def _casing(target: Target, options: Options) -> Iterator[Said]:
    text, separator = target.value, options.get("separator") or {}
    if not text or (text == separator.get("char") and separator.get("allowLeading") is True):
        return
    if not compile_pattern(_case_pattern(options)).is_in(text):
        yield Said(f"must be {options['type']} case")


def _case_pattern(options: Options) -> str:
    word = _CASES[options["type"]].replace("%d", "" if options.get("disallowDigits") is True else "0-9")
    separator = options.get("separator")
    if not separator:
        return f"^{word}$"
    char = re.sub(r"([\\\]^-])", r"\\\1", separator["char"])
    lead = f"[{char}]?" if separator.get("allowLeading") is True else ""
    return f"^{lead}{word}(?:[{char}]{word})*$"


def _check_casing(options: Any) -> str:
    if wrong := known_options(options, ("type", "disallowDigits", "separator"), ("type",)):
        return wrong
    if options["type"] not in _CASES:
        return f"does not know the casing {options['type']!r}; there are {', '.join(_CASES)}"
    if not isinstance(options.get("disallowDigits", False), bool):
        return "needs true or false in 'disallowDigits'"
    separator = options.get("separator")
    if separator is None:
        return ""
    if wrong := known_options(separator, ("char", "allowLeading"), ("char",)):
        return wrong.replace("functionOptions", "'separator'")
    is_char = isinstance(separator["char"], str) and len(separator["char"]) == 1
    return "" if is_char else "needs one character in 'separator.char'"


def _length(target: Target, options: Options) -> Iterator[Said]:
    value = target.value if is_number(target.value) else len(target.value)
    if "min" in options and value < options["min"]:
        yield Said(f"must be longer than {print_value(options['min'])}", "property")
    if "max" in options and value > options["max"]:
        yield Said(f"must be shorter than {print_value(options['max'])}", "property")


def _check_length(options: Any) -> str:
    if wrong := known_options(options, ("min", "max")):
        return wrong
    if not options:
        return "needs the option 'min' or 'max'"
    wrong_one = next((name for name, value in options.items() if not is_number(value)), "")
    return f"needs a number in {wrong_one!r}" if wrong_one else ""


FUNCTIONS = {
    "pattern": Function(_pattern, _check_pattern, (str,)),
    "casing": Function(_casing, _check_casing, (str,)),
    "length": Function(_length, _check_length, (list, dict, str, int, float)),
}
