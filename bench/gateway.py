"""The gateway under measurement, as an operator starts it, and the bare floor beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.process import GATEWAY_CORE, free_port, listening, oneai, pinned

KEY = "bench"
STOP_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server under measurement."""

    port: int
    pid: int
    home: Path
    ready_s: float
    """From the command to its first accepted connection."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def endpoint(upstream: int, place: str = "") -> str:
    """Where the static server takes a chat."""
    return f"http://127.0.0.1:{upstream}{place}/v1/chat/completions"


def row(code: str, domain: str, upstream: int, place: str = "", **meta: Any) -> dict[str, Any]:
    """A model of the static server."""
    return {
        "model_code": code,
        "domain": domain,
        "role": "primary" if code[1] == "p" else "backup",
        "provider": "plain",
        "endpoint": endpoint(upstream, place),
        "timeout_ms": 60000,
        "max_tokens": 4096,
        "active": True,
        "fallback_model_code": None,
        "meta": {"name": "static", "served_model": "static", **meta},
    }


@contextmanager
def serving(
    folder: Path,
    models: Sequence[dict[str, Any]],
    settings: Mapping[str, str] = MappingProxyType({}),
    command: Sequence[str] = (),
) -> Iterator[Running]:
    """`oneai serve` in a home of its own, with these models, keys and everything else on; on SQLite unless told."""
    home, port = folder / f"home-{time.monotonic_ns()}", free_port()
    environ = os.environ | {
        "ONEAI_HOME": str(home),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "API_KEYS": KEY,
        "ADMIN_API_KEYS": "bench-admin",
        "ONEAI_LOG_LEVEL": "warning",
        **settings,
    }
    _import(models, folder, environ)
    with _running([*(command or [oneai()]), "serve"], port, home, environ) as running:
        yield running


@contextmanager
def floor(folder: Path, upstream: str, command: Sequence[str] = ()) -> Iterator[Running]:
    """Bare aiohttp with uvloop that passes a chat through to this address and does nothing else."""
    port = free_port()
    started = [*(command or [sys.executable, "-m", "bench.floor"]), str(port), upstream]
    with _running(started, port, folder / f"floor-{port}", dict(os.environ)) as running:
        yield running


def _import(models: Sequence[dict[str, Any]], folder: Path, environ: dict[str, str]) -> None:
    file = folder / "models.json"
    file.write_text(json.dumps({"models": list(models)}))
    subprocess.run([oneai(), "models", "import", str(file), "--json"], env=environ, check=True, capture_output=True)


@contextmanager
def _running(command: list[str], port: int, home: Path, environ: dict[str, str]) -> Iterator[Running]:
    said = home.parent / f"said-{port}.txt"
    with said.open("wb") as errors:
        process = subprocess.Popen(pinned(GATEWAY_CORE, *command), env=environ, stderr=errors)
    try:
        yield Running(port=port, pid=process.pid, home=home, ready_s=_ready_s(port, said))
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            print(f"it did not stop within {STOP_S} s", file=sys.stderr)
            process.kill()
            process.wait()


def _ready_s(port: int, said: Path) -> float:
    try:
        return listening(port)
    except SystemExit as exc:
        raise SystemExit(f"{exc}; its last words:\n{said.read_text()[-2000:]}") from exc
