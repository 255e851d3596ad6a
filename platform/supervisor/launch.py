"""One start of the whole product, from the lock to the last process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from supervisor import postgres, valkey
from supervisor.children import start_child
from supervisor.errors import SupervisorError
from supervisor.home import Home, make_master_key
from supervisor.keeper import Interrupted, Keeper, Kept, answers
from supervisor.options import Options, inherited
from supervisor.orphans import stop_orphans
from supervisor.ports import LOOPBACK, kept_port, require_free
from supervisor.ready import announce, write_ready
from supervisor.stores import Stores, choose_stores
from supervisor.table import PROCESSES, STEPS, STOP_ORDER, Process, Step, fill

STEP_SECONDS = 300.0
TEND_SECONDS = 0.25


class Launch:
    """Everything one `./run` knows; `processes` and `steps` come from the table."""

    def __init__(
        self, options: Options, *, processes: Sequence[Process] = PROCESSES, steps: Sequence[Step] = STEPS
    ) -> None:
        self.options = options
        self.home = Home(options.home)
        self.processes = [one for one in processes if options.has_model or not one.needs_model]
        self.steps = steps
        self.began = time.monotonic()
        self.keeper = Keeper(self.home, self.say)
        self.words: dict[str, str] = {}
        self.env: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Show one line of progress with the seconds since the start."""
        # The terminal may be gone by now; the processes still have to be stopped in order.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"[{time.monotonic() - self.began:5.1f} s] {text}\n")
            sys.stderr.flush()

    def run(self) -> int:
        """Start, announce, keep running until asked to stop; return the exit code."""
        for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup asks to stay when the terminal goes.
            if wanted is not signal.SIGHUP or signal.getsignal(wanted) is not signal.SIG_IGN:
                signal.signal(wanted, self.keeper.ask_to_stop)
        self.home.prepare()
        handle = self.home.lock()
        try:
            self._start_all()
            self._announce()
            while not self.keeper.is_stopping:
                self.keeper.tend()
                time.sleep(TEND_SECONDS)
            self.say("stopping")
        except Interrupted:
            self.say("stopping before all was ready")
        finally:
            self.home.ready.unlink(missing_ok=True)
            killed = self.keeper.stop_all(STOP_ORDER)
            os.close(handle)
        self.say("stopped" + (f" (had to be killed: {', '.join(killed)})" if killed else ""))
        return 0

    def _start_all(self) -> None:
        options = self.options
        self.home.ready.unlink(missing_ok=True)
        stopped = stop_orphans(self.keeper.children_file)
        if stopped:
            self.say(f"stopped what an earlier run left behind: {', '.join(stopped)}")
        require_free(options.console_port, options.bind, "GATEHOUSE_CONSOLE_PORT")
        require_free(options.gateway_port, options.bind, "GATEHOUSE_GATEWAY_PORT")
        make_master_key(options.master_key_file)
        stores = choose_stores(options, self.home)
        self._set_words(stores)
        self.say(f"stores: {stores.sentence}")
        self._start_stores(stores)
        early = [one for one in self.processes if "setup" not in one.depends]
        late = [one for one in self.processes if "setup" in one.depends]
        for process in early:
            self.keeper.start(self._kept(process))
        self._run_steps(stores)
        self.say(f"starting {', '.join(process.name for process in late)}")
        for process in late:
            self.keeper.start(self._kept(process))
        self.keeper.wait_until_ready([process.name for process in self.processes])

    def _set_words(self, stores: Stores) -> None:
        options, ports = self.options, self.home.run / "ports.json"
        upstream, model = kept_port("upstream", ports), kept_port("model", ports)
        self.words = {
            "python": sys.executable,
            "home": str(options.home),
            "bind": options.bind,
            "probe_host": options.probe_host,
            "demo_bind": LOOPBACK,
            "demo_host": LOOPBACK,
            "console_port": str(options.console_port),
            "gateway_port": str(options.gateway_port),
            "upstream_port": str(upstream),
            "model_port": str(model),
        }
        self.env = {**child_env(options, stores.database_url, stores.redis_url)}
        self.env["GATEHOUSE_DEMO_UPSTREAM_URL"] = f"http://{LOOPBACK}:{upstream}"
        self.env.pop("GATEHOUSE_DEMO_MODEL_URL", None)
        if options.has_model:
            self.env["GATEHOUSE_DEMO_MODEL_URL"] = f"http://{LOOPBACK}:{model}"

    def _start_stores(self, stores: Stores) -> None:
        names = []
        if stores.valkey is not None:
            cache = stores.valkey
            cache.prepare()
            self.keeper.start(
                Kept("valkey", cache.start, lambda _: cache.is_ready(), valkey.STOP_SIGNAL, stop_seconds=2)
            )
            names.append("valkey")
        if stores.postgres is not None:
            database = stores.postgres
            if not database.data.exists():
                self.say("making the database")
            database.prepare()
            self.keeper.start(
                Kept(
                    "postgres",
                    partial(_restartable, database),
                    lambda process: database.is_ready(process.pid),
                    postgres.STOP_SIGNAL,
                    stop_seconds=3,
                )
            )
            names.append("postgres")
        self.keeper.wait_until_ready(names)

    def _kept(self, process: Process) -> Kept:
        probe_url, probe_file = fill(process.probe.url, self.words), fill(process.probe.file, self.words)

        def start(log: IO[bytes]) -> subprocess.Popen[bytes]:
            if probe_file:
                Path(probe_file).unlink(missing_ok=True)
            env = {**self.env, **{name: fill(text, self.words) for name, text in process.env.items()}}
            return start_child(self._argv(process.argv), env=env, log=log, cwd=self.options.root)

        def is_ready(_: subprocess.Popen[bytes]) -> bool:
            return answers(probe_url) if probe_url else Path(probe_file).exists()

        return Kept(process.name, start, is_ready, process.stop_signal, process.stop_seconds, process.ready_seconds)

    def _argv(self, argv: Sequence[str]) -> list[str]:
        return [fill(word, self.words) for word in argv]

    def _run_steps(self, stores: Stores) -> None:
        # The mark lies with the data: a new database is never taken for a migrated one.
        data = stores.postgres.data if stores.postgres else None
        for step in self.steps:
            mark = data / f"gatehouse.{step.name}" if data else None
            wanted = self._fingerprint(step)
            if mark is not None and mark.exists() and mark.read_text() == wanted and self.home.demo.exists():
                continue
            self.say(step.says)
            self._run_step(step)
            if mark is not None:
                mark.write_text(wanted)

    def _run_step(self, step: Step) -> None:
        start = partial(_start_step, self._argv(step.argv), self.env, self.options.root)
        self.keeper.run_step(step.name, start, STEP_SECONDS)

    def _fingerprint(self, step: Step) -> str:
        """Digest what a step's outcome depends on: the code it runs and the addresses it writes down."""
        found = hashlib.sha256("\0".join(step.argv).encode())
        pattern = "*/migrations/*.py" if step.name == "migrate" else "demo/**/*.py"
        root = self.options.root
        files = {*root.glob(pattern), *root.glob(f"*/{pattern}"), root / "requirements" / "base.txt"}
        for file in sorted(file for file in files if file.is_file() and ".venv" not in file.parts):
            found.update(str(file.relative_to(root)).encode() + file.read_bytes())
        if step.name == "seed_demo":
            addresses = ("GATEHOUSE_DEMO_UPSTREAM_URL", "GATEHOUSE_DEMO_MODEL_URL")
            found.update(repr([self.env.get(name) for name in addresses]).encode())
        return found.hexdigest()

    def _announce(self) -> None:
        content = write_ready(self.home, self.options)
        self.say("ready")
        with contextlib.suppress(OSError):
            sys.stdout.write(announce(content, self.home, self.options))
            sys.stdout.flush()


