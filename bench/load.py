"""Load as fast as it goes: wrk, one call after the other on each of its connections."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ask import Ask
from bench.gateway import KEY, Running
from bench.process import LOAD_CORE, cpu_s, pinned

CONNECTIONS = 32
_LUA = """
local calls, turn = {{ {calls} }}, 0
wrk.headers["X-API-Key"] = "{key}"
wrk.headers["Content-Type"] = "application/json"
init = function()
  for at, call in ipairs(calls) do calls[at] = wrk.format("POST", call[1], nil, call[2]) end
end
request = function()
  turn = turn % #calls + 1
  return calls[turn]
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Calls in a second of the clock, and in a second of the server's processor time, which a noisy machine spares."""

    per_s: float
    per_cpu_s: float


def flat_out(running: Running, folder: Path, ask: Ask, seconds: int = 6) -> Throughput:
    """As many calls as it answers. Stops the bench where any answer is not 2xx."""
    wrk(running.url, folder, [ask], 2)
    before = cpu_s(running.pid)
    calls, per_s = wrk(running.url, folder, [ask], seconds)
    return Throughput(per_s=per_s, per_cpu_s=calls / (cpu_s(running.pid) - before))


def wrk(url: str, folder: Path, asks: Sequence[Ask], seconds: int) -> tuple[int, float]:
    """These calls in turn: how many were answered, and how many in a second."""
    command = pinned(LOAD_CORE, *wrk_command(url, folder, asks, seconds))
    return wrk_told(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def wrk_command(url: str, folder: Path, asks: Sequence[Ask], seconds: int) -> list[str]:
    script = folder / "calls.lua"
    calls = ", ".join(f'{{ "{ask.path}", [==[{ask.json()}]==] }}' for ask in asks)
    script.write_text(_LUA.format(key=KEY, calls=calls))
    return ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(script), url]


def wrk_told(told: str) -> tuple[int, float]:
    """Calls, and calls in a second. Stops the bench where any answer is not 2xx, or breaks off."""
    if "Non-2xx" in told or re.search(r"(connect|read|write) [1-9]", told):
        raise SystemExit(f"the server answered with errors:\n{told}")
    calls, rate = re.search(r"(\d+) requests in", told), re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert calls, told
    assert rate, told
    return int(calls[1]), float(rate[1])
