import json
from pathlib import Path

import pytest

from apis.lint import RULES, Ruleset, Waived, lint_document
from apis.lint.spectral import rules as spectral_rules
from apis.lint.spectral.parse import BadRuleset, parse_ruleset
from apis.lint.spectral.places import Terrain
from tests.apis.conftest import DOCUMENT

GUIDE = (Path(__file__).parent / "style_guide.yaml").read_text()


def ruleset(**rules):
    return json.dumps({"rules": rules})


def rule(given="$", **more):
    return {"given": given, "then": {"function": "truthy", "field": "nothing"}, **more}


def lint(text, document=None, below=None, waivers=()):
    return lint_document(document or DOCUMENT, parse_ruleset(text).over(below or Ruleset()), waivers)


def test_a_custom_rule_counts_and_is_waived_as_any_other():
    text = ruleset(mine=rule("$.paths[*][*]", severity="error", message="{{property}} lacks it: {{error}}"))
    before = lint_document(DOCUMENT)
    found = lint(text)
    mine = [finding for finding in found.findings if finding.code == "mine"]
    assert len(mine) == 3
    assert (mine[0].severity, mine[0].pointer) == ("error", "/paths/~1orders/get")
    assert mine[0].message == 'get.nothing lacks it: "get.nothing" property must be truthy'
    assert found.score < before.score
    waived = lint(text, waivers=[Waived("mine", "/paths/~1orders")])
    assert waived.count("error") == 1
    assert len(waived.waived) == 2


def test_messages_take_their_words_from_what_was_found():
    message = "{{property}}|{{value}}|{{path}}|{{description}}|{{strange}}|{{error}}"
    then = {"field": "title", "function": "pattern", "functionOptions": {"match": "^X"}}
    (finding,) = [
        one
        for one in lint(ruleset(m={"description": "D", "message": message, "given": "$.info", "then": then})).findings
        if one.code == "m"
    ]
    assert finding.message == 'title|Orders|#/info/title|D||"Orders" must match the pattern "^X"'
    described = ruleset(m={"description": "What is asked", "given": "$", "then": then})
    assert [one.message for one in lint(described).findings if one.code == "m"] == []
    assert [one.message for one in lint(ruleset(m=rule(description="What is asked"))).findings if one.code == "m"] == [
        "What is asked"
    ]


def test_severities_of_our_rules_are_set_by_either_name():
    held = parse_ruleset(json.dumps({"rules": {
        "info-contact": "off", "operation-success-response": "error", "path-keys-no-trailing-slash": 3,
        "array-max-items": True, "info-license": False,
    }})).over(Ruleset())  # fmt: skip
    assert held.severity_of("info-contact") == held.severity_of("info-license") == "off"
    assert held.severity_of("operation-success") == "error"
    assert held.severity_of("path-trailing-slash") == "info"
    assert held.severity_of("array-max-items") == "warn"


def test_extends_off_turns_the_equals_off_until_a_line_turns_one_on():
    held = parse_ruleset('extends: [["spectral:oas", "off"]]\nrules: {info-contact: true}').over(Ruleset())
    assert held.severity_of("info-description") == "off"
    assert held.severity_of("info-contact") == RULES["info-contact"].severity
    assert held.severity_of("no-secrets") == "error"
    assert parse_ruleset("extends: spectral:oas\nrules: {}").over(Ruleset()).severities == {}


def test_a_ruleset_lies_over_another():
    below = parse_ruleset(ruleset(mine=rule(severity="error"), other=rule())).over(Ruleset())
    held = parse_ruleset(ruleset(mine="info", other=rule(severity="hint"))).over(below)
    assert (held.severity_of("mine"), held.severity_of("other")) == ("info", "info")
    own = parse_ruleset(ruleset(**{"info-contact": rule(severity="error")})).over(Ruleset({"info-contact": "off"}))
    assert (own.severity_of("info-contact"), own.rules["info-contact"].title) == ("error", "info-contact")


