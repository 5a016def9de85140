"""A 10 MB image through the gateway: what it costs, and whether anything else waits for it."""

import asyncio
import base64
import json
import os
import struct
import time
import zlib
from dataclasses import dataclass

import aiohttp

from bench.gateway import KEY, Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Milliseconds: the gateway's own in each call (median), and the slowest /health beside them."""

    overhead_ms: float
    health_ms: float


def png(size: int) -> bytes:
    """A PNG of about this many bytes, whose pixels are noise."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = int(size**0.5)
    pixels = b"".join(b"\0" + os.urandom(side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(pixels, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def cost(running: Running, size: int, rounds: int = 12) -> Cost:
    """One image after the other, with /health asked every 5 ms all the while."""
    return asyncio.run(_measure(running, size, rounds))


async def _measure(running: Running, size: int, rounds: int) -> Cost:
    image = base64.b64encode(png(size)).decode()
    body = json.dumps({"task": "ocr", "model": "op1", "input": {"image": image}}).encode()
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        slowest = [0.0]
        watching = asyncio.create_task(_watch(running, slowest))
        found = []
        for _ in range(rounds):
            async with session.post(f"{running.url}/v1/run", data=body) as answer:
                answer.raise_for_status()
                found.append(float(answer.headers["X-OneAI-Overhead-Ms"]))
        watching.cancel()
    return Cost(overhead_ms=sorted(found)[len(found) // 2], health_ms=slowest[0] * 1000)


async def _watch(running: Running, slowest: list[float]) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            started = time.monotonic()
            async with session.get(f"{running.url}/health") as answer:
                await answer.read()
            slowest[0] = max(slowest[0], time.monotonic() - started)
            await asyncio.sleep(0.005)
