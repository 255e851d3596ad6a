"""One node: `python -m gateway.node`; all settings come from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from gateway.dataplane.settings import SettingError
from gateway.node.node import Node
from gateway.node.settings import NodeSettings

EXIT_SETTINGS = 2


async def _run(settings: NodeSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = Node(settings)
    rolls: set[asyncio.Task[None]] = set()

    def roll() -> None:
        # One at a time: a second signal while workers are being replaced has nothing to add.
        if not rolls:
            task = loop.create_task(node.roll(), name="rolling restart")
            rolls.add(task)
            task.add_done_callback(rolls.discard)

    loop.add_signal_handler(signal.SIGHUP, roll)
    await node.run(stop)


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    logging.basicConfig(
        level=os.environ.get("GATEHOUSE_LOG_LEVEL", "WARNING"),
        stream=sys.stderr,
        format="%(asctime)s level=%(levelname)s logger=%(name)s %(message)s",
    )
    try:
        settings = NodeSettings.from_env()
        asyncio.run(_run(settings))
    except SettingError as error:
        sys.stderr.write(f"gateway node: {error}\n")
        return EXIT_SETTINGS
    except OSError as error:
        sys.stderr.write(f"gateway node: cannot listen: {error.strerror}. Choose another GATEHOUSE_GATEWAY_PORT.\n")
        return EXIT_SETTINGS
    return 0


if __name__ == "__main__":
    sys.exit(main())
