"""A ruleset in Spectral's format as it was read, and how it lies over the rules that hold already."""

from __future__ import annotations

from dataclasses import dataclass, field

from apis.design.problems import Finding
from apis.lint.engine import Ruleset
from apis.lint.rule import Rule, Severity
from apis.lint.rules import RULES
from apis.lint.spectral.oas_rules import EQUAL
from apis.lint.spectral.rules import SpectralRule


@dataclass(frozen=True, slots=True)
class SpectralRuleset:
    """What a file says: own rules, severities of rules defined elsewhere, and remarks on what does nothing here.

    `severities` has None for a rule that is turned on as it comes. `mutes_oas` is `extends: [[spectral:oas, off]]`.
    """

    rules: dict[str, SpectralRule] = field(default_factory=dict)
    severities: dict[str, Severity | None] = field(default_factory=dict)
    mutes_oas: bool = False
    remarks: tuple[Finding, ...] = ()

    def over(self, below: Ruleset) -> Ruleset:
        """Return the rules that hold once this file lies over those below."""
        severities, custom = dict(below.severities), dict(below.custom)
        if self.mutes_oas:
            severities |= dict.fromkeys(EQUAL.values(), "off")
        for name, rule in self.rules.items():
            custom[name] = rule.as_rule()
            severities.pop(name, None)
        for name, severity in self.severities.items():
            code = code_of(name, custom)
            if code:
                severities[code] = severity or _usual(custom.get(code) or RULES[code])
        return Ruleset(severities, custom)


def code_of(name: str, custom: dict[str, Rule]) -> str:
    """Return the code of the rule that a name means, "" for none."""
    if name in custom or name in RULES:
        return name
    return EQUAL.get(name, "")


def _usual(rule: Rule) -> Severity:
    # A rule that comes turned off is turned on as Spectral's usual severity has it.
    return "warn" if rule.severity == "off" else rule.severity
