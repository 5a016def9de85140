"""How long the gateway waits for its store: one that hangs is away, and nothing hangs with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, cast

from oneai.errors import StoreAway
from oneai.store import Store

ANSWER_S = 30.0
PRUNE_S = 600.0
"""Months of rows may go in one call."""


@asynccontextmanager
async def within(seconds: float, store: str) -> AsyncIterator[None]:
    """Raise StoreAway where the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise StoreAway(store=store, why=f"it did not answer within {seconds:g} s") from exc


def bounded(store: Store) -> Store:
    """The store, whose every call ends in ANSWER_S (`prune`: PRUNE_S) or raises StoreAway."""
    return cast(Store, _Bounded(store))


class _Bounded:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._in_time(found, PRUNE_S if name == "prune" else ANSWER_S) if callable(found) else found

    def _in_time(self, call: Callable[..., Awaitable[Any]], seconds: float) -> Callable[..., Awaitable[Any]]:
        @wraps(call)
        async def in_time(*args: Any, **kwargs: Any) -> Any:
            async with within(seconds, self._store.name):
                return await call(*args, **kwargs)

        return in_time