def child_env(
    options: Options, database_url: str, redis_url: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of every process of ours."""
    return {
        **inherited(environ),
        "PYTHONPATH": os.pathsep.join([str(options.root), str(options.root / "platform")]),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "GATEHOUSE_HOME": str(options.home),
        "GATEHOUSE_MASTER_KEY_FILE": str(options.master_key_file),
        "GATEHOUSE_BIND": options.bind,
        "GATEHOUSE_CONSOLE_PORT": str(options.console_port),
        "GATEHOUSE_GATEWAY_PORT": str(options.gateway_port),
        "GATEHOUSE_CONSOLE_URL": options.console_url,
        "GATEHOUSE_GATEWAY_URL": options.gateway_url,
        "GATEHOUSE_GATEWAY_WORKERS": str(options.gateway_workers),
        "GATEHOUSE_PRIVATE_NETWORKS": options.private_networks,
        "GATEHOUSE_DEMO": "1",
    }


def _start_step(argv: list[str], env: dict[str, str], cwd: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return start_child(argv, env=env, log=log, cwd=cwd)


def _restartable(database: postgres.Postgres, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start PostgreSQL, also after it was killed and left its pid file."""
    try:
        database.forget_dead_server()
    except SupervisorError as error:
        log.write(f"{error}\n".encode())
    return database.start(log)
