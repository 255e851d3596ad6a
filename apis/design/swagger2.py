"""Swagger 2.0 documents to OpenAPI 3.1."""

from __future__ import annotations

import re

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.openapi30 import METHODS
from apis.design.pointers import join_pointer, split_reference
from apis.design.schema_upgrade import upgrade_schema
from apis.design.swagger2_parameters import body_of, form_body_of, is_form, parameter_of, schema_of

_PLACES = {
    "definitions": "schemas",
    "parameters": "parameters",
    "responses": "responses",
    "securityDefinitions": "securitySchemes",
}
_FLOWS = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}
_OPERATION_FIELDS = ("tags", "summary", "description", "externalDocs", "operationId", "deprecated", "security")
_BAD_NAME = re.compile(r"[^a-zA-Z0-9._-]")


def convert_document(source: JsonObject) -> JsonObject:
    """Return the 3.1 form of a 2.0 document; what has the wrong shape is left out."""
    return _Conversion(source).convert()


class _Conversion:
    """One document on its way; holds the names that had to change."""

    def __init__(self, source: JsonObject) -> None:
        self.source = source
        self.names = {place: _safe_names(as_object(source.get(place))) for place in _PLACES}
        self.parameters = as_object(source.get("parameters"))

    def convert(self) -> JsonObject:
        source = self.source
        made: JsonObject = {"openapi": "3.1.0", "info": source.get("info")}
        servers = _servers(source)
        if servers:
            made["servers"] = servers
        paths = as_object(source.get("paths"))
        made["paths"] = {
            path: item if path.startswith("x-") else self._path_item(as_object(item)) for path, item in paths.items()
        }
        components = self._components()
        if components:
            made["components"] = components
        kept = ("security", "tags", "externalDocs")
        return made | {key: value for key, value in source.items() if key in kept or key.startswith("x-")}

    def rename(self, reference: str) -> str:
        """Return where a 2.0 reference stands in the new document."""
        if not reference.startswith("#/"):
            return reference
        place, *rest = split_reference(reference)
        if place not in _PLACES or not rest:
            return reference
        name = self.names[place].get(rest[0], rest[0])
        section = _PLACES[place]
        if place == "parameters" and as_object(self.parameters.get(rest[0])).get("in") == "body":
            section = "requestBodies"
        return "#" + join_pointer(["components", section, name, *rest[1:]])

    def _components(self) -> JsonObject:
        source, names = self.source, self.names
        schemas: JsonObject = {
            names["definitions"][name]: upgrade_schema(schema, self.rename)
            for name, schema in as_object(source.get("definitions")).items()
        }
        parameters: JsonObject = {}
        bodies: JsonObject = {}
        consumes = as_list(source.get("consumes"))
        for name, parameter in self.parameters.items():
            made = as_object(parameter)
            if made.get("in") == "body":
                bodies[names["parameters"][name]] = body_of(made, consumes, self.rename)
            elif not is_form(made):
                parameters[names["parameters"][name]] = parameter_of(made, self.rename)
        responses: JsonObject = {
            names["responses"][name]: self._response(as_object(response), as_list(source.get("produces")))
            for name, response in as_object(source.get("responses")).items()
        }
        schemes: JsonObject = {
            names["securityDefinitions"][name]: _security_scheme(as_object(scheme))
            for name, scheme in as_object(source.get("securityDefinitions")).items()
        }
        sections: JsonObject = {
            "schemas": schemas,
            "parameters": parameters,
            "requestBodies": bodies,
            "responses": responses,
            "securitySchemes": schemes,
        }
        return {key: section for key, section in sections.items() if section}

    def _path_item(self, item: JsonObject) -> JsonObject:
        made: JsonObject = {key: value for key, value in item.items() if key.startswith("x-") or key == "$ref"}
        shared = [as_object(parameter) for parameter in as_list(item.get("parameters"))]
        plain = [self._parameter(parameter) for parameter in shared if not self._is_body(parameter)]
        if plain:
            made["parameters"] = plain
        for method in METHODS:
            if isinstance(item.get(method), dict):
                made[method] = self._operation(as_object(item[method]), [p for p in shared if self._is_body(p)])
        return made

    def _operation(self, operation: JsonObject, shared_body: list[JsonObject]) -> JsonObject:
        made: JsonObject = {
            key: value for key, value in operation.items() if key in _OPERATION_FIELDS or key.startswith("x-")
        }
        own = [as_object(parameter) for parameter in as_list(operation.get("parameters"))]
        plain = [self._parameter(parameter) for parameter in own if not self._is_body(parameter)]
        if plain:
            made["parameters"] = plain
        own_body = [parameter for parameter in own if self._is_body(parameter)]
        consumes = as_list(operation.get("consumes", self.source.get("consumes")))
        body = self._request_body(own_body or shared_body, consumes)
        if body:
            made["requestBody"] = body
        produces = as_list(operation.get("produces", self.source.get("produces")))
        made["responses"] = {
            status: response if status.startswith("x-") else self._response(as_object(response), produces)
            for status, response in as_object(operation.get("responses")).items()
        }
        return made

    def _target(self, parameter: JsonObject) -> JsonObject:
        reference = parameter.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/parameters/"):
            return as_object(self.parameters.get(split_reference(reference)[1]))
        return parameter

    def _is_body(self, parameter: JsonObject) -> bool:
        target = self._target(parameter)
        return target.get("in") == "body" or is_form(target)

    def _parameter(self, parameter: JsonObject) -> Json:
        if isinstance(parameter.get("$ref"), str):
            return {"$ref": self.rename(as_text(parameter["$ref"]))}
        return parameter_of(parameter, self.rename)

    def _request_body(self, parameters: list[JsonObject], consumes: list[Json]) -> JsonObject | None:
        form = [self._target(parameter) for parameter in parameters if is_form(self._target(parameter))]
        if form:
            return form_body_of(form, consumes, self.rename)
        for parameter in parameters:
            own_types = consumes != as_list(self.source.get("consumes"))
            if "$ref" in parameter and not own_types:
                return {"$ref": self.rename(as_text(parameter["$ref"]))}
            return body_of(self._target(parameter), consumes, self.rename)
        return None

    def _response(self, response: JsonObject, produces: list[Json]) -> JsonObject:
        if isinstance(response.get("$ref"), str):
            return {"$ref": self.rename(as_text(response["$ref"]))}
        made: JsonObject = {key: value for key, value in response.items() if key.startswith("x-")}
        made["description"] = response.get("description", "")
        headers: JsonObject = {}
        for name, header in as_object(response.get("headers")).items():
            headers[name] = {"schema": schema_of(as_object(header), self.rename)}
            if "description" in as_object(header):
                as_object(headers[name])["description"] = as_object(header)["description"]
        if headers:
            made["headers"] = headers
        content = self._content(response, [as_text(kind) for kind in produces if isinstance(kind, str)])
        if content:
            made["content"] = content
        return made

    def _content(self, response: JsonObject, produces: list[str]) -> JsonObject:
        examples = as_object(response.get("examples"))
        schema = response.get("schema")
        is_file = as_object(schema).get("type") == "file"
        default = ["application/octet-stream"] if is_file else ["application/json"]
        content: JsonObject = {}
        if schema is not None:
            upgraded = upgrade_schema(schema, self.rename)
            content = {kind: {"schema": upgraded} for kind in produces or default}
        for kind, example in examples.items():
            content[kind] = {**as_object(content.get(kind)), "example": example}
        return content


