"""The commands behind `./run`; the script itself has made the virtual environment by then."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from supervisor.backup import back_up, restore
from supervisor.checks import run_bench, run_lint, run_tests, set_up_front_end
from supervisor.doctor import examine
from supervisor.errors import SupervisorError
from supervisor.home import make_master_key
from supervisor.launch import Launch
from supervisor.locks import compile_locks
from supervisor.options import ROOT, read_options


def main(arguments: Sequence[str]) -> int:
    """Run one command; a SupervisorError is told in its own words."""
    command, *rest = arguments or ["up"]
    try:
        if command == "test":
            return run_tests(ROOT, rest)
        if command == "bench":
            return run_bench(ROOT, rest)
        parsed = _parse(command, rest)
        if command == "lint":
            return run_lint(ROOT)
        if command == "lock":
            compile_locks(ROOT, upgrade=parsed.upgrade)
            return 0
        options = read_options(os.environ, has_model=not getattr(parsed, "no_model", False))
        if command == "doctor":
            return examine(options)
        if command == "master-key":
            make_master_key(options.master_key_file)
            return 0
        if command == "backup":
            sys.stdout.write(f"{back_up(options, parsed.file)}\nKeep the master key apart: {options.master_key_file}\n")
            return 0
        if command == "restore":
            restore(options, parsed.file)
            sys.stdout.write(f"{parsed.file} is restored; gateways load it anew when they next reach the database\n")
            return 0
        set_up_front_end(ROOT)
        return 0 if command == "setup" else Launch(options).run()
    except SupervisorError as error:
        sys.stderr.write(f"\n{error.problem}\n{error.remedy}\n" if error.remedy else f"\n{error.problem}\n")
        return 1


def _parse(command: str, rest: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"./run {command}")
    if command in ("up", "setup", "doctor"):
        parser.add_argument("--no-model", action="store_true", help="leave the demo model out")
    if command == "lock":
        parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    if command == "backup":
        parser.add_argument("file", nargs="?", type=Path, help="where to (default: backups/ of GATEHOUSE_HOME)")
    if command == "restore":
        parser.add_argument("file", type=Path, help="what ./run backup wrote")
    return parser.parse_args(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
