"""Calls at a fixed rate, each at its time whether or not those before it have been answered."""

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.ask import RUN, Ask
from bench.chunks import WORD
from bench.gateway import KEY, Running

Measure = Callable[[aiohttp.ClientSession], Coroutine[Any, Any, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """The gateway's own milliseconds in a call, as X-OneAI-Overhead-Ms says."""

    p50: float
    p99: float


def own(running: Running, per_s: int, seconds: int) -> Overhead:
    """Of runs at this rate."""

    async def call(session: aiohttp.ClientSession) -> float:
        async with session.post(f"{running.url}{RUN.path}", json=RUN.body) as answer:
            answer.raise_for_status()
            await answer.read()
            return float(answer.headers["X-OneAI-Overhead-Ms"])

    found = sorted(asyncio.run(_open_loop(call, per_s, seconds)))
    return Overhead(p50=statistics.median(found), p99=found[int(len(found) * 0.99)])


def first_word(url: str, ask: Ask, per_s: int, seconds: int) -> list[float]:
    """Milliseconds from asking to the first word, of every stream."""

    async def call(session: aiohttp.ClientSession) -> float:
        started, seen, at = time.perf_counter(), b"", 0.0
        async with session.post(f"{url}{ask.path}", data=ask.json()) as answer:
            answer.raise_for_status()
            async for block in answer.content.iter_any():
                seen += block
                if not at and WORD in seen:
                    at = time.perf_counter()
        assert at, seen
        return (at - started) * 1000

    return asyncio.run(_open_loop(call, per_s, seconds))


async def _open_loop(call: Measure, per_s: int, seconds: int) -> list[float]:
    """What each call measured, without those of the first second."""
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        started, tasks = time.monotonic(), list[asyncio.Task[float]]()
        async with asyncio.TaskGroup() as group:
            for number in range(per_s * seconds):
                await asyncio.sleep(max(0.0, started + number / per_s - time.monotonic()))
                tasks.append(group.create_task(call(session)))
    return [task.result() for task in tasks[per_s:]]
