"""`./run lock`: compiles every lock file anew, for all platforms, with hashes and without addresses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from supervisor.assets import find_npm
from supervisor.errors import SupervisorError

# The model's packages are locked without what they ask for: requirements/model.in says why.
LOCKS = {"base": (), "dev": (), "model": ("--no-deps",), "node": (), "uv": ()}
ADDRESS = re.compile(r"https?://")


def compile_locks(root: Path, upgrade: bool) -> None:
    """Write requirements/*.txt and package-lock.json; raise when one would hold a registry's address."""
    for name, flags in LOCKS.items():
        _say(f"requirements/{name}.txt")
        compile_one(root, name, (*flags, *(["--upgrade"] if upgrade else [])))
    _say("package-lock.json")
    lock_packages(root)


def compile_one(root: Path, name: str, flags: tuple[str, ...]) -> None:
    """Compile one requirements file."""
    target = Path("requirements") / f"{name}.txt"
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
        *("--python-version", "3.11", "--no-header", "--no-annotate", *flags),
        *(f"requirements/{name}.in", "-o", str(target)),
    ]
    env = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SupervisorError(f"{target} could not be compiled:\n{done.stderr.strip()}")
    if ADDRESS.search((root / target).read_text()):
        raise SupervisorError(f"{target} holds a registry's address.", "Remove the index from your configuration.")


def lock_packages(root: Path) -> None:
    """Write each package-lock.json from its package.json, without the addresses that npm may add."""
    for folder in (root, root / "tests" / "documents", root / "tests" / "identity"):
        if (folder / "package.json").exists():
            _lock_folder(folder, root / ".build")


def _lock_folder(folder: Path, build: Path) -> None:
    npm = find_npm()
    command = [*npm.command, "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, env=npm.env(build), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SupervisorError(f"{folder / 'package-lock.json'} could not be made:\n{done.stderr.strip()}")
    file = folder / "package-lock.json"
    lock = json.loads(file.read_text())
    for package in lock["packages"].values():
        package.pop("resolved", None)
        # Links to people's donation pages tell the installer nothing.
        package.pop("funding", None)
    file.write_text(json.dumps(lock, indent=2) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"== {text}\n")
    sys.stderr.flush()
