"""The gateways and proxies that are measured beside ours: how each is started, with what on and what off."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import installation
from bench.processes import GATEWAY_CORE, Process
from supervisor.ports import free_port

KEY = "fgw_0123456789abcdef"
CHAT = "/v1/chat/completions"


@dataclass
class Target:
    """What a load is sent to. `cases` are those it can serve: rest, chat, streams."""

    name: str
    port: int
    cases: tuple[str, ...]
    process: Process | None = None
    headers: dict[str, str] = field(default_factory=dict)
    path: str = CHAT
    rest_path: str = CHAT
    model: str = "bench"

    def path_of(self, case: str) -> str:
        """Return the path of a case."""
        return self.rest_path if case == "rest" else self.path


def start(name: str, home: Path, upstream: int) -> Target:
    """Start a peer; raise RuntimeError when it does not come up."""
    target = STARTERS[name](home / name, upstream)
    until = time.monotonic() + 90
    body = {"model": target.model, "messages": [{"role": "user", "content": "hi"}]}
    while True:
        try:
            url = f"http://127.0.0.1:{target.port}{target.path}"
            answer = httpx.post(url, json=body, headers=target.headers, timeout=5, trust_env=False)
            if answer.status_code == 200 and "choices" in answer.json():
                return target
        except (httpx.HTTPError, ValueError):
            pass
        assert target.process is not None
        if not target.process.is_running or time.monotonic() > until:
            target.process.stop()
            raise RuntimeError(f"{name} does not answer, see {target.process.log}")
        time.sleep(0.3)


def _nginx(home: Path, upstream: int) -> Target:
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    folders = " ".join(
        f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; pid {home}/pid; error_log {home}/errors error;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {folders}\n"
        f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}\n"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://up; proxy_http_version 1.1;\n"
        'proxy_set_header Connection ""; proxy_buffering off; } } }\n'
    )
    process = Process(["nginx", "-p", home, "-c", home / "nginx.conf"], core=GATEWAY_CORE, log=home / "log")
    return Target("nginx", port, ("rest", "chat", "streams"), process)


def _envoy(home: Path, upstream: int) -> Target:
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    extension = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{extension}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up", "timeout": "0s"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{extension}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    at = {"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}
    cluster = {"name": "up", "type": "STATIC", "load_assignment": {"cluster_name": "up", "endpoints": [at]}}
    config = {
        "static_resources": {
            "listeners": [{"address": _address(port), "filter_chains": [chain]}],
            "clusters": [cluster],
        }
    }
    (home / "envoy.json").write_text(json.dumps(config))
    binary = next(installation.environment("envoy").glob("lib/python*/site-packages/envoy/_bin/envoy"))
    argv = [binary, "-c", home / "envoy.json", "--concurrency", 1, "-l", "error", "--disable-hot-restart"]
    return Target("envoy", port, ("rest", "chat", "streams"), Process(argv, core=GATEWAY_CORE, log=home / "log"))


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _ferrogw(home: Path, upstream: int) -> Target:
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.yaml").write_text("strategy: {mode: single}\ntargets: [{virtual_key: openai}]\n")
    env = {
        "GATEWAY_CONFIG": str(home / "config.yaml"), "MASTER_KEY": KEY, "OPENAI_API_KEY": "x", "PORT": str(port),
        "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1", "LOG_LEVEL": "error", "GOMAXPROCS": "1",
        # Its limiter stays on, out of reach.
        "RATE_LIMIT_RPS": "1000000", "RATE_LIMIT_BURST": "1000000",
    }  # fmt: skip
    binary = installation.environment("ferrogw") / "bin/ferrogw"
    process = Process([binary, "serve"], core=GATEWAY_CORE, log=home / "log", env=env)
    headers = {"authorization": f"Bearer {_ferrogw_key(port)}"}
    return Target("ferrogw", port, ("chat", "streams"), process, headers, model="gpt-4o-mini")


def _ferrogw_key(port: int) -> str:
    for _ in range(100):
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/admin/keys", json={"name": "bench", "scopes": ["read_only"]},
                headers={"authorization": f"Bearer {KEY}"}, timeout=2, trust_env=False,
            )  # fmt: skip
            return str(answer.json()["key"])
        except (httpx.HTTPError, ValueError, KeyError):
            time.sleep(0.1)
    return ""


def _smg(home: Path, upstream: int) -> Target:
    port, metrics = free_port(), free_port()
    argv = [
        installation.environment("smg") / "bin/smg", "launch", "--backend", "openai",
        "--worker-urls", f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1", "--port", port,
        "--prometheus-host", "127.0.0.1", "--prometheus-port", metrics, "--log-level", "error", "--api-key", KEY,
        "--history-backend", "none",
    ]  # fmt: skip
    process = Process(argv, core=GATEWAY_CORE, log=home / "log")
    return Target("smg", port, ("chat", "streams"), process, {"authorization": f"Bearer {KEY}"}, model="gpt-4o-mini")


def _tensorzero(home: Path, upstream: int) -> Target:
    home.mkdir(parents=True, exist_ok=True)
    (home / "tensorzero.toml").write_text(
        '[gateway]\nobservability.enabled = false\n[models.bench]\nrouting = ["up"]\n[models.bench.providers.up]\n'
        f'type = "openai"\nmodel_name = "bench"\napi_base = "http://127.0.0.1:{upstream}/v1/"\n'
        'api_key_location = "none"\n'
    )
    # The wheel carries the gateway as a library: this starts it and tells where it listens.
    (home / "serve.py").write_text(
        "import sys, threading\nfrom openai import OpenAI\nfrom tensorzero import patch_openai_client\n"
        "client = patch_openai_client(OpenAI(api_key='x'), config_file=sys.argv[1], async_setup=False)\n"
        "open(sys.argv[2], 'w').write(str(client.base_url))\nthreading.Event().wait()\n"
    )
    told = home / "url"
    told.unlink(missing_ok=True)
    python = installation.environment("tensorzero") / "bin/python"
    argv = [python, home / "serve.py", home / "tensorzero.toml", told]
    process = Process(argv, core=GATEWAY_CORE, log=home / "log", env={"RUST_LOG": "error"})
    for _ in range(200):
        if told.exists() and told.read_text():
            break
        time.sleep(0.1)
    port = httpx.URL(told.read_text() if told.exists() else "http://127.0.0.1:1").port or 1
    model = "tensorzero::model_name::bench"
    return Target("tensorzero", port, ("chat", "streams"), process, path="/openai/v1/chat/completions", model=model)


def _portkey(home: Path, upstream: int) -> Target:
    port = free_port()
    script = installation.HOME / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
    env = {"NODE_ENV": "production"}
    process = Process(["node", script, f"--port={port}", "--headless"], core=GATEWAY_CORE, log=home / "log", env=env)
    headers = {
        "authorization": f"Bearer {KEY}", "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }  # fmt: skip
    return Target("portkey", port, ("chat", "streams"), process, headers, model="gpt-4o-mini")


def _litellm(home: Path, upstream: int) -> Target:
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    model = {"model": "openai/gpt-4o-mini", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "x"}
    config = {
        "model_list": [{"model_name": "gpt-4o-mini", "litellm_params": model}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"telemetry": False, "num_retries": 0, "request_timeout": 60, "callbacks": []},
    }
    quiet = {
        "version": 1, "disable_existing_loggers": False, "handlers": {"out": {"class": "logging.StreamHandler"}},
        "loggers": {"uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False}},
    }  # fmt: skip
    # JSON is YAML.
    (home / "config.yaml").write_text(json.dumps(config))
    (home / "log.json").write_text(json.dumps(quiet))
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION",
        "LITELLM_TELEMETRY": "False", "NO_DOCS": "True",
    }  # fmt: skip
    argv = [
        installation.environment("litellm") / "bin/litellm", "--config", home / "config.yaml", "--host", "127.0.0.1",
        "--port", port, "--num_workers", 1, "--log_config", home / "log.json",
    ]  # fmt: skip
    process = Process(argv, core=GATEWAY_CORE, log=home / "log", env=env)
    return Target(
        "litellm", port, ("chat", "streams"), process, {"authorization": f"Bearer {KEY}"}, model="gpt-4o-mini"
    )


STARTERS = {
    "nginx": _nginx, "envoy": _envoy, "ferrogw": _ferrogw, "tensorzero": _tensorzero, "smg": _smg,
    "portkey": _portkey, "litellm": _litellm,
}  # fmt: skip
