"""Lint: what a valid document could say better. Pure: a document and a ruleset in, findings and a score out."""

from apis.lint.engine import LintResult, Ruleset, Waived, lint_document, score_of
from apis.lint.rule import Rule, Severity
from apis.lint.rules import RULES

__all__ = ["RULES", "LintResult", "Rule", "Ruleset", "Severity", "Waived", "lint_document", "score_of"]
