"""The rules of `spectral:oas` by name: which rule of ours asks the same, and which need no rule here."""

from __future__ import annotations

# What Spectral's rule is called, and the rule of ours with the same meaning.
EQUAL: dict[str, str] = {
    "array-items": "array-items",
    "duplicated-entry-in-enum": "schema-enum-once",
    "info-contact": "info-contact",
    "info-description": "info-description",
    "info-license": "info-license",
    "no-script-tags-in-markdown": "no-scripts",
    "oas3-parameter-description": "parameter-description",
    "oas3-unused-component": "component-unused",
    "openapi-tags-uniqueness": "tag-once",
    "operation-description": "operation-description",
    "operation-success-response": "operation-success",
    "operation-tag-defined": "operation-tag-defined",
    "operation-tags": "operation-tags",
    "path-declarations-must-exist": "path-empty-segment",
    "path-keys-no-trailing-slash": "path-trailing-slash",
    "path-not-include-query": "path-query",
    "tag-description": "tag-description",
    "typed-enum": "schema-enum-type",
}
# Looked at whenever a document is read, as errors that nobody can turn off.
ALWAYS = frozenset({"oas3-schema", "operation-operationId-unique", "path-params"})
# Spectral has them, we do not: turning one on changes nothing.
UNKNOWN = frozenset({
    "contact-properties", "license-url", "no-$ref-siblings", "no-eval-in-markdown", "oas2-anyOf", "oas2-api-host",
    "oas2-api-schemes", "oas2-discriminator", "oas2-host-not-example", "oas2-host-trailing-slash", "oas2-oneOf",
    "oas2-operation-formData-consume-check", "oas2-operation-security-defined", "oas2-parameter-description",
    "oas2-schema", "oas2-unused-definition", "oas2-valid-media-example", "oas2-valid-schema-example",
    "oas3-api-servers", "oas3-callbacks-in-callbacks", "oas3-examples-value-or-externalValue",
    "oas3-operation-security-defined", "oas3-server-not-example.com", "oas3-server-trailing-slash",
    "oas3-server-variables", "oas3-valid-media-example", "oas3-valid-schema-example", "oas3_1-callbacks-in-webhook",
    "oas3_1-servers-in-webhook", "openapi-tags", "openapi-tags-alphabetical", "operation-operationId",
    "operation-operationId-valid-in-url", "operation-parameters", "operation-singular-tag",
})  # fmt: skip
