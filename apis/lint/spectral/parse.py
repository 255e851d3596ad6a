"""Reads a ruleset in Spectral's format, YAML or JSON; what is wrong with it is said with line and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from apis.design.json_types import shorten
from apis.design.lines import number_lines
from apis.design.loading import load_tree
from apis.design.pointers import join_pointer
from apis.design.problems import DesignError, Finding
from apis.lint.rule import Severity
from apis.lint.rules import RULES
from apis.lint.spectral.aliases import BadAlias, put_in
from apis.lint.spectral.functions import CORE
from apis.lint.spectral.given import BadPath, Step, compile_given
from apis.lint.spectral.oas_rules import ALWAYS, EQUAL, UNKNOWN
from apis.lint.spectral.places import Key
from apis.lint.spectral.rules import SpectralRule, Then
from apis.lint.spectral.ruleset import SpectralRuleset

MAX_BYTES = 256 * 1024
MOST_RULES = 300
MOST_PARTS = 30
# Documents are kept as OpenAPI 3.1, whatever they were written in.
FORMATS_THAT_RUN = {"oas3", "oas3.1", "oas3_1"}
SEVERITIES: dict[Any, Severity] = {
    "error": "error", "warn": "warn", "info": "info", "hint": "info", "off": "off",
    0: "error", 1: "warn", 2: "info", 3: "info", -1: "off",
}  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9_.$-]{1,60}$")
KNOWN = {
    "rules", "extends", "aliases", "formats", "documentationUrl", "parserOptions", "overrides", "functions",
    "functionsDir", "except", "description",
}  # fmt: skip
RULE_KNOWN = {
    "description", "message", "severity", "given", "then", "recommended", "formats", "resolved", "documentationUrl",
    "enabled", "tags", "type", "extensions",
}  # fmt: skip
SCRIPTS = "JavaScript is not run here. Write it with the core functions: " + ", ".join(sorted(CORE)) + "."
FIELD_PARTS = re.compile(r"\[(-?\d+)\]|\[(['\"])(.*?)\2\]|([^.\[\]]+)")


class BadRuleset(ValueError):
    """A ruleset that cannot be used; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(finding.message for finding in findings[:3]))


def parse_ruleset(text: str) -> SpectralRuleset:
    """Read a ruleset; an empty text is one without rules. Raise BadRuleset with all that is wrong."""
    if not text.strip():
        return SpectralRuleset()
    if len(text.encode()) > MAX_BYTES:
        raise BadRuleset([_wrong(f"A ruleset has at most {MAX_BYTES // 1024} KB.")])
    try:
        tree = load_tree(text).tree
    except DesignError as error:
        raise BadRuleset([replace(one, code="ruleset") for one in error.findings]) from error
    reader = _Reader(tree)
    made = reader.read()
    if reader.errors:
        raise BadRuleset(number_lines(reader.errors, text))
    return replace(made, remarks=tuple(number_lines(reader.remarks, text)))


def _wrong(message: str, *way: str | int) -> Finding:
    return Finding("ruleset", "error", message, join_pointer(way))


