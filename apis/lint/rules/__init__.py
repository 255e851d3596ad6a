"""All rules by code, in the order of a document. A code is never used again for something else."""

from apis.lint.rule import Rule
from apis.lint.rules import bodies, information, operations, parameters, paths, schemas, security

RULES: dict[str, Rule] = {
    rule.code: rule
    for module in (information, paths, operations, parameters, bodies, schemas, security)
    for rule in module.RULES
}
