"""The subcommands, their arguments and exit codes: 0 done or nothing to do, 1 error or refused, 2 changes pending."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from manifests.cli.client import Client
from manifests.cli.errors import CommandError
from manifests.cli.files import collect, variables, write_folder
from manifests.cli.show import plan_text

DONE, ERROR, PENDING = 0, 1, 2
DEFAULT_URL = "http://127.0.0.1:8000"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave with 1: argparse's own 2 means pending changes here."""
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"{self.prog}: {message}\n")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with Client(os.environ.get("GATEHOUSE_URL") or DEFAULT_URL, os.environ.get("GATEHOUSE_TOKEN", "")) as client:
            code: int = options.run(client, options)
            return code
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return ERROR


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gatehouse", description="Objects of Gatehouse as manifests: written out, planned and applied.",
        epilog="GATEHOUSE_URL names the console, GATEHOUSE_TOKEN a personal access token (/account/tokens). "
        "Exit codes: 0 done or nothing to do, 1 error or refused, 2 changes pending (plan, apply --dry-run).",
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=_Parser)
    for name, what, more, function in (
        (
            "apply", "bring the objects to their manifests",
            "All of them or, when one is refused, none; what is as its manifest says is not touched.", _apply,
        ),
        ("plan", "say what apply would do", "Nothing is changed. The same as apply --dry-run.", _plan),
        (
            "validate", "say whether the manifests are right in form",
            "Names each wrong value by file, line and pointer; whether it may be done says plan.", _validate,
        ),
    ):  # fmt: skip
        command = commands.add_parser(name, help=what, description=f"{what.capitalize()}. {more}")
        command.set_defaults(run=function)
        command.add_argument(
            "-f", "--file", dest="paths", action="append", required=True, metavar="PATH",
            help="a file, a folder with all beneath it, or - for standard input; may be given several times",
        )  # fmt: skip
        if name == "validate":
            continue
        command.add_argument(
            "--source", default="", metavar="NAME",
            help="where the manifests are kept, such as payments-repo: marks what it applies",
        )  # fmt: skip
        command.add_argument("--prune", action="store_true", help="remove what the source applied and names no more")
        command.add_argument("--take-over", action="store_true", help="take over what another source manages")
        command.add_argument(
            "--output", choices=("text", "json"), default="text",
            help="text for people (the default), or JSON as REST answers it",
        )  # fmt: skip
        if name == "apply":
            command.add_argument("--dry-run", action="store_true", help="say what would be done, as plan")
            command.add_argument(
                "--plan", default="", metavar="HASH", help="do exactly this plan: refuse when anything moved since"
            )
            command.add_argument("--keep-going", action="store_true", help="do what can be done when some are refused")
    export = commands.add_parser(
        "export", help="write objects as manifests",
        description="Write objects as manifests: the same objects give the same bytes. Secrets are never in them.",
    )  # fmt: skip
    export.set_defaults(run=_export)
    export.add_argument(
        "--team", action="append", default=[], metavar="SLUG", help="a team; may be given several times"
    )
    export.add_argument(
        "--platform", action="store_true", help="what belongs to no team: providers, models, environments"
    )
    export.add_argument("--kind", action="append", default=[], help="only this kind; may be given several times")
    export.add_argument("-o", "--folder", help="write files beneath it; without one all is printed")
    schema = commands.add_parser(
        "schema", help="print the JSON Schema of the format",
        description="Print the JSON Schema of one manifest, for editors.",
    )  # fmt: skip
    schema.set_defaults(run=_schema)
    return parser


def _body(options: argparse.Namespace, *, needs_secrets: bool) -> dict[str, Any]:
    files = collect(options.paths)
    secrets, missing = variables(files, os.environ)
    if missing:
        names = ", ".join(missing)
        if needs_secrets:
            raise CommandError(f"Not set in the environment: {names}. Manifests read them by from_env.")
        sys.stderr.write(f"Not set in the environment, taken as kept: {names}\n")
    return {"files": files, "secrets": secrets}


def _how(options: argparse.Namespace) -> dict[str, Any]:
    return {"source": options.source, "prune": options.prune, "take_over": options.take_over}


def _apply(client: Client, options: argparse.Namespace) -> int:
    if options.dry_run:
        return _plan(client, options)
    body = {**_body(options, needs_secrets=True), **_how(options), "plan": options.plan}
    done = client.apply({**body, "keep_going": options.keep_going})
    _print(done, options.output)
    if not done["is_applied"]:
        sys.stderr.write("Nothing was done: mend what is refused, or do the rest with --keep-going.\n")
    return ERROR if done["summary"]["refused"] else DONE


def _plan(client: Client, options: argparse.Namespace) -> int:
    plan = client.plan({**_body(options, needs_secrets=False), **_how(options)})
    _print(plan, options.output)
    if plan["summary"]["refused"]:
        return ERROR
    pending = sum(plan["summary"][name] for name in ("create", "change", "move", "remove"))
    if pending and options.output == "text":
        sys.stdout.write(f"Exactly this: {_command(options)} --plan {plan['hash']}\n")
    return PENDING if pending else DONE


def _command(options: argparse.Namespace) -> str:
    """Return the command that applies what was planned."""
    words = ["gatehouse", "apply"]
    for path in options.paths:
        words += ["-f", path]
    words += ["--source", options.source] if options.source else []
    words += ["--prune"] if options.prune else []
    words += ["--take-over"] if options.take_over else []
    return shlex.join(words)


def _validate(client: Client, options: argparse.Namespace) -> int:
    plan = client.plan(_body(options, needs_secrets=False))
    count = len(plan["entries"])
    sys.stdout.write(f"{count} manifest{'' if count == 1 else 's'}, right in form.\n")
    return DONE


def _export(client: Client, options: argparse.Namespace) -> int:
    if not options.team and not options.platform:
        raise CommandError("Name a team with --team, or --platform for what is the platform's.")
    places = [*options.team, *([""] if options.platform else [])]
    if not options.folder:
        sys.stdout.write("---\n".join(client.export_text(team, options.kind) for team in places))
        return DONE
    files = {name: text for team in places for name, text in client.export(team, options.kind).items()}
    changed = write_folder(Path(options.folder), files)
    sys.stdout.write(f"{len(files)} files in {options.folder}, {changed} of them written.\n")
    return DONE


def _schema(client: Client, options: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(client.schema(), indent=2) + "\n")
    return DONE


def _print(plan: dict[str, Any], output: str) -> None:
    if output == "json":
        sys.stdout.write(json.dumps(plan, indent=2) + "\n")
        return
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.write(plan_text(plan, is_coloured=is_coloured) + "\n")
