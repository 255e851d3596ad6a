import io
import json
import zipfile

import pytest
import yaml

from apis.design.archives import bundle_archive
from apis.design.document import parse_document
from apis.design.problems import DesignError
from apis.design.validate import require_valid

HEAD = "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\n"
ROOT = (
    HEAD
    + """
paths:
  /orders:
    $ref: paths/orders.yaml
  /health:
    get:
      operationId: health
      responses: {'200': {$ref: 'common.yaml#/responses/Fine'}}
components:
  schemas:
    Error: {type: object}
"""
)
ORDERS = """
get:
  operationId: listOrders
  parameters:
  - $ref: ../common.yaml#/parameters/Limit
  responses:
    '200':
      description: Orders
      content:
        application/json:
          schema: {type: array, items: {$ref: ../schemas/order.yaml}}
    default: {$ref: '../common.yaml#/responses/Fine'}
"""
ORDER = """
type: object
properties:
  id: {type: string, example: {$ref: untouched.yaml}}
  parent: {$ref: order.yaml}
  buyer: {$ref: 'person.json#/$defs/Person'}
  error: {$ref: '../openapi.yaml#/components/schemas/Error'}
"""
PERSON = {
    "$defs": {
        "Person": {
            "type": "object",
            "properties": {"friend": {"$ref": "#/$defs/Person"}, "first": {"$ref": "../schemas/order.yaml"}},
        }
    }
}
COMMON = """
parameters:
  Limit: {name: limit, in: query, schema: {$ref: '#/schemas/Limit'}}
responses:
  Fine: {description: Fine}
schemas:
  Limit: {type: integer}
"""
FILES = {
    "openapi.yaml": ROOT, "paths/orders.yaml": ORDERS, "schemas/order.yaml": ORDER, "common.yaml": COMMON,
    "schemas/person.json": json.dumps(PERSON), "README.md": "hello", "logo.png": "x",
}  # fmt: skip