def test_what_does_nothing_here_is_said_with_its_line():
    text = (
        "extends:\n  - spectral:oas\n  - spectral:asyncapi\noverrides: []\nrules:\n  oas3-api-servers: error\n"
        "  oas3-schema: off\n  old:\n    formats: [oas2]\n    given: $\n    then: {function: truthy}\n"
    )
    made = parse_ruleset(text)
    assert sorted(remark.line or 0 for remark in made.remarks) == [3, 4, 6, 7, 8]
    assert made.rules["old"].severity == "off"
    said = " ".join(remark.message for remark in made.remarks)
    for words in ("asyncapi does nothing", "'overrides' by file", "oas3-api-servers is not known", "always holds",
                  "kept as OpenAPI 3.1"):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("rules: [1]", 1, "'rules' is an object"),
        ("[]", None, "A ruleset is an object"),
        ("rules: {\n", 2, ""),
        ("functions: [mine]\nrules: {}", 1, "JavaScript is not run here"),
        ("functionsDir: ./x\nrules: {}", 1, "JavaScript is not run here"),
        ("except: {a: [b]}\nrules: {}", 1, "'except' is not taken"),
        ("extends: https://example.com/x.yaml\nrules: {}", 1, "is not fetched"),
        ("extends: [[spectral:oas, some]]\nrules: {}", 1, "none of off, recommended, all"),
        ("rules:\n  a: loud\n", 2, '"loud" is no severity'),
        ("rules:\n  a:\n    given: $\n", 2, "'then' is an object"),
        ("rules:\n  a:\n    then: {function: truthy}\n", 2, "'given' is a path"),
        ("rules:\n  a:\n    given: $[\n    then: {function: truthy}\n", 3, "does not end"),
        ("rules:\n  a:\n    given: '#No.x'\n    then: {function: truthy}\n", 3, "not defined under 'aliases'"),
        ("aliases: {A: ['#B'], B: ['#A']}\nrules:\n  a:\n    given: '#A'\n    then: {function: truthy}\n",
         4, "in circles"),
        ("rules:\n  a:\n    given: $\n    then: {function: mine}\n", 4, '"mine" is none of the core functions'),
        ("rules:\n  a:\n    given: $\n    then:\n      function: length\n      functionOptions: {min: x}\n", 6,
         "needs a number"),
        ("rules:\n  a:\n    given: $\n    severity: 9\n    then: {function: truthy}\n", 4, '"9" is no severity'),
        ("rules:\n  a b:\n    given: $\n    then: {function: truthy}\n", 2, "is no name of a rule"),
        ("rules:\n  a:\n    given: $\n    when: now\n    then: {function: truthy}\n", 4, '"when" is no part of a rule'),
        ("strange: 1\nrules: {}", 1, '"strange" is no part of a ruleset'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_value(text, line, words):
    with pytest.raises(BadRuleset) as caught:
        parse_ruleset(text)
    assert caught.value.findings[0].line == line
    assert words in str(caught.value)


def test_a_ruleset_is_bounded():
    with pytest.raises(BadRuleset, match="at most 256 KB"):
        parse_ruleset("# " + "x" * 300_000)
    with pytest.raises(BadRuleset, match="at most 300 rules"):
        parse_ruleset(ruleset(**{f"r{n}": "off" for n in range(301)}))
    with pytest.raises(BadRuleset, match="at most 30 paths"):
        parse_ruleset(ruleset(a=rule([f"$.a{n}" for n in range(31)])))


def test_a_rule_that_looks_at_too_much_is_stopped_and_says_so(monkeypatch):
    monkeypatch.setattr("apis.lint.spectral.places.MOST_STEPS", 50)
    found = [one for one in lint(ruleset(mine=rule("$..[*]..[*]"))).findings if one.code == "mine"]
    assert found[-1].message == spectral_rules.STOPPED


def test_resolved_false_sees_references():
    document = {**DOCUMENT, "components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {}}}}
    then = {"function": "undefined", "field": "$ref"}
    seen = {
        resolved: sum(
            one.code == "r"
            for one in lint(
                ruleset(r={"given": "$..schemas[*]", "then": then, "resolved": resolved}), document
            ).findings
        )
        for resolved in (True, False)
    }
    assert seen == {True: 0, False: 1}


def test_a_whole_style_guide_runs():
    made = parse_ruleset(GUIDE)
    assert len(made.rules) > 20
    assert made.remarks == ()
    codes = {finding.code for finding in lint(GUIDE).findings}
    assert {"sg-description-or-summary", "sg-contact", "sg-success"} <= codes
    assert "sg-off" not in codes


def test_a_field_may_be_a_path_of_keys_or_a_jsonpath():
    terrain = Terrain(DOCUMENT, is_resolved=True)
    made = parse_ruleset(ruleset(a={"given": "$", "then": [
        {"field": "paths['/orders'].get.operationId", "function": "casing", "functionOptions": {"type": "flat"}},
        {"field": "$.paths[*].post.operationId", "function": "casing", "functionOptions": {"type": "flat"}},
    ]}))  # fmt: skip
    hits = list(made.rules["a"]._hits(terrain))
    assert [pointer for pointer, _ in hits] == ["/paths/~1orders/get/operationId", "/paths/~1orders/post/operationId"]
