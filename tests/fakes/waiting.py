"""Waiting for what another task is about to do, where nothing tells of it."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE_S = 10.0


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Raises TimeoutError where it does not come true."""
    async with asyncio.timeout(PATIENCE_S):
        while not await _now(true):  # noqa: ASYNC110 - nobody sets an event for what is awaited here
            await asyncio.sleep(0.005)


async def _now(true: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = true()
    return await found if inspect.isawaitable(found) else found
