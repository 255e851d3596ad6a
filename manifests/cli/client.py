"""The REST API of manifests, as the command line asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from manifests.cli.errors import CommandError

# A plan of a thousand objects takes the server a while.
SECONDS = 300


class Client:
    """Asks one Gatehouse in the name of a personal access token."""

    def __init__(self, url: str, token: str) -> None:
        if not token:
            raise CommandError("GATEHOUSE_TOKEN is not set: make a token at /account/tokens of the console.")
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*"}
        self._http = httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=SECONDS)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def plan(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an apply would do."""
        return self._ask("POST", "manifests/plan", json=dict(body))

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply, and return what was done; a refused apply returns its plan with `is_applied` false."""
        return self._ask("POST", "manifests/apply", json=dict(body))

    def export(self, team: str, kinds: list[str]) -> dict[str, str]:
        """Return a team's manifests by file, or the platform's."""
        return dict(self._read(self._send("GET", "manifests", params=_query(team, kinds, "json")))["files"])

    def export_text(self, team: str, kinds: list[str]) -> str:
        """Return a team's manifests as one stream, or the platform's."""
        answer = self._send("GET", "manifests", params=_query(team, kinds, "yaml"))
        if not answer.is_success:
            self._read(answer)
        return answer.text

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the format."""
        return self._ask("GET", "manifests/schema")

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._read(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise CommandError(f"{self.url} does not answer: {error}. Is GATEHOUSE_URL right?") from error

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            body = answer.json()
        except ValueError as error:
            raise CommandError(f"{self.url} answered {answer.status_code} and no JSON: is it a Gatehouse?") from error
        if answer.is_success or (isinstance(body, dict) and "entries" in body):
            return dict(body)
        raise CommandError(_sentence(body, answer.status_code))


def _query(team: str, kinds: list[str], form: str) -> list[tuple[str, str]]:
    return [*([("team", team)] if team else []), *(("kind", kind) for kind in kinds), ("format", form)]


def _sentence(problem: Any, status: int) -> str:
    if not isinstance(problem, dict) or "detail" not in problem:
        return f"The server answered {status}."
    lines = [place(item) for item in problem.get("errors", ())] or [str(problem["detail"])]
    if status == 401:
        lines.append("Check GATEHOUSE_TOKEN.")
    return "\n".join([*lines, f"(request {problem.get('request_id', '?')})"])


def place(problem: Mapping[str, Any]) -> str:
    """Return a problem's sentence after its file and line, as compilers write it."""
    line = f":{problem['line']}" if problem.get("line") else ""
    where = f"{problem['file']}{line}: " if problem.get("file") else ""
    pointer = f" ({problem['pointer']})" if problem.get("pointer") else ""
    return f"{where}{problem['detail']}{pointer}"
