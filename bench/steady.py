"""Many calls of every kind, for a look at what they leave behind: whole, streamed, and cut by their client."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import leaving, load
from bench.ask import CHAT, STREAM
from bench.gateway import Running
from bench.process import LOAD_CORE, pinned, resident_mb

CALLS = 200_000
PARTS = 4
SLICE_S = 2
CUTTERS = 12
"""Half of them cut streams, and half calls that are waited for."""
_ASKS = [CHAT.of("lp1"), STREAM.of("lb1"), CHAT.of("lp1")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So many calls have been made, so many of them cut; resident memory in MB; seconds since the start."""

    calls: int
    cut: int
    resident_mb: float
    at_s: float


def parts(running: Running, folder: Path) -> Iterator[Part]:
    """A look after each part of the calls. A third of them is streamed; a tenth of them is cut, half of it streamed."""
    started, calls, cut, last = time.monotonic(), 0, 0, 0
    for number in range(1, PARTS + 1):
        while calls < CALLS * number // PARTS:
            each = max(0, (calls + last) // 10 - cut) // CUTTERS
            last = asyncio.run(_slice(running, folder, each)) + each * CUTTERS
            calls, cut = calls + last, cut + each * CUTTERS
        yield Part(calls=calls, cut=cut, resident_mb=resident_mb(running.pid), at_s=time.monotonic() - started)


async def _slice(running: Running, folder: Path, each: int) -> int:
    """How many calls were answered while each cutter cut so many others."""
    command = pinned(LOAD_CORE, *load.wrk_command(running.url, folder, _ASKS, SLICE_S))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.TaskGroup() as group:
        for _ in range(CUTTERS // 2):
            group.create_task(leaving.cut_streams(running.port, STREAM.of("lb2"), each))
            group.create_task(leaving.cut_waiting(running.port, CHAT.of("lb3"), each))
    told, _ = await process.communicate()
    return load.wrk_told(told.decode())[0]
