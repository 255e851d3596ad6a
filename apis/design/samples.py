"""A call written out for curl, Python, JavaScript, Go and Java.

Where $GATEHOUSE_KEY stands in a URL or header, each sample reads that environment variable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from apis.design.json_types import Json

KEY_VARIABLE = "GATEHOUSE_KEY"
_PLACEHOLDER = f"${KEY_VARIABLE}"
_HTTPX_METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One call in one language; language names its highlighting, label is shown."""

    language: str
    label: str
    code: str


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: Json

    @property
    def text(self) -> str:
        """Return the body as it goes over the wire, "" without one."""
        if self.body is None:
            return ""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, indent=2, ensure_ascii=False)


def code_samples(method: str, url: str, headers: Mapping[str, str] | None = None, body: Json = None) -> list[Sample]:
    """Write the call out; a text body is sent as it is, any other value as JSON, None sends none."""
    safe_url = quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    named = {name: _one_line(value) for name, value in (headers or {}).items()}
    call = _Call(method.upper(), safe_url, tuple(named.items()), _readable(body))
    if body is not None and not isinstance(body, str) and "content-type" not in {name.lower() for name in named}:
        call = _Call(call.method, safe_url, (*call.headers, ("Content-Type", "application/json")), call.body)
    return [
        Sample("bash", "curl", _curl(call)),
        Sample("python", "Python", _python(call)),
        Sample("javascript", "JavaScript", _javascript(call)),
        Sample("go", "Go", _go(call)),
        Sample("java", "Java", _java(call)),
    ]


def _one_line(value: str) -> str:
    """A line break in a header would be a second header."""
    return value.replace("\r", " ").replace("\n", " ")


def _readable(body: Json) -> Json:
    """Replace half surrogates: no language can write them down."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        cleaned: Json = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
        return cleaned
    return body


def _quoted(text: str) -> str:
    """Write a string literal that JavaScript, Go and Python read alike."""
    return json.dumps(text, ensure_ascii=False).replace("\ufeff", "\\ufeff").replace("\u2028", "\\u2028")


def _joined(text: str, variable: str, literal: Callable[[str], str], plus: str = " + ") -> str:
    """Put literals and the key's variable together where the placeholder stands."""
    parts: list[str] = []
    for index, part in enumerate(text.split(_PLACEHOLDER)):
        if index:
            parts.append(variable)
        if part:
            parts.append(literal(part))
    return plus.join(parts) or literal("")


def _shell(text: str) -> str:
    """Quote for sh: nothing is expanded but the key."""
    if _PLACEHOLDER in text and not any(sign in text.replace(_PLACEHOLDER, "") for sign in '"\\$`!'):
        return f'"{text}"'
    return _joined(text, f'"{_PLACEHOLDER}"', lambda part: "'" + part.replace("'", "'\\''") + "'", plus="")


def _curl(call: _Call) -> str:
    options = [_shell(call.url)]
    if call.method == "HEAD":
        options.insert(0, "--head")
    elif call.method != "GET" or call.body is not None:
        options.insert(0, f"-X {call.method}")
    if any(sign in call.url for sign in "[]{}"):
        options.insert(0, "--globoff")
    lines = ["curl " + " ".join(options)]
    lines += [f"  -H {_shell(f'{name}: {value}')}" for name, value in call.headers]
    if call.body is not None:
        lines.append("  --data-raw " + "'" + call.text.replace("'", "'\\''") + "'")
    return " \\\n".join(lines)


def _python(call: _Call) -> str:
    variable = f'os.environ["{KEY_VARIABLE}"]'
    url = _joined(call.url, variable, _quoted)
    is_known = call.method.lower() in _HTTPX_METHODS and not (call.body is not None and call.method in _BODILESS)
    opening = f"httpx.{call.method.lower()}(" if is_known else f'httpx.request(\n    "{call.method}",'
    lines = [f"response = {opening}", f"    {url},"]
    if call.headers:
        lines.append("    headers={")
        lines += [f"        {_quoted(name)}: {_joined(value, variable, _quoted)}," for name, value in call.headers]
        lines.append("    },")
    if isinstance(call.body, str):
        lines.append(f"    content={_quoted(call.body)}.encode(),")
    elif call.body is not None:
        lines.append(f"    json={_python_literal(call.body, 4)},")
    lines += [")", "print(response.status_code, response.text)"]
    imports = ["import os\n"] if variable in "\n".join(lines) else []
    return "\n".join([*imports, "import httpx\n", *lines])


