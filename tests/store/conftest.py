"""Every store that the contract test runs over."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from oneai.store import Store, opened
from tests.fakes.postgrest import project

BACKENDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Store]]] = {
    "memory": lambda folder: opened("memory:"),
    "sqlite": lambda folder: opened(f"sqlite:{folder}/oneai.db"),
    "supabase": lambda folder: project(),
}


@pytest.fixture(params=list(BACKENDS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with BACKENDS[request.param](tmp_path) as opened_store:
        yield opened_store
