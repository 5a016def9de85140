"""Clients that do not stay to the end: streams that are held open, and calls that are cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bench.ask import Ask
from bench.chunks import WORD

AT_ONCE = 50
CUT_AFTER_S = 0.02


async def hold(port: int, ask: Ask, count: int, stack: AsyncExitStack) -> None:
    """So many streams, each open and with its first word read, until the stack ends."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            reader = await stack.enter_async_context(_asked(port, ask))
            await reader.readuntil(WORD)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def cut_streams(port: int, ask: Ask, count: int) -> None:
    """One after the other, each cut behind its first word."""
    for _ in range(count):
        async with _asked(port, ask) as reader:
            await reader.readuntil(WORD)


async def cut_waiting(port: int, ask: Ask, count: int) -> None:
    """One after the other, each cut while it is waited for."""
    for _ in range(count):
        async with _asked(port, ask):
            await asyncio.sleep(CUT_AFTER_S)


@asynccontextmanager
async def _asked(port: int, ask: Ask) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(ask.raw())
        yield reader
    finally:
        writer.transport.abort()