class _Reader:
    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self.errors: list[Finding] = []
        self.remarks: list[Finding] = []
        self.aliases: dict[str, Any] = {}

    def wrong(self, message: str, *way: str | int) -> None:
        self.errors.append(_wrong(message, *way))

    def remark(self, message: str, *way: str | int) -> None:
        self.remarks.append(Finding("ruleset", "info", message, join_pointer(way)))

    def read(self) -> SpectralRuleset:
        if not isinstance(self.tree, dict):
            self.wrong("A ruleset is an object with 'rules'.")
            return SpectralRuleset()
        for key in self.tree:
            if key in ("functions", "functionsDir", "except") and self.tree[key]:
                self.wrong(f"{key!r} is not taken: {SCRIPTS if key != 'except' else 'waive a finding instead.'}", key)
            elif key == "overrides":
                self.remark("'overrides' by file does nothing here: use a team's ruleset, or waive a finding.", key)
            elif key not in KNOWN:
                self.wrong(f"{shorten(str(key))} is no part of a ruleset; there are {', '.join(sorted(KNOWN))}.", key)
        self.aliases = self.object("aliases")
        mutes = self.extends()
        rules: dict[str, SpectralRule] = {}
        severities: dict[str, Severity | None] = {}
        written = self.object("rules")
        if len(written) > MOST_RULES:
            self.wrong(f"A ruleset has at most {MOST_RULES} rules, this one {len(written)}.", "rules")
        for name, rule in list(written.items())[:MOST_RULES]:
            if isinstance(rule, dict):
                if (made := self.rule(name, rule)) is not None:
                    rules[name] = made
            else:
                self.setting(name, rule, severities)
        return SpectralRuleset(rules, severities, mutes)

    def object(self, name: str) -> dict[str, Any]:
        value = self.tree.get(name) or {}
        if isinstance(value, dict):
            return value
        self.wrong(f"{name!r} is an object of names.", name)
        return {}

    def extends(self) -> bool:
        """Say whether the equals of spectral:oas are turned off; what is not there to extend is refused."""
        value = self.tree.get("extends")
        entries = value if isinstance(value, list) else [value] if value else []
        mutes = False
        for index, entry in enumerate(entries):
            name, how = (entry[0], entry[1]) if isinstance(entry, list) and len(entry) == 2 else (entry, "recommended")
            if name == "spectral:oas" and how in ("off", "recommended", "all", False):
                mutes = how in ("off", False)
            elif name in ("spectral:asyncapi", "spectral:arazzo"):
                self.remark(f"{name} does nothing here: documents are OpenAPI.", "extends", index)
            elif name == "spectral:oas":
                self.wrong(f"{shorten(str(how))} is none of off, recommended, all.", "extends", index)
            else:
                shown = shorten(str(name))
                self.wrong(f"{shown} is not fetched: paste its rules into this ruleset.", "extends", index)
        return mutes

    def setting(self, name: str, value: Any, severities: dict[str, Severity | None]) -> None:
        """Take a severity for a rule that is defined elsewhere."""
        if value is True or value == "on":
            severity: Severity | None = None
        elif value is False:
            severity = "off"
        elif isinstance(value, str | int) and value in SEVERITIES:
            severity = SEVERITIES[value]
        else:
            self.wrong(f"{shorten(str(value))} is no severity: error, warn, info, hint, off or 0 to 3.", "rules", name)
            return
        if name in ALWAYS:
            self.remark(f"{name} always holds: it is looked at whenever a document is read.", "rules", name)
        elif name in UNKNOWN:
            self.remark(f"{name} is not known here: this line does nothing.", "rules", name)
        else:
            if name not in RULES and name not in EQUAL:
                self.remark(
                    f"{name} is defined neither here nor by us: it counts if a ruleset below has it.", "rules", name
                )
            severities[name] = severity

    def rule(self, name: str, rule: dict[str, Any]) -> SpectralRule | None:
        before = len(self.errors)
        if not NAME.match(name):
            self.wrong(f"{shorten(name)} is no name of a rule: letters, digits, - _ . $, 60 at most.", "rules", name)
        for key in rule:
            if key not in RULE_KNOWN:
                self.wrong(f"{shorten(str(key))} is no part of a rule.", "rules", name, key)
        severity = rule.get("severity", "warn")
        if not isinstance(severity, str | int) or isinstance(severity, bool) or severity not in SEVERITIES:
            self.wrong(
                f"{shorten(str(severity))} is no severity: error, warn, info, hint, off or 0 to 3.",
                "rules",
                name,
                "severity",
            )
        for key in ("description", "message", "documentationUrl"):
            if not isinstance(rule.get(key) or "", str):
                self.wrong(f"{key!r} is a text.", "rules", name, key)
        given = tuple(self.given(name, rule.get("given")))
        then = tuple(self.then(name, rule.get("then")))
        runs = self.runs(name, rule)
        if len(self.errors) > before:
            return None
        is_off = rule.get("recommended") is False or rule.get("enabled") is False or not runs
        root = self.tree.get("documentationUrl") or ""
        return SpectralRule(
            name=name, severity="off" if is_off else SEVERITIES[severity], given=given, then=then,
            description=str(rule.get("description") or ""), message=str(rule.get("message") or ""),
            url=str(rule.get("documentationUrl") or (f"{root}#{name}" if root else "")),
            is_resolved=rule.get("resolved") is not False,
        )  # fmt: skip

    def runs(self, name: str, rule: dict[str, Any]) -> bool:
        """Say whether a rule is for documents as they are kept here."""
        formats = rule.get("formats", self.tree.get("formats"))
        if formats is None:
            return True
        if not isinstance(formats, list) or not all(isinstance(one, str) for one in formats):
            self.wrong("'formats' is a list of names such as oas3.", "rules", name, "formats")
            return False
        if set(formats) & FORMATS_THAT_RUN:
            return True
        shown = ", ".join(formats)
        self.remark(
            f"{name} is for {shorten(shown)} alone and is not run: documents are kept as OpenAPI 3.1.", "rules", name
        )
        return False

    def given(self, name: str, given: Any) -> Iterator[tuple[Step, ...]]:
        listed = given if isinstance(given, list) else [given]
        if given is None or not listed or not all(isinstance(one, str) for one in listed):
            self.wrong("'given' is a path such as $.paths[*], or a list of paths.", "rules", name, "given")
            return
        try:
            paths = [path for one in listed for path in put_in(self.aliases, one)]
            if len(paths) > MOST_PARTS:
                self.wrong(f"A rule has at most {MOST_PARTS} paths.", "rules", name, "given")
            yield from [compile_given(path) for path in paths[:MOST_PARTS]]
        except (BadAlias, BadPath) as error:
            self.wrong(f"The path {error}.", "rules", name, "given")

    def then(self, name: str, then: Any) -> Iterator[Then]:
        listed = then if isinstance(then, list) else [then]
        if not listed or len(listed) > MOST_PARTS or not all(isinstance(one, dict) for one in listed):
            self.wrong(
                f"'then' is an object with 'function', or a list of {MOST_PARTS} at most.", "rules", name, "then"
            )
            return
        for index, one in enumerate(listed):
            way = ("rules", name, "then", *((index,) if isinstance(then, list) else ()))
            if (made := self.check(one, way)) is not None:
                yield made

    def check(self, then: dict[str, Any], way: tuple[str | int, ...]) -> Then | None:
        function, options, at = then.get("function"), then.get("functionOptions"), then.get("field", "")
        if unknown := sorted(set(then) - {"function", "functionOptions", "field"}):
            self.wrong(f"{shorten(str(unknown[0]))} is no part of 'then'.", *way, unknown[0])
        if function not in CORE:
            self.wrong(
                f"The function {shorten(str(function))} is none of the core functions. {SCRIPTS}", *way, "function"
            )
            return None
        if wrong := CORE[function].check(options):
            self.wrong(
                f"The function {function} {wrong}.", *way, "functionOptions" if options is not None else "function"
            )
            return None
        at = str(at) if isinstance(at, str | int) else ""
        is_path = at == "$" or at.startswith(("$.", "$["))
        try:
            steps = compile_given(at) if is_path else ()
        except BadPath as error:
            self.wrong(f"The field {error}.", *way, "field")
            return None
        keys = () if is_path or at == "@key" else tuple(_keys(at))
        return Then(function, options, at, steps, keys)


def _keys(text: str) -> Iterator[Key]:
    for index, _, quoted, plain in FIELD_PARTS.findall(text):
        yield int(index) if index else quoted or plain