def _safe_names(section: JsonObject) -> dict[str, str]:
    """Give each component a name 3.1 allows, numbered where two would become one."""
    names: dict[str, str] = {name: name for name in section if name and not _BAD_NAME.search(name)}
    taken = set(names.values())
    for name in section:
        if name in names:
            continue
        wanted = _BAD_NAME.sub("_", name) or "_"
        chosen, number = wanted, 2
        while chosen in taken:
            chosen, number = f"{wanted}_{number}", number + 1
        names[name] = chosen
        taken.add(chosen)
    return names


def _servers(source: JsonObject) -> list[Json]:
    host = as_text(source.get("host"))
    base_path = as_text(source.get("basePath"))
    if not host:
        return [{"url": base_path}] if base_path.strip("/") else []
    schemes = [as_text(scheme) for scheme in as_list(source.get("schemes")) if isinstance(scheme, str)]
    return [{"url": f"{scheme}://{host}{base_path.rstrip('/')}"} for scheme in schemes or ["https"]]


def _security_scheme(scheme: JsonObject) -> JsonObject:
    kept: JsonObject = {key: value for key, value in scheme.items() if key == "description" or key.startswith("x-")}
    kind = scheme.get("type")
    if kind == "basic":
        return {"type": "http", "scheme": "basic", **kept}
    if kind == "apiKey":
        return {"type": "apiKey", "name": scheme.get("name"), "in": scheme.get("in"), **kept}
    if kind == "oauth2":
        flow: JsonObject = {"scopes": as_object(scheme.get("scopes"))}
        flow |= {key: scheme[key] for key in ("authorizationUrl", "tokenUrl") if key in scheme}
        return {"type": "oauth2", "flows": {_FLOWS.get(as_text(scheme.get("flow")), "implicit"): flow}, **kept}
    return {"type": kind, **kept}