def packed(files, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def bundled(files, root=""):
    bundle = bundle_archive(packed(files), root)
    return bundle, yaml.safe_load(bundle.text)


def refusal(files, root=""):
    with pytest.raises(DesignError) as caught:
        bundle_archive(packed(files), root)
    return [(finding.code, finding.message) for finding in caught.value.findings]


def test_files_become_one_valid_document():
    bundle, tree = bundled(FILES)
    assert require_valid(parse_document(bundle.text)) is not None
    assert bundle.format == "yaml"
    assert bundle.root == "openapi.yaml"
    get = tree["paths"]["/orders"]["get"]
    assert get["operationId"] == "listOrders"
    assert get["parameters"] == [{"$ref": "#/components/parameters/Limit"}]
    schemas = tree["components"]["schemas"]
    assert list(schemas) == ["Error", "order", "Limit", "Person"]
    assert schemas["order"]["properties"]["parent"] == {"$ref": "#/components/schemas/order"}
    assert schemas["order"]["properties"]["error"] == {"$ref": "#/components/schemas/Error"}
    assert schemas["order"]["properties"]["id"]["example"] == {"$ref": "untouched.yaml"}
    assert schemas["Person"]["properties"]["friend"] == {"$ref": "#/components/schemas/Person"}
    assert schemas["Person"]["properties"]["first"] == {"$ref": "#/components/schemas/order"}
    assert tree["components"]["parameters"]["Limit"]["schema"] == {"$ref": "#/components/schemas/Limit"}


def test_the_report_says_what_was_bundled_ignored_and_repaired():
    files = FILES | {"schemas/order.yaml": ORDER + "  lost: {$ref: '#/components/schemas/Error'}\n"}
    bundle, tree = bundled(files)
    said = [(finding.code, finding.message) for finding in bundle.findings]
    assert ("archive-root", "openapi.yaml is the document.") in said
    assert ("archive-bundled", "order was schemas/order.yaml.") in said
    assert ("archive-bundled", "Limit was common.yaml#/parameters/Limit.") in said
    assert ("archive-ignored", "Not read: README.md, logo.png.") in said
    assert any(code == "archive-repaired" and "schemas/order.yaml" in text for code, text in said)
    assert tree["components"]["schemas"]["order"]["properties"]["lost"] == {"$ref": "#/components/schemas/Error"}


def test_names_that_are_taken_are_counted_on_in_the_documents_order():
    files = {
        "openapi.yaml": HEAD + "paths: {}\ncomponents:\n  schemas:\n    pet: {type: string}\n    all:\n      anyOf:\n"
        "      - {$ref: a/pet.yaml}\n      - {$ref: b/pet.yaml}\n      - {$ref: a/pet.yaml}\n",
        "a/pet.yaml": "{type: integer}", "b/pet.yaml": "{type: number}",
    }  # fmt: skip
    _, tree = bundled(files)
    schemas = tree["components"]["schemas"]
    names = [item["$ref"].rpartition("/")[2] for item in schemas["all"]["anyOf"]]
    assert names == ["pet_2", "pet_3", "pet_2"]
    assert (schemas["pet"]["type"], schemas["pet_2"]["type"], schemas["pet_3"]["type"]) == (
        "string",
        "integer",
        "number",
    )
    assert bundled(files)[0] == bundled(files)[0]


def test_a_component_that_only_refers_to_a_file_keeps_its_name():
    files = {
        "openapi.yaml": HEAD + "paths: {}\n"
        "components:\n  schemas:\n    Order: {$ref: order.yaml}\n    List: {type: array"
        ", items: {$ref: order.yaml}}\n  parameters: {$ref: parameters.yaml}\n",
        "order.yaml": "type: object\nproperties: {parent: {$ref: order.yaml}}\n",
        "parameters.yaml": "Limit: {name: limit, in: query, schema: {type: integer}}\n"
        "Same: {$ref: '#/Limit'}\n",
    }  # fmt: skip
    _, tree = bundled(files)
    schemas = tree["components"]["schemas"]
    assert list(schemas) == ["Order", "List"]
    assert schemas["Order"]["properties"]["parent"] == {"$ref": "#/components/schemas/Order"}
    assert schemas["List"]["items"] == {"$ref": "#/components/schemas/Order"}
    assert tree["components"]["parameters"]["Limit"]["name"] == "limit"
    assert tree["components"]["parameters"]["Same"] == {"$ref": "#/components/parameters/Limit"}


def test_whole_maps_and_swagger_2_are_bundled():
    files = {
        "swagger.json": json.dumps({
            "swagger": "2.0", "info": {"title": "A", "version": "1"}, "paths": {"$ref": "./paths.json"},
        }),
        "paths.json": json.dumps({"/a": {"get": {"operationId": "getA", "responses": {"200": {
            "description": "x", "schema": {"$ref": "models/a.json"}}}}}}),
        "models/a.json": json.dumps({"type": "object", "properties": {"a": {"$ref": "a.json"}}}),
    }  # fmt: skip
    bundle, tree = bundled(files)
    assert bundle.format == "json"
    assert tree["definitions"]["a"]["properties"]["a"] == {"$ref": "#/definitions/a"}
    assert require_valid(parse_document(bundle.text)) is not None


def test_discriminators_follow():
    files = {
        "openapi.yaml": HEAD + "paths: {}\ncomponents:\n  schemas:\n    Pet:\n      oneOf: [{$ref: dog.yaml}]\n"
        "      discriminator: {propertyName: kind, mapping: {dog: dog.yaml, cat: Cat}}\n    Cat: {type: object}\n",
        "dog.yaml": "type: object\n",
    }  # fmt: skip
    _, tree = bundled(files)
    mapping = tree["components"]["schemas"]["Pet"]["discriminator"]["mapping"]
    assert mapping == {"dog": "#/components/schemas/dog", "cat": "Cat"}


def test_the_root_is_found_named_or_asked_for():
    other = HEAD + "paths: {}\n"
    assert bundled({"deep/a.yaml": other})[0].root == "deep/a.yaml"
    assert bundled({"openapi.yaml": other, "old/openapi.yaml": other})[0].root == "openapi.yaml"
    assert bundled({"api.yaml": other, "admin.yaml": other}, "admin.yaml")[0].root == "admin.yaml"
    ((code, text),) = refusal({"api.yaml": other, "admin.yaml": other})
    assert code == "archive-root"
    assert "admin.yaml, api.yaml" in text
    assert "no nothing.yaml" in refusal({"api.yaml": other}, "nothing.yaml")[0][1].replace('"', "")
    assert "No file" in refusal({"a.yaml": "b: 1", "c.txt": "openapi: 3.1.0"})[0][1]


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [
        ("missing.yaml", "reference-unresolved", '"missing.yaml"'),
        ("../outside.yaml", "reference-unresolved", '"../outside.yaml"'),
        ("/etc/passwd", "reference-unresolved", '"/etc/passwd"'),
        ("file:///etc/passwd", "reference-remote", "file:///etc/passwd"),
        ("https://example.com/a.yaml", "reference-remote", "https://example.com/a.yaml"),
        ("//example.com/a.yaml", "reference-remote", "//example.com/a.yaml"),
        ("other.yaml#/nothing", "reference-unresolved", "names nothing in other.yaml"),
        ("other.yaml#name", "reference-unresolved", "names nothing in other.yaml"),
        ("broken.yaml", "yaml-syntax", "broken.yaml: "),
        ("http://[", "reference-unresolved", "cannot be read"),
    ],
)
def test_a_reference_that_leads_nowhere_names_file_and_value(reference, code, said):
    files = {
        "openapi.yaml": HEAD + f"paths: {{}}\ncomponents:\n  schemas:\n    A: {{items: {{$ref: '{reference}'}}}}\n",
        "other.yaml": "a: 1", "broken.yaml": "a: [",
    }  # fmt: skip
    found = refusal(files)
    assert found[0][0] == code
    assert said in found[0][1]


def test_path_items_that_only_lead_to_each_other_are_refused():
    files = {
        "openapi.yaml": HEAD + "paths:\n  /a: {$ref: a.yaml}\n",
        "a.yaml": "$ref: b.yaml", "b.yaml": "$ref: a.yaml",
    }  # fmt: skip
    assert refusal(files)[0][0] == "reference-cycle"
