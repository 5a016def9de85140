"""Load: wrk as fast as it goes, and calls at a fixed rate that do not wait for each other."""

import asyncio
import json
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.gateway import KEY, Running
from bench.process import LOAD_CORE, cpu_s, pinned

CALL = {
    "task": "llm",
    "model": "lp1",
    "input": {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant that answers shortly and to the point."},
            {"role": "user", "content": "What is the capital of France, and how many people live there?"},
        ]
    },
    "params": {"temperature": 0.2},
}
"""About 300 bytes, as the smallest real calls are."""
_LUA = """
wrk.method = "POST"
wrk.headers["X-API-Key"] = "{key}"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Calls in a second of the clock, and in a second of the server's processor time, which a noisy machine spares."""

    per_s: float
    per_cpu_s: float


def flat_out(running: Running, folder: Path, seconds: int = 6, connections: int = 32) -> Throughput:
    """As many calls as it answers. Stops the bench where any answer is not 2xx."""
    script = folder / "call.lua"
    script.write_text(_LUA.format(key=KEY, body=json.dumps(CALL)))
    _wrk(running, script, 2, connections)
    before = cpu_s(running.pid)
    calls, per_s = _wrk(running, script, seconds, connections)
    return Throughput(per_s=per_s, per_cpu_s=calls / (cpu_s(running.pid) - before))


def _wrk(running: Running, script: Path, seconds: int, connections: int) -> tuple[int, float]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(script), f"{running.url}/v1/run"]
    told = subprocess.run(pinned(LOAD_CORE, *command), check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told:
        raise SystemExit(f"the server answered with errors:\n{told}")
    calls, rate = re.search(r"(\d+) requests in", told), re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert calls, told
    assert rate, told
    return int(calls[1]), float(rate[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """The gateway's own milliseconds in a call, as X-OneAI-Overhead-Ms says."""

    p50: float
    p99: float


def at_rate(running: Running, per_s: int, seconds: int) -> Overhead:
    """Calls at a fixed rate, each at its time whether or not those before it have been answered."""
    found = sorted(asyncio.run(_open_loop(running, per_s, seconds)))
    return Overhead(p50=statistics.median(found), p99=found[int(len(found) * 0.99)])


async def _open_loop(running: Running, per_s: int, seconds: int) -> list[float]:
    headers, found = {"X-API-Key": KEY}, list[float]()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def call() -> None:
            async with session.post(f"{running.url}/v1/run", json=CALL) as answer:
                answer.raise_for_status()
                await answer.read()
                found.append(float(answer.headers["X-OneAI-Overhead-Ms"]))

        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(per_s * seconds):
                await asyncio.sleep(max(0.0, started + number / per_s - time.monotonic()))
                group.create_task(call())
    return found[per_s:]
