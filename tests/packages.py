"""What tests need from the npm registry, brought by a lock file once per lock."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from supervisor.assets import find_npm

BUILD = Path(__file__).parents[1] / ".build"


def bring(locked: Path) -> Path:
    """Install what the lock file in a folder names, below `.build`; return its node_modules.

    Of several processes that ask for the same one installs and the others wait.
    """
    folder = BUILD / locked.name
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{locked.name}.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        stamp = folder / "stamp"
        lock = (locked / "package-lock.json").read_text()
        if not stamp.exists() or stamp.read_text() != lock:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(locked / name, folder / name)
            npm = find_npm()
            command = [*npm.command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, env=npm.env(BUILD), check=True)
            stamp.write_text(lock)
    return folder / "node_modules"
