"""`./run test` and `./run lint`: the same commands here and in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from supervisor.assets import Assets, collect_is_stale, mark_collected
from supervisor.binaries import find_postgres, find_valkey
from supervisor.errors import SupervisorError
from supervisor.home import make_master_key

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# One runs the tests that start processes, one the others (tests/conftest.py); more would starve the former.
PROCESSES = 2
BROWSER_LINE = "apt-get install -y chromium"


def set_up_front_end(root: Path) -> None:
    """Bring and build the front-end files and collect what the console serves, each only when it changed."""
    Assets(root).bring()
    fingerprint = collect_is_stale(root)
    if fingerprint is None:
        return
    _say("collecting the static files")
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "-v", "0"]
    if _run(command, root, check_env(root)) != 0:
        raise SupervisorError("The static files could not be collected (see above).")
    mark_collected(root, fingerprint)


def find_browser(environ: Mapping[str, str]) -> str | None:
    """Return a Chromium that runs for the browser tests: $CHROMIUM, else one on the machine."""
    path = os.pathsep.join([environ.get("PATH", os.defpath), "/usr/bin", "/usr/local/bin"])
    names = [environ["CHROMIUM"]] if environ.get("CHROMIUM") else BROWSERS
    found = (shutil.which(name, path=path) for name in names)
    return next((browser for browser in found if browser and _runs(browser, environ)), None)


def _runs(browser: str, environ: Mapping[str, str]) -> bool:
    """Distributions start it by a script of their own, which may miss a program on a bare PATH."""
    try:
        done = subprocess.run([browser, "--version"], env=dict(environ), capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def run_tests(root: Path, arguments: Sequence[str]) -> int:
    """Run pytest on the wheels' stores; with --slow everything, and once more on the machine's own servers."""
    set_up_front_end(root)
    env = check_env(root)
    is_slow = "--slow" in arguments
    rest = [argument for argument in arguments if argument != "--slow"]
    expressions = [] if is_slow else ["not slow"]
    browser = find_browser(os.environ)
    if browser is None:
        problem = "There is no Chromium here, and the browser tests need one."
        if os.environ.get("CI") == "true":
            raise SupervisorError(problem, f"Install it: {BROWSER_LINE}")
        _say(f"{problem} They are left out; to run them: {BROWSER_LINE}")
        expressions.append("not browser")
    else:
        env["CHROMIUM"] = browser
    marks = ["-m", " and ".join(expressions)] if expressions and "-m" not in rest else []
    command = [sys.executable, "-m", "pytest", "-n", str(PROCESSES), "--dist", "loadscope", *marks, *rest]
    code = _run(command, root, {**env, "GATEHOUSE_STORES": os.environ.get("GATEHOUSE_STORES", "wheel")})
    if code == 0 and is_slow:
        code = _run_on_system_servers(command, root, env)
    return code


def _run_on_system_servers(command: list[str], root: Path, env: dict[str, str]) -> int:
    try:
        found = f"PostgreSQL {find_postgres('system').version_text}, Valkey/Redis {find_valkey('system').version_text}"
    except SupervisorError as error:
        _say(f"The tests are not repeated on the machine's own servers: {error.problem}")
        return 0
    _say(f"Once more on the machine's own servers: {found}")
    return _run(command, root, {**env, "GATEHOUSE_STORES": "system"})


def run_lint(root: Path) -> int:
    """Run every static check and tell which failed; all run, so that one round shows all there is to mend."""
    env = check_env(root)
    python = sys.executable
    # makemigrations would like to ask a database for its history, and warns that there is none here.
    quiet = ("-W", "ignore::RuntimeWarning")
    commands = {
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "ruff check": [python, "-m", "ruff", "check", "."],
        "mypy": [python, "-m", "mypy", *mypy_targets(root)],
        "import contracts": [python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        "manage.py check": [python, "manage.py", "check"],
        "makemigrations --check": [python, *quiet, "manage.py", "makemigrations", "--check", "--dry-run"],
    }
    failed = []
    for name, command in commands.items():
        _say(name)
        if _run(command, root, env) != 0:
            failed.append(name)
    _say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def run_bench(root: Path, arguments: Sequence[str]) -> int:
    """Measure the gateway beside others."""
    return _run([sys.executable, "-m", "bench", *arguments], root, check_env(root))


def mypy_targets(root: Path) -> list[str]:
    """Return the folders with our typed code."""
    listed = [*sorted(folder for folder in (root / "platform").iterdir()), *sorted(root.iterdir())]
    return [str(folder.relative_to(root)) for folder in listed if folder.is_dir() and (folder / "__init__.py").exists()]


def check_env(root: Path) -> dict[str, str]:
    """Return an environment in which settings load without stores: addresses that nothing connects to."""
    home = root / ".build" / "check"
    master_key = home / "secrets" / "master.key"
    make_master_key(master_key)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GATEHOUSE_")}
    return {
        **kept,
        "HOME": os.environ.get("HOME") or os.path.expanduser("~"),
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "platform")]),
        "DATABASE_URL": "postgresql://gatehouse:unused@127.0.0.1:1/gatehouse",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "GATEHOUSE_HOME": str(home),
        "GATEHOUSE_MASTER_KEY_FILE": str(master_key),
    }


def _run(command: Sequence[str], root: Path, env: Mapping[str, str]) -> int:
    return subprocess.run(list(command), cwd=root, env=dict(env), check=False).returncode


def _say(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
