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


def row(code: str, domain: str, upstream: int) -> dict[str, Any]:
    """A model of the static server."""
    return {
        "model_code": code,
        "domain": domain,
        "role": "primary" if code[1] == "p" else "backup",
        "provider": "plain",
        "endpoint": f"http://127.0.0.1:{upstream}/v1/chat/completions",
        "timeout_ms": 60000,
        "max_tokens": 4096,
        "active": True,
        "fallback_model_code": None,
        "meta": {"name": "static", "served_model": "static"},
    }


@contextmanager
def serving(
    folder: Path, models: Sequence[dict[str, Any]], settings: Mapping[str, str] = MappingProxyType({})
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
    with _running([oneai(), "serve"], port, home, environ) as running:
        yield running


@contextmanager
def floor(folder: Path, upstream: int) -> Iterator[Running]:
    """Bare aiohttp with uvloop that passes a call through and does nothing else."""
    port = free_port()
    command = [sys.executable, "-m", "bench.floor", str(port), str(upstream)]
    with _running(command, port, folder, dict(os.environ)) as running:
        yield running


def _import(models: Sequence[dict[str, Any]], folder: Path, environ: dict[str, str]) -> None:
    file = folder / "models.json"
    file.write_text(json.dumps({"models": list(models)}))
    subprocess.run([oneai(), "models", "import", str(file), "--json"], env=environ, check=True, capture_output=True)


@contextmanager
def _running(command: list[str], port: int, home: Path, environ: dict[str, str]) -> Iterator[Running]:
    process = subprocess.Popen(pinned(GATEWAY_CORE, *command), env=environ, stderr=subprocess.DEVNULL)
    try:
        yield Running(port=port, pid=process.pid, home=home, ready_s=listening(port))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