_BODILESS = {"GET", "HEAD", "DELETE", "OPTIONS"}


def _python_literal(value: Json, indent: int) -> str:
    pad, end = " " * (indent + 4), " " * indent
    if isinstance(value, dict) and value:
        inner = "".join(f"{pad}{_quoted(key)}: {_python_literal(one, indent + 4)},\n" for key, one in value.items())
        return "{\n" + inner + end + "}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"{pad}{_python_literal(one, indent + 4)},\n" for one in value) + end + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _javascript(call: _Call) -> str:
    variable = f"process.env.{KEY_VARIABLE}"
    lines = [f"const response = await fetch({_joined(call.url, variable, _quoted)}, {{", f'  method: "{call.method}",']
    if call.headers:
        lines.append("  headers: {")
        lines += [f"    {_quoted(name)}: {_joined(value, variable, _quoted)}," for name, value in call.headers]
        lines.append("  },")
    if isinstance(call.body, str):
        lines.append(f"  body: {_quoted(call.body)},")
    elif call.body is not None:
        literal = call.text.replace("\ufeff", "\\ufeff").replace("\u2028", "\\u2028").replace("\n", "\n  ")
        lines.append(f"  body: JSON.stringify({literal}),")
    lines += ["});", "console.log(response.status, await response.text());"]
    return "\n".join(lines)


def _go(call: _Call) -> str:
    variable = f'os.Getenv("{KEY_VARIABLE}")'
    body = "nil" if call.body is None else f"strings.NewReader({_go_text(call.text)})"
    url = _joined(call.url, variable, _quoted)
    lines = [f'\treq, err := http.NewRequest("{call.method}", {url}, {body})', *_GO_CHECK]
    lines += [f"\treq.Header.Set({_quoted(name)}, {_joined(value, variable, _quoted)})" for name, value in call.headers]
    lines += ["\tresp, err := http.DefaultClient.Do(req)", *_GO_CHECK, "\tdefer resp.Body.Close()"]
    lines += ["\tanswer, err := io.ReadAll(resp.Body)", *_GO_CHECK, "\tfmt.Println(resp.StatusCode, string(answer))"]
    packages = ["fmt", "io", "net/http"]
    packages += ["os"] if variable in "\n".join(lines) else []
    packages += ["strings"] if call.body is not None else []
    imports = "\n".join(f'\t"{package}"' for package in packages)
    return f"package main\n\nimport (\n{imports}\n)\n\nfunc main() {{\n" + "\n".join(lines) + "\n}"


_GO_CHECK = ("\tif err != nil {", "\t\tpanic(err)", "\t}")


def _go_text(text: str) -> str:
    is_raw = not any(sign in text for sign in "`\r\ufeff\x00") and "\n" in text
    return f"`{text}`" if is_raw else _quoted(text)


def _java(call: _Call) -> str:
    variable = f'System.getenv("{KEY_VARIABLE}")'

    def literal(text: str) -> str:
        # ASCII only: then the source's encoding does not matter, and a pair of escapes is one character.
        return json.dumps(text)

    body = "noBody()" if call.body is None else f"ofString({literal(call.text)})"
    lines = [
        "import java.net.URI;",
        "import java.net.http.HttpClient;",
        "import java.net.http.HttpRequest;",
        "import java.net.http.HttpResponse;\n",
        "public class Call {",
        "    public static void main(String[] args) throws Exception {",
        "        HttpRequest request = HttpRequest.newBuilder()",
        f"            .uri(URI.create({_joined(call.url, variable, literal)}))",
    ]
    lines += [
        f"            .header({literal(name)}, {_joined(value, variable, literal)})" for name, value in call.headers
    ]
    lines += [
        f'            .method("{call.method}", HttpRequest.BodyPublishers.{body})',
        "            .build();",
        "        HttpResponse<String> response =",
        "            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());",
        '        System.out.println(response.statusCode() + " " + response.body());',
        "    }",
        "}",
    ]
    return "\n".join(lines)
